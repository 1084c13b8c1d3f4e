import type { Server as ServerV1 } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { createMcpHandler, type McpServer as McpServerV2 } from '@modelcontextprotocol/server';

/** A real MCP server with whatever a test registers, in this process. */
export interface Served extends AsyncDisposable {
  readonly url: string;
  /** The methods of the messages that it received, in order. */
  readonly received: readonly string[];
}

/** Notes the methods of the messages in a POST. */
async function note(request: Request, received: string[]): Promise<void> {
  if (request.method !== 'POST') return;
  const body: unknown = await request.clone().json();
  for (const message of [body].flat())
    received.push(String((message as { method?: string }).method ?? 'response'));
}

function serve(
  received: string[],
  handle: (request: Request) => Promise<Response>,
  close: () => Promise<void>,
): Served {
  const host = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      await note(request, received);
      return handle(request);
    },
  });
  return {
    url: `http://127.0.0.1:${host.port}/mcp`,
    received,
    async [Symbol.asyncDispose]() {
      await close();
      await host.stop(true);
    },
  };
}

/** Serves the legacy era with the v1 SDK: `make` returns the server of a new session. */
export function serveV1(make: () => ServerV1): Served {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const handle = async (request: Request) => {
    const id = request.headers.get('mcp-session-id');
    const known = id === null ? undefined : sessions.get(id);
    if (known) return flushed(await known.handleRequest(request));
    if (id !== null) return new Response('unknown session', { status: 404 });
    const transport: WebStandardStreamableHTTPServerTransport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (opened) => void sessions.set(opened, transport),
    });
    await make().connect(transport);
    return flushed(await transport.handleRequest(request));
  };
  return serve([], handle, async () => {
    await Promise.all([...sessions.values()].map((transport) => transport.close()));
  });
}

/** Serves revision 2026-07-28 and nothing older with the v2 SDK: `make` returns the server of one request. */
export function serveV2(make: () => McpServerV2): Served {
  const handler = createMcpHandler(make, { legacy: 'reject' });
  return serve(
    [],
    async (request) => flushed(await handler.fetch(request)),
    async () => {},
  );
}

/** Bun.serve delays headers until the first chunk of a stream; Node, where these servers usually run, does not. */
function flushed(response: Response): Response {
  if (!response.body || !response.headers.get('content-type')?.startsWith('text/event-stream'))
    return response;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(': open\n\n')),
  });
  void response.body.pipeTo(writable).catch(() => undefined);
  return new Response(readable, response);
}
