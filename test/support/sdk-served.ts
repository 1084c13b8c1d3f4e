import type { Server as ServerV1 } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport as TransportV1 } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import {
  createMcpHandler,
  type McpServer as McpServerV2,
  WebStandardStreamableHTTPServerTransport as TransportV2,
} from '@modelcontextprotocol/server';

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

/** The transport of a session, of either SDK. */
type SessionTransport = TransportV1 | TransportV2;
interface SessionOptions {
  sessionIdGenerator(): string;
  onsessioninitialized(id: string): void;
}

/** Serves the legacy era with the v1 SDK: `make` returns the server of a new session. */
export function serveV1(make: () => ServerV1): Served {
  return serveSessions(async (options) => {
    const transport = new TransportV1(options);
    await make().connect(transport);
    return transport;
  });
}

/** Serves the legacy era with the v2 SDK: `make` returns the server of a new session. */
export function serveV2Legacy(make: () => McpServerV2): Served {
  return serveSessions(async (options) => {
    const transport = new TransportV2(options);
    await make().connect(transport);
    return transport;
  });
}

function serveSessions(open: (options: SessionOptions) => Promise<SessionTransport>): Served {
  const sessions = new Map<string, SessionTransport>();
  const handle = async (request: Request) => {
    const id = request.headers.get('mcp-session-id');
    const known = id === null ? undefined : sessions.get(id);
    if (known) return flushed(await known.handleRequest(request));
    if (id !== null) return new Response('unknown session', { status: 404 });
    const transport: SessionTransport = await open({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (opened) => void sessions.set(opened, transport),
    });
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
