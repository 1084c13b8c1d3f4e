import { createMcpHandler, inputRequired, Server, type ServerContext } from '@modelcontextprotocol/server';
import { hostSdkServer, type SdkServer } from './sdk-host.ts';

const form = { message: 'Who are you?', requestedSchema: { type: 'object' as const, properties: {} } };
const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });

interface AskingModernServer extends SdkServer {
  /** How often a tool ran with answers. */
  resumed(tool: string): number;
  /** The calls of `work` that were cancelled. */
  cancelled(): number;
  /** Lets the calls of `work` end. */
  finish(): void;
}

/** The name in the answer to the form, if there is one. */
function nameIn({ mcpReq }: ServerContext): string | undefined {
  const answer = mcpReq.inputResponses?.who as { action?: string; content?: { name?: string } } | undefined;
  if (answer?.action === undefined) return undefined;
  return answer.action === 'accept' ? String(answer.content?.name) : answer.action;
}

/** Starts a server of revision 2026-07-28, made with the v2 SDK, whose tools ask their client, and echo their state. */
export async function startAskingV2(): Promise<AskingModernServer> {
  const resumed = new Map<string, number>();
  const waiting = new Set<() => void>();
  let cancelled = 0;

  const makeServer = () => {
    const server = new Server({ name: 'asking-v2', version: '1.0.0' }, { capabilities: { tools: {} } });
    server.setRequestHandler('tools/list', () => ({
      tools: ['form', 'work', 'forever', 'later'].map((name) => ({
        name,
        inputSchema: { type: 'object' as const },
      })),
    }));
    server.setRequestHandler('tools/call', async ({ params }, context) => {
      const { mcpReq } = context;
      const state = mcpReq.requestState<string>();
      if (params.name === 'forever') return inputRequired({ requestState: `${state ?? ''}+` });
      if (params.name === 'later')
        return state === undefined ? inputRequired({ requestState: 'busy' }) : text(`done, ${state}`);
      const name = nameIn(context);
      if (name === undefined)
        return inputRequired({
          inputRequests: { who: inputRequired.elicit(form) },
          requestState: 'state "é"',
        });
      resumed.set(params.name, (resumed.get(params.name) ?? 0) + 1);
      if (params.name === 'work') {
        mcpReq.signal.addEventListener('abort', () => void cancelled++);
        await new Promise<void>((resolve) => waiting.add(resolve));
      }
      return text(`${name}, ${state}, ${resumed.get(params.name)}`);
    });
    return server;
  };

  const hosted = await hostSdkServer(() => {
    const handler = createMcpHandler(makeServer, { legacy: 'reject' });
    return {
      fetch: (request) => handler.fetch(request),
      toolsChanged: async () => handler.notify.toolsChanged(),
      sessionCount: () => 0,
      sessionsOpened: () => 0,
      forgetSessions: async () => {},
    };
  }, {});
  return {
    ...hosted,
    resumed: (tool) => resumed.get(tool) ?? 0,
    cancelled: () => cancelled,
    finish() {
      for (const resolve of waiting) resolve();
      waiting.clear();
    },
    [Symbol.asyncDispose]: () => hosted[Symbol.asyncDispose](),
  };
}

/** Starts a server of revision 2026-07-28 that answers each call as the test says, whether that is allowed or not. */
export function startRawModern(answer: (params: Record<string, unknown>) => object) {
  const own = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const { id, method, params } = (await request.json()) as {
        id?: number;
        method: string;
        params: Record<string, unknown>;
      };
      if (id === undefined) return new Response(null, { status: 202 });
      const results: Record<string, object> = {
        'server/discover': { ...own, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
        'tools/list': { ...own, tools: [{ name: 'tool', inputSchema: { type: 'object' } }] },
      };
      const result = method === 'tools/call' ? answer(params) : results[method];
      if (result === undefined)
        return Response.json({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }, { status: 404 });
      return Response.json({ jsonrpc: '2.0', id, result });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/mcp`,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
