import {
  type ListedTool,
  listServedTools,
  servedTools,
  type ToolContext,
  type ToolResult,
  text,
} from './sdk-tools.ts';
import type { Certificate } from './tls.ts';

/** How an SDK server is served. */
export interface SdkServerOptions {
  /** The port to listen on; by default a free one. */
  port?: number;
  /** `false`: no sessions; each request is independent. */
  sessions?: boolean;
  /** `true`: answers are JSON, which cannot carry progress; else SSE. */
  json?: boolean;
  /** The number of tools in a page of `tools/list`; by default all. */
  pageSize?: number;
  /** Tools to list besides the standard ones. */
  extraTools?: number;
  tls?: Certificate;
  /** Called before a tool runs, for counts that must outlive the process. */
  onExecution?(tool: string, args: Record<string, unknown>): void;
}

/** A real MCP server made with an SDK, in this process. */
export interface SdkServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** The number of executions of `tool`, restarts included. */
  executions(tool: string): number;
  /** The number of running calls of `tool` that were cancelled. */
  cancellations(tool: string): number;
  /** The number of open sessions. */
  sessionCount(): number;
  /** The number of sessions since the start. */
  sessionsOpened(): number;
  /** Adds a tool and notifies every session. */
  addTool(name: string): Promise<void>;
  /** Removes the tool `name` and notifies every session. */
  removeTool(name: string): Promise<void>;
  /** Makes every waiting `hold` call return. */
  release(): void;
  /** Forgets every session, like a restart, and keeps listening. */
  forgetSessions(): Promise<void>;
  /** Drops every connection and session and stops listening. */
  stop(): Promise<void>;
  /** Listens again on the same port. */
  start(): Promise<void>;
}

/** The server as the request handlers of each SDK use it. */
export interface SdkBackend {
  list(cursor: string | undefined): { tools: ListedTool[]; nextCursor?: string };
  call(
    name: string,
    args: Record<string, unknown>,
    context: Pick<ToolContext, 'meta' | 'signal' | 'progress'>,
  ): Promise<ToolResult>;
}

/** Answers HTTP requests: with sessions, without, or as in revision 2026-07-28. */
interface SdkFront {
  fetch(request: Request): Promise<Response>;
  /** Notifies every listening client of changed tools. */
  toolsChanged(): Promise<void>;
  sessionCount(): number;
  sessionsOpened(): number;
  forgetSessions(): Promise<void>;
}

/** One SDK server object with its transport: it serves a session, or a single request. */
interface SdkSession {
  handle(request: Request): Promise<Response>;
  toolsChanged(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a session with one of the SDKs; `session` is null if there are none. */
export type OpenSdkSession = (
  backend: SdkBackend,
  options: { json: boolean; session: { opened(id: string): void; closed(id: string): void } | null },
) => Promise<SdkSession>;

/** Bun.serve delays headers until the first chunk of a stream; Node, where these servers usually run, does not. */
function flushed(response: Response): Response {
  if (!response.body || !response.headers.get('content-type')?.startsWith('text/event-stream'))
    return response;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(': open\n\n')),
  });
  void response.body.pipeTo(writable).catch(() => undefined);
  return new Response(readable, response);
}

/** Serves the protocol revisions up to 2025-11-25: a session for each client, or none for any. */
export function legacyFront(open: OpenSdkSession, options: SdkServerOptions) {
  const json = options.json ?? false;
  return (backend: SdkBackend): SdkFront => {
    const sessions = new Map<string, SdkSession>();
    let sessionsOpened = 0;

    const openSession = async () => {
      const session: SdkSession = await open(backend, {
        json,
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

    return {
      async fetch(request) {
        if (options.sessions === false) {
          if (request.method !== 'POST') return new Response(null, { status: 405 });
          return (await open(backend, { json, session: null })).handle(request);
        }
        const id = request.headers.get('mcp-session-id');
        if (id === null) return (await openSession()).handle(request);
        const session = sessions.get(id);
        if (session) return flushed(await session.handle(request));
        const error = { code: -32001, message: 'Session not found' };
        return Response.json({ jsonrpc: '2.0', error, id: null }, { status: 404 });
      },
      async toolsChanged() {
        await Promise.all([...sessions.values()].map((session) => session.toolsChanged()));
      },
      sessionCount: () => sessions.size,
      sessionsOpened: () => sessionsOpened,
      async forgetSessions() {
        const forgotten = [...sessions.values()];
        sessions.clear();
        await Promise.all(forgotten.map((session) => session.close()));
      },
    };
  };
}

/** Serves `front` on the loopback interface at `/mcp`. */
export async function hostSdkServer(
  makeFront: (backend: SdkBackend) => SdkFront,
  options: SdkServerOptions,
): Promise<SdkServer> {
  let tools = listServedTools(options.extraTools ?? 0);
  const pageSize = options.pageSize ?? Number.POSITIVE_INFINITY;
  const executions = new Map<string, number>();
  const cancellations = new Map<string, number>();
  const waiting = new Set<() => void>();

  const count = (counts: Map<string, number>, tool: string) => {
    const times = (counts.get(tool) ?? 0) + 1;
    counts.set(tool, times);
    return times;
  };
  const front = makeFront({
    list(cursor) {
      const start = Number(cursor ?? 0);
      const page = { tools: tools.slice(start, start + pageSize) };
      return start + pageSize < tools.length ? { ...page, nextCursor: String(start + pageSize) } : page;
    },
    async call(name, args, context) {
      const tool = servedTools.find((served) => served.name === name);
      if (!tool) return text(`${name} was called`);
      const execution = count(executions, name);
      options.onExecution?.(name, args);
      context.signal.addEventListener('abort', () => count(cancellations, name));
      const released = () =>
        new Promise<void>((resolve, reject) => {
          waiting.add(resolve);
          context.signal.addEventListener('abort', () => reject(new Error('cancelled')));
        });
      return tool.run(args, { ...context, execution, released });
    },
  });

  const listen = (port: number) =>
    Bun.serve({
      hostname: '127.0.0.1',
      port,
      idleTimeout: 0,
      ...(options.tls && { tls: options.tls }),
      fetch(request) {
        const known = new URL(request.url).pathname === '/mcp';
        return known ? front.fetch(request) : new Response('no such page', { status: 404 });
      },
    });
  let server = listen(options.port ?? 0);
  const port = Number(server.port);

  const release = () => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const stop = async () => {
    await server.stop(true);
    release();
    await front.forgetSessions();
  };
  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}/mcp`,
    port,
    executions: (tool) => executions.get(tool) ?? 0,
    cancellations: (tool) => cancellations.get(tool) ?? 0,
    sessionCount: front.sessionCount,
    sessionsOpened: front.sessionsOpened,
    addTool(name) {
      tools = [...tools, { name, description: 'Added at run time', inputSchema: { type: 'object' } }];
      return front.toolsChanged();
    },
    removeTool(name) {
      tools = tools.filter((tool) => tool.name !== name);
      return front.toolsChanged();
    },
    release,
    forgetSessions: front.forgetSessions,
    stop,
    async start() {
      server = listen(port);
    },
    [Symbol.asyncDispose]: stop,
  };
}
