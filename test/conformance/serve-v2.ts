// Serves the fixture made with the v2 SDK: `bun serve-v2.ts stdio`, or `bun serve-v2.ts http`, which prints its URL. In both eras,
// unless `modern` follows.
import { randomUUID } from 'node:crypto';
import {
  createMcpHandler,
  InMemoryServerEventBus,
  isLegacyRequest,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { EventLog, serveLoopback } from './loopback.ts';
import { conformanceServer, type Fixture, type Host } from './server-v2.ts';

const legacy = process.argv[3] === 'modern' ? 'reject' : 'serve';
if (process.argv[2] === 'stdio') serveOverStdio();
else serveOverHttp();

function serveOverStdio(): void {
  const fixtures: Fixture[] = [];
  const shown = { tool: false, prompt: false };
  const host: Host = {
    shown,
    toggle(extra) {
      shown[extra] = !shown[extra];
      for (const fixture of fixtures) fixture.show(extra, shown[extra]);
    },
    touch: (uri) => fixtures.forEach(({ server }) => void server.server.sendResourceUpdated({ uri })),
    endStream() {},
  };
  // One for the connection, and one for a probe ahead of it.
  serveStdio(
    () => {
      const fixture = conformanceServer(host);
      fixtures.push(fixture);
      return fixture.server;
    },
    { legacy },
  );
}

function serveOverHttp(): void {
  const bus = new InMemoryServerEventBus();
  const sessions = new Map<
    string,
    { readonly transport: WebStandardStreamableHTTPServerTransport; readonly fixture: Fixture }
  >();
  const shown = { tool: false, prompt: false };
  const host: Host = {
    shown,
    toggle(extra) {
      shown[extra] = !shown[extra];
      bus.publish({ kind: `${extra}s_list_changed` });
      for (const { fixture } of sessions.values()) fixture.show(extra, shown[extra]);
    },
    touch(uri) {
      bus.publish({ kind: 'resource_updated', uri });
      for (const { fixture } of sessions.values()) void fixture.server.server.sendResourceUpdated({ uri });
    },
    endStream: ({ sessionId = '', mcpReq }) => sessions.get(sessionId)?.transport.closeSSEStream(mcpReq.id),
  };
  // Each request of the modern era has a server of its own.
  const modern = createMcpHandler(() => conformanceServer(host).server, { bus, legacy: 'reject' });

  const open = async (): Promise<WebStandardStreamableHTTPServerTransport> => {
    const fixture = conformanceServer(host);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      eventStore: new EventLog(),
      retryInterval: 1_000,
      onsessioninitialized: (id) => void sessions.set(id, { transport, fixture }),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await fixture.server.connect(transport);
    return transport;
  };

  serveLoopback(async (request) => {
    if (
      legacy === 'reject' ||
      (request.method === 'POST' && !(await isLegacyRequest(request.clone() as Request)))
    )
      return modern.fetch(request);
    const id = request.headers.get('mcp-session-id');
    if (id === null) return (await open()).handleRequest(request);
    const session = sessions.get(id);
    if (session) return session.transport.handleRequest(request);
    const error = { code: -32001, message: 'Session not found' };
    return Response.json({ jsonrpc: '2.0', id: null, error }, { status: 404 });
  });
}
