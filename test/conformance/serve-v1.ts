// Serves the fixture made with the v1 SDK: `bun serve-v1.ts stdio`, or `bun serve-v1.ts http`, with sessions, or `bun serve-v1.ts sse`
// for HTTP+SSE; both print their URL.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { EventLog, serveLoopback } from './loopback.ts';
import { conformanceServerV1 } from './server-v1.ts';

const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();

async function open(): Promise<WebStandardStreamableHTTPServerTransport> {
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    eventStore: new EventLog(),
    retryInterval: 1_000,
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
  });
  await conformanceServerV1().connect(transport);
  return transport;
}

/** MCP 2024-11-05, Transports, HTTP with SSE. */
function serveSse(): void {
  const open = new Map<string, SSEServerTransport>();
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    if (request.method === 'GET' && pathname === '/mcp') {
      const transport = new SSEServerTransport('/messages', response);
      open.set(transport.sessionId, transport);
      response.on('close', () => open.delete(transport.sessionId));
      await conformanceServerV1().connect(transport);
      return;
    }
    const transport = pathname === '/messages' ? open.get(searchParams.get('sessionId') ?? '') : undefined;
    if (transport) await transport.handlePostMessage(request, response);
    else response.writeHead(pathname === '/mcp' ? 405 : 404).end();
  });
  server.listen(0, '127.0.0.1', () => {
    console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
  });
}

if (process.argv[2] === 'sse') serveSse();
else if (process.argv[2] === 'stdio') await conformanceServerV1().connect(new StdioServerTransport());
else
  serveLoopback(async (request) => {
    const id = request.headers.get('mcp-session-id');
    const transport = id === null ? await open() : sessions.get(id);
    if (transport) return transport.handleRequest(request);
    const error = { code: -32001, message: 'Session not found' };
    return Response.json({ jsonrpc: '2.0', id: null, error }, { status: 404 });
  });
