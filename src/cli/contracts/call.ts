import { z } from 'zod';

/** `mcpstead call --json`: the result as the server sent it. MCP 2025-11-25 and 2026-07-28, `CallToolResult`. */
export const callContract = z.looseObject({
  content: z
    .array(z.looseObject({ type: z.string() }))
    .optional()
    .describe('The parts of the result: text, image, audio, resource_link, resource and others.'),
  structuredContent: z
    .unknown()
    .optional()
    .describe('The result as data, as the output schema of the tool describes it.'),
  isError: z.boolean().optional().describe('Whether the tool reports an error; the exit code is 1 then.'),
  _meta: z.looseObject({}).optional(),
});
