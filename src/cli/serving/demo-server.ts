import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { z } from 'zod';
import { sleep } from '../../runtime/deadlines.ts';
import { build } from '../../version.ts';

/** The example server of `mcpstead demo`, listening on a free loopback port. */
interface DemoServer {
  /** Its MCP endpoint. */
  readonly url: string;
  /** Ends its sessions and closes its port. */
  stop(): Promise<void>;
}

/** Beyond this, a new session ends the oldest one. */
const maxSessions = 100;
/** Longer than the interval of the SDK's keep-alive comments, so that quiet streams are not cut. */
const idleTimeoutSeconds = 60;

/** Starts the example server: Streamable HTTP with sessions, as MCP 2025-11-25, Transports, describes. */
export function startDemoServer(): DemoServer {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();

  async function openSession(request: Request): Promise<Response> {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      async onsessioninitialized(id) {
        const oldest = sessions.keys().next();
        if (sessions.size >= maxSessions && !oldest.done) await endSession(oldest.value);
        sessions.set(id, transport);
      },
      onsessionclosed(id) {
        sessions.delete(id);
      },
    });
    await createServer().connect(transport);
    const response = await transport.handleRequest(request);
    if (transport.sessionId === undefined) await transport.close(); // Not an `initialize`.
    return response;
  }

  async function endSession(id: string): Promise<void> {
    const transport = sessions.get(id);
    sessions.delete(id);
    await transport?.close();
  }

  const http = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: idleTimeoutSeconds,
    fetch(request) {
      const id = request.headers.get('mcp-session-id');
      if (id === null) return openSession(request);
      return sessions.get(id)?.handleRequest(request) ?? sessionNotFound();
    },
  });

  return {
    url: `http://127.0.0.1:${http.port}/mcp`,
    async stop() {
      await Promise.all([...sessions.keys()].map(endSession));
      await http.stop(true);
    },
  };
}

function sessionNotFound(): Response {
  const error = { code: -32001, message: 'Session not found' };
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status: 404 });
}

function createServer(): McpServer {
  const server = new McpServer({ name: 'mcpstead-demo', version: build.version });
  registerEcho(server);
  registerAdd(server);
  registerWorkSlowly(server);
  registerServerTime(server);
  registerFail(server);
  return server;
}

function registerEcho(server: McpServer): void {
  server.registerTool(
    'echo',
    {
      title: 'Echo',
      description: 'Returns the given text unchanged: shows that a call gets through and back.',
      inputSchema: { text: z.string().describe('The text to return') },
      annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
    },
    ({ text }) => textResult(text),
  );
}

function registerAdd(server: McpServer): void {
  server.registerTool(
    'add',
    {
      title: 'Add two numbers',
      description:
        'Adds two numbers and returns the sum as structured content, which its output schema describes.',
      inputSchema: { a: z.number().describe('First number'), b: z.number().describe('Second number') },
      outputSchema: { sum: z.number().describe('a + b') },
      annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
    },
    ({ a, b }) => structuredResult({ sum: a + b }),
  );
}

function registerWorkSlowly(server: McpServer): void {
  server.registerTool(
    'work_slowly',
    {
      title: 'Work slowly',
      description:
        'Takes the given number of seconds and sends a progress notification after each step, for clients that ' +
        'ask for progress. It can be cancelled.',
      inputSchema: {
        seconds: z.number().min(0).max(60).default(3).describe('How long it takes altogether'),
        steps: z.int().min(1).max(60).default(3).describe('How many progress notifications it sends'),
      },
      annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
    },
    async ({ seconds, steps }, { _meta, sendNotification, signal }) => {
      const progressToken = _meta?.progressToken;
      for (let step = 1; step <= steps; step += 1) {
        if (!(await sleep((seconds * 1000) / steps, signal))) throw signal.reason;
        if (progressToken === undefined) continue;
        await sendNotification({
          method: 'notifications/progress',
          params: { progressToken, progress: step, total: steps, message: `step ${step} of ${steps}` },
        });
      }
      return textResult(`Done: ${steps} steps in ${seconds} s`);
    },
  );
}

function registerServerTime(server: McpServer): void {
  server.registerTool(
    'server_time',
    {
      title: 'Server time',
      description: 'Returns the clock of the machine that the demo runs on.',
      outputSchema: {
        utc: z.string().describe('Date and time in UTC, ISO 8601'),
        time_zone: z.string().describe('IANA name of the local time zone'),
        unix_ms: z.number().describe('Milliseconds since 1970-01-01T00:00:00Z'),
      },
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    () => {
      const now = new Date();
      const time_zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
      return structuredResult({ utc: now.toISOString(), time_zone, unix_ms: now.getTime() });
    },
  );
}

function registerFail(server: McpServer): void {
  server.registerTool(
    'fail',
    {
      title: 'Fail',
      description: 'Always fails: returns a result with isError, as a tool does that could not do its work.',
      inputSchema: { reason: z.string().default('as asked').describe('The reason that it gives') },
      annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
    },
    ({ reason }) => ({ ...textResult(`Failed: ${reason}`), isError: true }),
  );
}

function textResult(text: string) {
  return { content: [{ type: 'text' as const, text }] };
}

/** MCP 2025-11-25, Tools, Structured Content: repeats the content as text for clients that do not support it. */
function structuredResult(structuredContent: Record<string, unknown>) {
  return { ...textResult(JSON.stringify(structuredContent)), structuredContent };
}
