import { type ListedTool, listServedTools, servedTools, type ToolContext, text } from './sdk-tools.ts';
import type { Certificate } from './tls.ts';

/** How an SDK server is served. */
export interface SdkServerOptions {
  /** Port to listen on; a free one when unset. */
  port?: number;
  /** `false`: no session; each request is on its own. */
  sessions?: boolean;
  /** `true`: answers are JSON, which cannot carry progress; else SSE. */
  json?: boolean;
  /** Tools in a page of `tools/list`; all in one when unset. */
  pageSize?: number;
  /** Tools to list besides the standard ones. */
  extraTools?: number;
  tls?: Certificate;
  /** Called before a tool runs, for counts that must outlive the process. */
  onExecution?(tool: string): void;
}

/** A real MCP server made with an SDK, in this process. */
export interface SdkServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** How often `tool` was executed, restarts included. */
  executions(tool: string): number;
  /** Sessions opened and not ended yet. */
  sessionCount(): number;
  /** Sessions opened since the start. */
  sessionsOpened(): number;
  /** Lists a further tool and tells every session so. */
  addTool(name: string): Promise<void>;
  /** Lists `name` no more and tells every session so. */
  removeTool(name: string): Promise<void>;
  /** Lets every waiting `hold` call return. */
  release(): void;
  /** Forgets every session, as a restart would, and keeps on listening. */
  forgetSessions(): Promise<void>;
  /** Drops every connection and session and stops listening. */
  stop(): Promise<void>;
  /** Listens again on the same port. */
  start(): Promise<void>;
}

/** One session (or one request, without sessions) of an SDK server. */
export interface SdkSession {
  handle(request: Request): Promise<Response>;
  toolsChanged(): Promise<void>;
  close(): Promise<void>;
}

/** What an SDK's request handlers need of the server that they are part of. */
export interface SdkBackend {
  list(cursor: string | undefined): { tools: ListedTool[]; nextCursor?: string };
  call(
    name: string,
    args: Record<string, unknown>,
    context: Pick<ToolContext, 'meta' | 'signal' | 'progress'>,
  ): Promise<ReturnType<typeof text>>;
}

/** How one SDK opens a session. `session` is null in stateless mode. */
export type OpenSdkSession = (
  backend: SdkBackend,
  options: { json: boolean; session: { opened(id: string): void; closed(id: string): void } | null },
) => Promise<SdkSession>;

/** Bun.serve holds headers back until the first chunk of a stream; Node, where these servers live, does not. */
function flushed(response: Response): Response {
  if (!response.body || !response.headers.get('content-type')?.startsWith('text/event-stream'))
    return response;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(': open\n\n')),
  });
  void response.body.pipeTo(writable).catch(() => undefined);
  return new Response(readable, response);
}

/** Serves an SDK's sessions on the loopback interface at `/mcp`. */
export async function hostSdkServer(open: OpenSdkSession, options: SdkServerOptions): Promise<SdkServer> {
  let tools = listServedTools(options.extraTools ?? 0);
  const pageSize = options.pageSize ?? Number.POSITIVE_INFINITY;
  const executions = new Map<string, number>();
  const sessions = new Map<string, SdkSession>();
  const waiting = new Set<() => void>();
  let sessionsOpened = 0;

  const backend: SdkBackend = {
    list(cursor) {
      const start = Number(cursor ?? 0);
      const page = { tools: tools.slice(start, start + pageSize) };
      return start + pageSize < tools.length ? { ...page, nextCursor: String(start + pageSize) } : page;
    },
    async call(name, args, context) {
      const tool = servedTools.find((served) => served.name === name);
      if (!tool) return text(`${name} was called`);
      const execution = (executions.get(name) ?? 0) + 1;
      executions.set(name, execution);
      options.onExecution?.(name);
      const released = () => new Promise<void>((resolve) => void waiting.add(resolve));
      return tool.run(args, { ...context, execution, released });
    },
  };

  const openSession = async () => {
    const session: SdkSession = await open(backend, {
      json: options.json ?? false,
      session: {
        opened(id) {
          sessionsOpened++;
          sessions.set(id, session);
        },
        closed: (id) => void sessions.delete(id),
      },
    });
    return session;
  };

  async function fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname !== '/mcp') return new Response('no such page', { status: 404 });
    if (options.sessions === false) {
      if (request.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } });
      return (await open(backend, { json: options.json ?? false, session: null })).handle(request);
    }
    const id = request.headers.get('mcp-session-id');
    if (id === null) return (await openSession()).handle(request);
    const session = sessions.get(id);
    if (session) return flushed(await session.handle(request));
    const error = { code: -32001, message: 'Session not found' };
    return Response.json({ jsonrpc: '2.0', error, id: null }, { status: 404 });
  }

  const listen = (port: number) =>
    Bun.serve({
      hostname: '127.0.0.1',
      port,
      fetch,
      idleTimeout: 0,
      ...(options.tls && { tls: options.tls }),
    });
  let server = listen(options.port ?? 0);
  const port = Number(server.port);

  const forgetSessions = async () => {
    const forgotten = [...sessions.values()];
    sessions.clear();
    await Promise.all(forgotten.map((session) => session.close()));
  };
  const stop = async () => {
    await server.stop(true);
    for (const resolve of waiting) resolve();
    waiting.clear();
    await forgetSessions();
  };
  const toldAll = async () => {
    await Promise.all([...sessions.values()].map((session) => session.toolsChanged()));
  };

  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}/mcp`,
    port,
    executions: (tool) => executions.get(tool) ?? 0,
    sessionCount: () => sessions.size,
    sessionsOpened: () => sessionsOpened,
    addTool(name) {
      tools = [...tools, { name, description: 'Added at run time', inputSchema: { type: 'object' } }];
      return toldAll();
    },
    removeTool(name) {
      tools = tools.filter((tool) => tool.name !== name);
      return toldAll();
    },
    release() {
      for (const resolve of waiting) resolve();
      waiting.clear();
    },
    forgetSessions,
    stop,
    async start() {
      server = listen(port);
    },
    [Symbol.asyncDispose]: stop,
  };
}
