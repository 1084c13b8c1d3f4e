import { Server, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { hostSdkServer, type OpenSdkSession, type SdkServer, type SdkServerOptions } from './sdk-host.ts';

const open: OpenSdkSession = async (backend, { json, session }) => {
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
  return hostSdkServer(open, options);
}
