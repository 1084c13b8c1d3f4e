import { z } from 'zod';

const texts = z.array(z.string());

const serverSchema = z.looseObject({
  name: z
    .string()
    .describe('The name in the configuration; of servers that are not in it, the one that the client has.'),
  action: z
    .enum(['added', 'present', 'gateway', 'skipped'])
    .describe('`present`: the configuration has it already; `gateway`: it is mcpstead itself.'),
  enabled: z.boolean(),
  target: z.string().nullable().describe('The URL or the program, without secrets; null: it is not taken.'),
  sources: z.array(
    z.looseObject({
      client: z.string().describe('`file`: a file that the command line names.'),
      file: z.string(),
      name: z.string().describe('The name there.'),
      project: z.string().nullable().describe('The folder in which the client uses it; null: everywhere.'),
    }),
  ),
  variables: texts.describe('The variables that the server refers to.'),
  missing: texts.describe('Those of them without a value: the server stays off.'),
  notes: texts.describe('What people should know.'),
});

/** `mcpstead import --json`. */
export const importContract = z.looseObject({
  written: z.boolean().describe('Whether the files were written.'),
  dry_run: z.boolean(),
  config: z.string().describe('The configuration that servers are added to.'),
  env_file: z.string().describe('The file of secrets beside it.'),
  servers: z.array(serverSchema),
  files: z.array(
    z.looseObject({
      client: z.string(),
      path: z.string(),
      servers: z.int().min(0),
      error: z.string().nullable().describe('Why it could not be read; null: it was.'),
    }),
  ),
  variables: texts.describe('The names of the values that are added to the file of secrets.'),
  reload: z
    .union([
      z.looseObject({ error: z.string() }),
      z.looseObject({ url: z.string(), result: z.looseObject({}) }),
    ])
    .nullable()
    .describe('What the running gateway said; null: none runs, or nothing was written.'),
});
