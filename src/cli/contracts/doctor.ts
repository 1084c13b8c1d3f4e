import { z } from 'zod';

const check = z.object({
  area: z
    .enum(['configuration', 'commands', 'port', 'gateway', 'service', 'state', 'clients', 'servers', 'names'])
    .describe('What was looked at.'),
  subject: z
    .string()
    .nullable()
    .describe('The server, client, file or command that it is about; null: none.'),
  status: z.enum(['ok', 'note', 'problem']).describe('`note`: worth knowing, and no problem.'),
  message: z.string(),
  fix: z.string().nullable().describe('The command that fixes it, or what to do; null: nothing.'),
});

/** `mcpstead doctor --json`. */
export const doctorContract = z.object({
  ok: z.boolean().describe('Whether there are no problems; if there are, the exit code is 1.'),
  problems: z.number(),
  notes: z.number(),
  checks: z.array(check),
});

export type Check = z.infer<typeof check>;
export type DoctorReport = z.infer<typeof doctorContract>;
