/** The context of a tool call in the SDK servers below. */
export interface ToolContext {
  /** The number of executions of this tool, this one included. */
  readonly execution: number;
  readonly meta: Record<string, unknown> | undefined;
  /** Aborted when the caller cancels the call. */
  readonly signal: AbortSignal;
  /** Sends `notifications/progress` when the caller gave a progress token. */
  progress(progress: number, total?: number): Promise<void>;
  /** Resolves when the test calls `release()`; rejects when the call is cancelled. */
  released(): Promise<void>;
}

/** A tool's result, MCP `CallToolResult`, with the members that the tests use. */
export interface ToolResult {
  [key: string]: unknown;
  content: { type: 'text'; text: string }[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
  _meta?: Record<string, unknown>;
}

interface ServedTool {
  readonly name: string;
  readonly description: string;
  readonly annotations?: { readOnlyHint?: boolean; idempotentHint?: boolean; destructiveHint?: boolean };
  run(args: Record<string, unknown>, context: ToolContext): ToolResult | Promise<ToolResult>;
}

export const text = (value: string): ToolResult => ({ content: [{ type: 'text', text: value }] });

/** The tools that the SDK servers serve, in this order. The same on both SDKs. */
export const servedTools: readonly ServedTool[] = [
  {
    name: 'echo',
    description: 'Returns its message',
    annotations: { readOnlyHint: true },
    run: (args) => text(String(args.message)),
  },
  {
    name: 'mirror',
    description: 'Returns the arguments and the _meta that it was called with',
    annotations: { readOnlyHint: true },
    run: (args, { meta }) => ({
      ...text('mirrored'),
      structuredContent: { arguments: args, meta: meta ?? null },
      _meta: { 'example.com/mirror': 'kept' },
    }),
  },
  {
    name: 'count',
    description: 'Returns how often it was executed; doing it twice is wrong',
    annotations: { readOnlyHint: false, idempotentHint: false },
    run: (_args, { execution }) => text(String(execution)),
  },
  {
    name: 'steps',
    description: 'Reports as many steps of progress as it is told, then returns',
    run: async (args, { progress }) => {
      const total = Number(args.steps);
      for (let step = 1; step <= total; step++) await progress(step, total);
      return text(`${total} steps done`);
    },
  },
  {
    name: 'hold',
    description: 'Reports progress once and returns when the test releases it',
    annotations: { readOnlyHint: false, idempotentHint: false },
    run: async (_args, { progress, released }) => {
      await progress(1);
      await released();
      return text('released');
    },
  },
  {
    name: 'slow',
    description: 'Returns after as many milliseconds as it is told; doing it twice is wrong',
    annotations: { readOnlyHint: false, idempotentHint: false },
    run: async (args) => {
      await Bun.sleep(Number(args.ms));
      return text('done');
    },
  },
  {
    name: 'big',
    description: 'Returns as many characters as it is told',
    run: (args) => text('x'.repeat(Number(args.chars))),
  },
  {
    name: 'fail',
    description: 'Returns a result that says it is an error',
    run: () => ({ ...text('it did not work'), isError: true }),
  },
];

/** A tool as `tools/list` shows it. */
export interface ListedTool {
  [key: string]: unknown;
  name: string;
  description?: string;
  inputSchema: { type: 'object' };
  annotations?: Record<string, unknown>;
}

/** The names of the tools. */
export const servedToolNames = servedTools.map((tool) => tool.name);

/** The tools above as `tools/list` shows them, and `extraTools` further ones: `extra_0000` and so on. */
export function listServedTools(extraTools: number): ListedTool[] {
  const listed: ListedTool[] = servedTools.map(({ run: _run, ...tool }) => ({
    ...tool,
    inputSchema: { type: 'object' },
  }));
  for (let index = 0; index < extraTools; index++) {
    listed.push({
      name: `extra_${String(index).padStart(4, '0')}`,
      description: 'One of many',
      inputSchema: { type: 'object' },
    });
  }
  return listed;
}
