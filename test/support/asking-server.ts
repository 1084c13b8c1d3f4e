import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import {
  CallToolRequestSchema,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { hostSdkServer, legacyFront, type OpenSdkSession, type SdkServer } from './sdk-host.ts';

/** The outcome of a question: the answer, or the error, and how long it took. */
interface Outcome {
  readonly answer?: unknown;
  readonly code?: number;
  readonly message?: string;
  readonly ms: number;
}

/** How the server's tools ask: `own` on the stream of the call, `session` on that of the session. */
type Stream = 'own' | 'session';

/** A server that asks its clients, made with the v1 SDK. Each session has its own state. */
export interface AskingServer extends SdkServer {
  /** Notifies the sessions that subscribe to it that a resource has changed. */
  touch(uri: string): Promise<void>;
  /** The URIs of all subscriptions. */
  subscriptions(): string[];
  /** Sends a log message on the stream of each session. */
  logToSessions(data: string): Promise<void>;
  /** Asks for roots on the stream of each session; the outcomes. */
  askSessions(): Promise<Outcome[]>;
  /** The levels that clients have set, in order. */
  readonly levels: readonly string[];
  /** The notifications that clients have sent, besides those of the lifecycle. */
  readonly notified: readonly string[];
}

const tools = ['elicit', 'sample', 'roots', 'sign_in', 'required', 'withdraw', 'log', 'progress'] as const;
const stateTools = ['whoami', 'count', 'hold', 'early'] as const;
export const askedResource = 'test://watched';

const said = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value) }] });

async function outcomeOf(asked: Promise<unknown>): Promise<Outcome> {
  const startMs = performance.now();
  const spent = () => Math.round(performance.now() - startMs);
  return asked.then(
    (answer) => ({ answer, ms: spent() }),
    (error) => ({ code: error.code, message: error.message, ms: spent() }),
  );
}

/** The questions that a server asks; `options` say on which stream. */
function questionsOf(server: Server, options: { relatedRequestId?: string | number; signal?: AbortSignal }) {
  return {
    elicit: (message: string) =>
      server.elicitInput(
        { message, requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } },
        options,
      ),
    sample: (includeContext: 'none' | 'allServers') =>
      server.createMessage(
        {
          messages: [{ role: 'user', content: { type: 'text', text: 'who?' } }],
          maxTokens: 5,
          includeContext,
        },
        options,
      ),
    roots: () => server.listRoots({}, options),
    signIn: (elicitationId: string) =>
      server.elicitInput(
        { mode: 'url', message: 'sign in', url: 'https://a.example/', elicitationId },
        options,
      ),
  };
}

