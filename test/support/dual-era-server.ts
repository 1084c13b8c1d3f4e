import {
  createMcpHandler,
  isLegacyRequest,
  Server,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import type { RpcMessage } from './rpc.ts';
import { hostSdkServer, legacyFront, type OpenSdkSession, type SdkServer } from './sdk-host.ts';

/** A server whose tools tell in which era they are called, and by whom. */
function makeServer(era: 'legacy' | 'modern'): Server {
  const server = new Server({ name: 'dual', version: '1.0.0' }, { capabilities: { tools: {} } });
  let count = 0;
  server.setRequestHandler('tools/list', () => ({
    tools: [{ name: 'era', inputSchema: { type: 'object' as const } }],
  }));
  server.setRequestHandler('tools/call', () => {
    count++;
    const client = era === 'legacy' ? server.getClientVersion()?.name : null;
    return { content: [{ type: 'text', text: JSON.stringify({ era, client, count }) }] };
  });
  return server;
}

const openSession: OpenSdkSession = async (_backend, { session }) => {
  const server = makeServer('legacy');
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => crypto.randomUUID(),
    onsessioninitialized: (id) => session?.opened(id),
    onsessionclosed: (id) => session?.closed(id),
  });
  await server.connect(transport);
  return {
    handle: (request) => transport.handleRequest(request),
    toolsChanged: () => server.sendToolListChanged(),
    close: () => server.close(),
  };
};

/**
 * Starts a server made with the v2 SDK that speaks both eras at one endpoint.
 * @param refusesSessions whether it refuses to initialize, although it says that it speaks the legacy era
 */
export function startDualEraServer(refusesSessions = false): Promise<SdkServer> {
  return hostSdkServer((backend) => {
    const legacy = legacyFront(openSession, {})(backend);
    const modern = createMcpHandler(() => makeServer('modern'), { legacy: 'reject' });
    return {
      ...legacy,
      async fetch(request) {
        const isLegacy = request.method !== 'POST' || (await isLegacyRequest(request.clone() as Request));
        if (!isLegacy) return withBothEras(await modern.fetch(request));
        return refusesSessions ? new Response('no', { status: 500 }) : legacy.fetch(request);
      },
    };
  }, {});
}

/** The SDK names in `server/discover` only what its handler serves itself. */
async function withBothEras(response: Response): Promise<Response> {
  if (!response.headers.get('content-type')?.startsWith('application/json')) return response;
  const message = (await response.json()) as RpcMessage;
  const versions = message.result?.supportedVersions;
  if (Array.isArray(versions) && !versions.includes('2025-11-25')) versions.push('2025-11-25');
  return Response.json(message, { status: response.status });
}
