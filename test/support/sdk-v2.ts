import {
  createMcpHandler,
  Server,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import {
  hostSdkServer,
  legacyFront,
  type OpenSdkSession,
  type SdkBackend,
  type SdkServer,
  type SdkServerOptions,
} from './sdk-host.ts';

function makeServer(backend: SdkBackend): Server {
  const server = new Server(
    { name: 'sdk-v2', version: '1.0.0' },
    { capabilities: { tools: { listChanged: true } } },
  );
  server.setRequestHandler('tools/list', (request) => backend.list(request.params?.cursor));
  server.setRequestHandler('tools/call', ({ params }, context) =>
    backend.call(params.name, params.arguments ?? {}, {
      meta: context.mcpReq._meta,
      signal: context.mcpReq.signal,
      async progress(progress, total) {
        const progressToken = context.mcpReq._meta?.progressToken;
        if (progressToken === undefined) return;
        await context.mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken, progress, ...(total !== undefined && { total }) },
        });
      },
    }),
  );
  return server;
}

const open: OpenSdkSession = async (backend, { json, session }) => {
  const server = makeServer(backend);
  const transport = new WebStandardStreamableHTTPServerTransport({
    enableJsonResponse: json,
    ...(session && {
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: session.opened,
      onsessionclosed: session.closed,
    }),
  });
  await server.connect(transport);
  return {
    handle: (request) => transport.handleRequest(request),
    toolsChanged: () => server.sendToolListChanged(),
    close: () => server.close(),
  };
};

/** Starts a server made with the v2 SDK (`@modelcontextprotocol/server`), serving its legacy era. */
export function startSdkV2(options: SdkServerOptions = {}): Promise<SdkServer> {
  return hostSdkServer(legacyFront(open, options), options);
}

/** Starts a server made with the v2 SDK that serves revision 2026-07-28 and nothing older. */
export function startSdkV2Modern(options: SdkServerOptions = {}): Promise<SdkServer> {
  return hostSdkServer((backend) => {
    const handler = createMcpHandler(() => makeServer(backend), { legacy: 'reject' });
    return {
      fetch: (request) => handler.fetch(request),
      toolsChanged: async () => handler.notify.toolsChanged(),
      sessionCount: () => 0,
      sessionsOpened: () => 0,
      forgetSessions: async () => {},
    };
  }, options);
}
