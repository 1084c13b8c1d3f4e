import { z } from 'zod';

/** What the reports about clients have in common. */
const client = {
  client: z.string().describe('The word for the client on the command line.'),
  title: z.string(),
  file: z.string().nullable().describe("The client's file; null if it has none that can be written."),
};
const names = z.array(z.string());
const reason = z.string().nullable().describe('Why it was refused or failed.');
const restart = z.string().nullable().describe('What a person does for the change to take effect.');

/** `mcpstead connect --json`. */
export const connectContract = z.object({
  gateway: z.string().describe('The URL that clients are connected to.'),
  config: z.string().describe('The configuration of the gateway.'),
  dry_run: z.boolean(),
  clients: z
    .array(
      z.object({
        ...client,
        outcome: z
          .enum(['connected', 'planned', 'unchanged', 'not_installed', 'refused', 'failed'])
          .describe(
            '`planned`: by a dry run; `refused`: the file cannot be edited; `failed`: it could not be written.',
          ),
        reason,
        snippet: z.string().nullable().describe('What to paste where nothing can be written.'),
        added: names.describe('The names of new entries.'),
        replaced: z
          .array(
            z.object({
              name: z.string().describe("The name in the client's file."),
              server: z
                .string()
                .nullable()
                .describe('The server that it leads to; null for the whole gateway.'),
            }),
          )
          .describe('The entries that lead to the gateway now.'),
        kept: z
          .array(z.object({ name: z.string(), reason: z.string() }))
          .describe('With --replace, the entries that stay.'),
        backup: z.string().nullable().describe('The file that "mcpstead disconnect" goes back by.'),
        restart,
      }),
    )
    .describe('One for each file.'),
});

/** `mcpstead connect --list --json`. */
export const connectListContract = z.object({
  clients: z.array(
    z.object({
      ...client,
      installed: z.boolean(),
      connected: z.boolean(),
      entries: names.describe('The names of the entries that lead to the gateway.'),
      fault: z.string().nullable().describe('Why the file cannot be read.'),
    }),
  ),
});

/** `mcpstead disconnect --json`. */
export const disconnectContract = z.object({
  dry_run: z.boolean(),
  clients: z
    .array(
      z.object({
        ...client,
        outcome: z.enum(['disconnected', 'planned', 'not_connected', 'refused', 'failed']),
        reason,
        removed: names.describe('The entries that were taken out.'),
        restored: names.describe('The entries that were put back.'),
        kept: names.describe(
          'The entries that stay, because they were changed since, or nothing is known of what they replaced.',
        ),
        backup: z.string().nullable().describe('The backup that it came from.'),
        restart,
      }),
    )
    .describe('One for each file.'),
});

export type ConnectReport = z.infer<typeof connectContract>;
export type ConnectListReport = z.infer<typeof connectListContract>;
export type DisconnectReport = z.infer<typeof disconnectContract>;
