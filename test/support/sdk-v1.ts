import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import {
  hostSdkServer,
  legacyFront,
  type OpenSdkSession,
  type SdkServer,
  type SdkServerOptions,
} from './sdk-host.ts';

const open: OpenSdkSession = async (backend, { json, session }) => {
  const server = new Server(
    { name: 'sdk-v1', version: '1.0.0' },
    { capabilities: { tools: { listChanged: true } } },
  );
  server.setRequestHandler(ListToolsRequestSchema, (request) => backend.list(request.params?.cursor));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) =>
    backend.call(params.name, params.arguments ?? {}, {
      meta: params._meta,
      signal: extra.signal,
      async progress(progress, total) {
        const progressToken = params._meta?.progressToken;
        if (progressToken === undefined) return;
        await extra.sendNotification({
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

/** Starts a server made with the v1 SDK (`@modelcontextprotocol/sdk`). */
export function startSdkV1(options: SdkServerOptions = {}): Promise<SdkServer> {
  return hostSdkServer(legacyFront(open, options), options);
}
