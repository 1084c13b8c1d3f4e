import { z } from 'zod';

const count = z.int().nonnegative();

/** `mcpstead check --json`. */
export const checkContract = z.object({
  path: z.string().describe('The file, which is valid: else there is no report, and the exit code is 2.'),
  endpoint: z.string().nullable().describe('The URL of `/mcp`; null: the port is any free one.'),
  auth: z.enum(['none', 'bearer']),
  metrics: z.boolean(),
  servers: z
    .array(
      z.object({
        name: z.string(),
        enabled: z.boolean(),
        target: z.string().describe('The URL without user info and query, or the name of the command.'),
        protocol: z.string(),
        required: z.boolean(),
        connection: z
          .object({
            connected: z.boolean(),
            cause: z.string().nullable().describe('Why it cannot be connected; null if it can.'),
            protocol_version: z.string().nullable(),
            tools: count,
            prompts: count,
            resources: count,
            resource_templates: count,
          })
          .nullable()
          .describe('What clients would see of it; null without --connect, and if it is disabled.'),
      }),
    )
    .describe('In the order of the file.'),
  profiles: z.array(z.object({ name: z.string(), servers: z.array(z.string()) })),
  warnings: z.array(z.string()),
});

export type CheckReport = z.infer<typeof checkContract>;
