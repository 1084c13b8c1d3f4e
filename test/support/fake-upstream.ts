import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { hangUp, rpcError, rpcResult, staleSessionDialects } from './answers.ts';
import type { RpcMessage } from './rpc.ts';
import type { ListedTool } from './sdk-tools.ts';
import type { Certificate } from './tls.ts';

/** A request that a fake upstream received. */
export interface Received {
  readonly httpMethod: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: string;
  /** The body if it is JSON, else `{}`. */
  readonly message: RpcMessage;
  /** The client's TCP port, which identifies the connection. */
  readonly clientPort: number;
}

/** The result of a hook: a response, `hangUp` to close without a byte, or undefined for the default. */
export type FakeAnswer = Response | typeof hangUp | undefined;

/** The faults of a fake MCP server, which otherwise behaves well. */
export interface FakeUpstreamOptions {
  tls?: Certificate;
  /** The tools of `tools/list`; by default one, `echo`. */
  tools?: readonly ListedTool[];
  /** `false`: issues no session id and requires none. */
  sessions?: boolean;
  /** Answers a request that names an unknown session. */
  onUnknownSession?(message: RpcMessage): FakeAnswer | Promise<FakeAnswer>;
  /**
   * Gets every `server/discover`. The default answer is that of a legacy server, an unknown method; then the request is not
   * recorded either, and no other hook gets it.
   */
  onDiscover?(message: RpcMessage, request: Received): FakeAnswer | Promise<FakeAnswer>;
  /** Gets every POST before the default answer. A `tools/call` counts as executed either way. */
  onPost?(message: RpcMessage, request: Received): FakeAnswer | Promise<FakeAnswer>;
  /** Gets every GET; the default answer is 405. */
  onGet?(request: Received): FakeAnswer | Promise<FakeAnswer>;
  /** Gets every DELETE; the default answer is 200. */
  onDelete?(request: Received): FakeAnswer | Promise<FakeAnswer>;
}

/** A scriptable MCP server that records what it receives. */
export interface FakeUpstream extends AsyncDisposable {
  readonly url: string;
  readonly origin: string;
  readonly port: number;
  readonly received: readonly Received[];
  /** The received messages with `method`. */
  messages(method: string): RpcMessage[];
  /** The number of `tools/call` of `tool` in a known session. */
  executions(tool: string): number;
  /** Forgets every session, so that requests that name one are answered by `onUnknownSession`. */
  forgetSessions(): void;
  /** The client's TCP ports of the open connections. */
  openPorts(): number[];
  /** Drops every connection and stops listening. */
  stop(): Promise<void>;
  /** Listens again on the same port. */
  start(): Promise<void>;
}

/** The tool that a fake upstream lists by default. */
export const echoTool: ListedTool = {
  name: 'echo',
  description: 'Returns its arguments',
  inputSchema: { type: 'object' },
};

