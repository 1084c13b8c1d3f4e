// Serves the fixture made with the v1 SDK: `bun serve-v1.ts stdio`, or `bun serve-v1.ts http`, with sessions, which prints its URL.
import { randomUUID } from 'node:crypto';
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

if (process.argv[2] === 'stdio') await conformanceServerV1().connect(new StdioServerTransport());
else
  serveLoopback(async (request) => {
    const id = request.headers.get('mcp-session-id');
    const transport = id === null ? await open() : sessions.get(id);
    if (transport) return transport.handleRequest(request);
    const error = { code: -32001, message: 'Session not found' };
    return Response.json({ jsonrpc: '2.0', id: null, error }, { status: 404 });
  });
