import { z } from 'zod';

/** `mcpstead logs --json`. */
export const logsContract = z.object({
  lines: z
    .array(
      z.looseObject({
        at: z.string().describe('ISO 8601, in UTC.'),
        level: z.string(),
        message: z.string(),
        server: z.string().optional().describe('Absent: the line is about the gateway itself.'),
      }),
    )
    .describe('The oldest first. Lines have further members, as the log has.'),
});

export type LogsReport = z.infer<typeof logsContract>;
export type LogRow = LogsReport['lines'][number];