function makeServer(notified: string[], subscriptions: Set<string>): Server {
  const server = new Server(
    { name: 'asking', version: '1.0.0' },
    { capabilities: { tools: {}, logging: {}, resources: { subscribe: true } }, instructions: 'Ask away.' },
  );
  let count = 0;
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [...tools, ...stateTools].map((name) => ({ name, inputSchema: { type: 'object' as const } })),
  }));
  server.setRequestHandler(ListResourcesRequestSchema, () => ({
    resources: [{ uri: askedResource, name: 'watched' }],
  }));
  server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    subscriptions.add(params.uri);
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    subscriptions.delete(params.uri);
    return {};
  });
  /** What the client answered to the question for roots that the server asks as soon as it is initialized. */
  let early: Promise<Outcome> | null = null;
  server.oninitialized = () => {
    if (server.getClientCapabilities()?.roots) early = outcomeOf(server.listRoots());
  };
  server.fallbackNotificationHandler = async ({ method }) => void notified.push(method);
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const args = (params.arguments ?? {}) as { stream?: Stream; message?: string };
    const related = args.stream === 'session' ? {} : { relatedRequestId: extra.requestId };
    const ask = questionsOf(server, related);
    const send = (method: string, more: object) =>
      server.notification({ method, params: more } as Parameters<Server['notification']>[0], related);
    switch (params.name) {
      case 'elicit':
        return said(await outcomeOf(ask.elicit(args.message ?? 'who?')));
      case 'sample':
        return said(await outcomeOf(ask.sample('allServers')));
      case 'roots':
        return said(await outcomeOf(ask.roots()));
      case 'sign_in': {
        const id = crypto.randomUUID();
        const outcome = await outcomeOf(ask.signIn(id));
        // As a server does when the user comes back to its web page, long after the call.
        setTimeout(
          () =>
            void server
              .createElicitationCompletionNotifier(id)()
              .catch(() => {}),
          50,
        );
        return said(outcome);
      }
      case 'required': {
        const elicitation = {
          mode: 'url',
          message: 'sign in',
          url: 'https://a.example/',
          elicitationId: 'r1',
        };
        const data = { elicitations: [elicitation] };
        setTimeout(
          () =>
            void server
              .createElicitationCompletionNotifier('r1')()
              .catch(() => {}),
          50,
        );
        throw Object.assign(new Error('sign in first'), { code: -32042, data });
      }
      case 'withdraw': {
        const abort = new AbortController();
        const asked = outcomeOf(questionsOf(server, { ...related, signal: abort.signal }).elicit('wait'));
        await Bun.sleep(100);
        abort.abort('changed my mind');
        return said(await asked);
      }
      case 'log':
        await send('notifications/message', { level: 'info', data: args.message ?? 'logged' });
        await Bun.sleep(50);
        return said('logged');
      case 'progress':
        await send('notifications/progress', { progressToken: params._meta?.progressToken, progress: 1 });
        return said('done');
      case 'whoami':
        return said({ info: server.getClientVersion(), capabilities: server.getClientCapabilities() });
      case 'early':
        return said(await early);
      case 'hold':
        await Bun.sleep(Number((args as { ms?: number }).ms ?? 500));
        return said('held');
      default:
        return said(++count);
    }
  });
  return server;
}

/** The same server over stdin and stdout, for the command `bun asking-server.ts`. */
async function serveStdio(): Promise<void> {
  const { StdioServerTransport } = await import('@modelcontextprotocol/sdk/server/stdio.js');
  await makeServer([], new Set()).connect(new StdioServerTransport());
}

if (import.meta.main) await serveStdio();

/** Starts a server that asks its clients, with sessions over Streamable HTTP. */
export async function startAskingServer(): Promise<AskingServer> {
  const open = new Map<Server, Set<string>>();
  const notified: string[] = [];
  const levels: string[] = [];
  const openSession: OpenSdkSession = async (_backend, { session }) => {
    const subscriptions = new Set<string>();
    const server = makeServer(notified, subscriptions);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => {
        open.set(server, subscriptions);
        session?.opened(id);
      },
      onsessionclosed: (id) => session?.closed(id),
    });
    await server.connect(transport);
    server.onclose = () => void open.delete(server);
    const receive = transport.onmessage?.bind(transport);
    transport.onmessage = (message, extra) => {
      if ('method' in message && message.method === 'logging/setLevel')
        levels.push(String((message.params as { level?: string }).level));
      receive?.(message, extra);
    };
    return {
      handle: (request) => transport.handleRequest(request),
      toolsChanged: () => server.sendToolListChanged(),
      close: () => server.close(),
    };
  };
  const host = await hostSdkServer(legacyFront(openSession, {}), {});
  const servers = () => [...open.keys()];
  return {
    ...host,
    notified,
    levels,
    subscriptions: () => [...open.values()].flatMap((uris) => [...uris]),
    async touch(uri) {
      for (const [server, uris] of open) if (uris.has(uri)) await server.sendResourceUpdated({ uri });
    },
    async logToSessions(data) {
      for (const server of servers())
        await server.notification({ method: 'notifications/message', params: { level: 'info', data } });
    },
    askSessions: () => Promise.all(servers().map((server) => outcomeOf(server.listRoots()))),
  };
}

/** A program with the same tools, over stdio. */
export const askingProgram = { command: process.execPath, args: [import.meta.path] };

if (import.meta.main) await makeServer([], new Set()).connect(new StdioServerTransport());
