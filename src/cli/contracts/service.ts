import { z } from 'zod';

/** `mcpstead service status --json`. */
export const serviceContract = z.object({
  manager: z.enum(['launchd', 'systemd', 'task-scheduler']).describe('What starts the gateway.'),
  installed: z.boolean(),
  enabled: z.boolean().describe('Whether it starts when the user logs in.'),
  running: z.boolean().nullable().describe('null: the manager does not say.'),
  pid: z.int().nullable(),
  last_exit_code: z
    .int()
    .nullable()
    .describe('Of the last process that ended; null: none has, or the manager does not say.'),
  file: z.string().describe('The file that describes the service, whether or not it exists.'),
  program: z
    .array(z.string())
    .nullable()
    .describe('The command without its own arguments; null: not installed.'),
  program_exists: z.boolean().nullable(),
  config: z.string().nullable(),
  path: z.string().nullable().describe('The recorded PATH; null: not installed, or the one of the user.'),
  url: z.string().nullable().describe('The endpoint, while a gateway with this configuration runs.'),
  log: z
    .union([z.object({ file: z.string() }), z.object({ command: z.string() })])
    .describe('The file of the log, or the command that shows it.'),
});
