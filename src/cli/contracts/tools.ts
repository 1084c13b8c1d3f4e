import { z } from 'zod';

const toolRow = z.object({
  name: z.string().describe('As clients of the whole gateway know it.'),
  server: z.string(),
  title: z.string().nullable(),
  description: z.string().describe('The first line.'),
  bytes: z.number().describe('Of name, description and schemas, as they are listed.'),
  tokens: z.number().describe('An estimate for models: a quarter of the bytes.'),
});

/** `/-/tools`, as the commands understand it. */
export const toolListContract = z.object({ tools: z.array(toolRow) });

const sum = { tools: z.number(), bytes: z.number(), tokens: z.number() };

/** `mcpstead tools --json`. */
export const toolsContract = z.object({
  tools: z.array(toolRow),
  servers: z
    .array(
      z.object({ name: z.string(), ...sum, share: z.number().describe('Of `context_tokens`, from 0 to 1.') }),
    )
    .describe('What the tools of each server cost a client that lists them all.'),
  total: z.object(sum),
  context_tokens: z.number().describe('The context of a common model, of which the shares are.'),
  max_tokens: z
    .number()
    .nullable()
    .describe('The value of --max-tokens; if the total is above it, the exit code is 1.'),
  name_problems: z
    .array(z.object({ reason: z.string(), count: z.number(), example: z.string() }))
    .describe('Names that common clients refuse.'),
});

export type PricedTool = z.infer<typeof toolRow>;
export type ToolsReport = z.infer<typeof toolsContract>;