/** Starts a fake upstream on the loopback interface. Its URL ends in `/mcp`, but it answers on every path. */
export async function fakeUpstream(options: FakeUpstreamOptions = {}): Promise<FakeUpstream> {
  const received: Received[] = [];
  const executions = new Map<string, number>();
  const sessions = new Set<string>();
  const withSessions = options.sessions ?? true;

  function answerPost(message: RpcMessage): Response {
    if (message.id === undefined || message.method === undefined) return new Response(null, { status: 202 });
    switch (message.method) {
      case 'initialize': {
        const session = crypto.randomUUID();
        if (withSessions) sessions.add(session);
        const result = {
          protocolVersion: message.params?.protocolVersion,
          capabilities: { tools: { listChanged: true } },
          serverInfo: { name: 'fake', version: '1.0.0' },
        };
        return rpcResult(message.id, result, withSessions ? { headers: { 'mcp-session-id': session } } : {});
      }
      case 'tools/list':
        return rpcResult(message.id, { tools: options.tools ?? [echoTool] });
      case 'tools/call':
        return rpcResult(message.id, {
          content: [{ type: 'text', text: JSON.stringify(message.params?.arguments ?? {}) }],
        });
      case 'ping':
        return rpcResult(message.id, {});
      default:
        return rpcError(message.id, -32601, 'Method not found');
    }
  }

  const isPassingProbe = ({ method }: RpcMessage) => method === 'server/discover' && !options.onDiscover;

  async function answer(request: Received): Promise<FakeAnswer> {
    const { message } = request;
    if (message.method === 'server/discover' && options.onDiscover) {
      const found = await options.onDiscover(message, request);
      if (found !== undefined) return found;
    }
    if (isPassingProbe(message)) return rpcError(message.id, -32601, 'Method not found');
    if (request.httpMethod === 'GET') {
      return (await options.onGet?.(request)) ?? new Response(null, { status: 405 });
    }
    const session = request.headers.get('mcp-session-id');
    if (withSessions && session !== null && !sessions.has(session)) {
      const unknown = options.onUnknownSession ?? staleSessionDialects['404 with JSON-RPC -32001'];
      return unknown?.(request.message);
    }
    if (request.httpMethod === 'DELETE') {
      sessions.delete(session ?? '');
      return (await options.onDelete?.(request)) ?? new Response(null, { status: 200 });
    }
    if (request.message.method === 'tools/call') {
      const tool = String(request.message.params?.name);
      executions.set(tool, (executions.get(tool) ?? 0) + 1);
    }
    return (await options.onPost?.(request.message, request)) ?? answerPost(request.message);
  }

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const request = await read(incoming, origin());
    if (!isPassingProbe(request.message)) received.push(request);
    const response = await answer(request);
    if (response === undefined || response === hangUp) incoming.socket.destroy();
    else await write(response, outgoing);
  }

  const handle = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    // Tests cause faults of connections; each ends only its request.
    serve(incoming, outgoing).catch(() => incoming.socket.destroy());
  };
  const connections = new Set<Socket>();
  const makeServer = () => {
    const made = options.tls ? createTlsServer(options.tls, handle) : createServer(handle);
    made.on('connection', (socket: Socket) => {
      connections.add(socket);
      socket.once('close', () => connections.delete(socket));
    });
    return made;
  };
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  const origin = () => `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`;

  let server = makeServer();
  let port = 0;
  await listen(0);
  port = (server.address() as AddressInfo).port;

  const stop = () =>
    new Promise<void>((resolve) => {
      sessions.clear();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    url: `${origin()}/mcp`,
    origin: origin(),
    port,
    received,
    messages: (method) =>
      received.map((request) => request.message).filter((message) => message.method === method),
    executions: (tool) => executions.get(tool) ?? 0,
    forgetSessions: () => sessions.clear(),
    openPorts: () => [...connections].map((socket) => socket.remotePort ?? 0),
    stop,
    async start() {
      server = makeServer();
      await listen(port);
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function read(incoming: IncomingMessage, origin: string): Promise<Received> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  let message: RpcMessage = {};
  try {
    message = JSON.parse(body) as RpcMessage;
  } catch {
    // A GET or DELETE, or an invalid body that the test sent on purpose.
  }
  const url = new URL(incoming.url ?? '/', origin);
  const clientPort = incoming.socket.remotePort ?? 0;
  return { httpMethod: incoming.method ?? '', url, headers, body, message, clientPort };
}

async function write(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.flushHeaders();
  const reader = response.body?.getReader();
  // A client that disconnects ends the body, too: it may be a stream that is silent for long.
  outgoing.once('close', () => reader?.cancel().catch(() => {}));
  for (;;) {
    const { done = true, value } = (await reader?.read()) ?? {};
    if (done || outgoing.destroyed) break;
    if (!outgoing.write(value)) await drainedOrClosed(outgoing);
  }
  outgoing.end();
}

function drainedOrClosed(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done).off('close', done);
      resolve();
    };
    outgoing.on('drain', done).on('close', done);
    if (outgoing.destroyed) done();
  });
}
