import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import {
  CallToolRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/sdk/types.js';
import { hostSdkServer, legacyFront, type OpenSdkSession, type SdkServer } from './sdk-host.ts';

/** The form by which the server below asks. */
export const askedForm = {
  message: 'Who are you?',
  requestedSchema: { type: 'object' as const, properties: { name: { type: 'string' as const } } },
};
const sampled = {
  messages: [{ role: 'user' as const, content: { type: 'text' as const, text: 'Say hi' } }],
  maxTokens: 10,
};
const url = 'https://example.com/sign-in';

interface AskingServer extends SdkServer {
  /** How often a tool began to run. */
  runs(tool: string): number;
  /** The calls that were cancelled. */
  cancelled(): number;
  /** The calls of `work` that have their answer. */
  working(): number;
  /** Lets them end. */
  finish(): void;
}

/** What a call of the tools below can do. */
interface AskingCall {
  /** The answer to the form: its name, or the action. */
  form(timeoutMs?: number): Promise<string>;
  link(): Promise<string>;
  sample(): Promise<string>;
  roots(): Promise<string>;
  progress(progress: number): Promise<void>;
  readonly signal: AbortSignal;
  readonly run: number;
  finished(): Promise<void>;
}

const tools: Record<string, (call: AskingCall) => Promise<string>> = {
  plain: async () => 'plain',
  form: (call) => call.form(),
  link: (call) => call.link(),
  sample: (call) => call.sample(),
  async all(call) {
    return (await Promise.all([call.form(), call.sample(), call.roots()])).join(', ');
  },
  async twice(call) {
    return `${await call.form()} ${await call.form()}`;
  },
  async forever(call) {
    for (;;) await call.form();
  },
  /** Goes on for a while once it has its answer. */
  async work(call) {
    const name = await call.form();
    await call.progress(1);
    await call.finished();
    return `${name} ${call.run}`;
  },
  /** Does not wait long for its answer. */
  impatient: (call) => call.form(300),
  /** Must not run before its client has visited a URL. */
  async guarded({ run }) {
    if (run > 1) return `signed in ${run}`;
    throw new UrlElicitationRequiredError([{ mode: 'url', elicitationId: 'e-1', url, message: 'Sign in' }]);
  },
};

/**
 * Starts a server of the legacy era, made with the v1 SDK, whose tools, prompt and resource ask their client on the stream of
 * the call.
 */
export async function startAskingV1(): Promise<AskingServer> {
  const runs = new Map<string, number>();
  let cancelled = 0;
  const waiting = new Set<() => void>();

  const open: OpenSdkSession = async (_backend, { session }) => {
    const server = new Server(
      { name: 'asking-v1', version: '1.0.0' },
      { capabilities: { tools: {}, prompts: {}, resources: {} } },
    );
    const callOf = (
      extra: { requestId: string | number; signal: AbortSignal },
      name: string,
      token?: string | number,
    ): AskingCall => {
      const run = (runs.get(name) ?? 0) + 1;
      runs.set(name, run);
      const options = { relatedRequestId: extra.requestId, signal: extra.signal };
      extra.signal.addEventListener('abort', () => void cancelled++);
      return {
        run,
        signal: extra.signal,
        async form(timeoutMs = 60_000) {
          const { action, content } = await server.elicitInput(askedForm, { ...options, timeout: timeoutMs });
          return action === 'accept' ? String(content?.name) : action;
        },
        async link() {
          const params = { mode: 'url' as const, elicitationId: 'e-2', url, message: 'Sign in' };
          return (await server.elicitInput(params, options)).action;
        },
        async sample() {
          const { content } = await server.createMessage(sampled, options);
          return 'text' in content ? String(content.text) : 'no text';
        },
        roots: async () => (await server.listRoots({}, options)).roots.map(({ uri }) => uri).join(),
        async progress(progress) {
          if (token === undefined) return;
          const params = { progressToken: token, progress };
          await server.notification({ method: 'notifications/progress', params }, options);
        },
        finished: () =>
          new Promise((resolve, reject) => {
            waiting.add(resolve);
            extra.signal.addEventListener('abort', () => reject(new Error('cancelled')));
          }),
      };
    };
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: Object.keys(tools).map((name) => ({ name, inputSchema: { type: 'object' as const } })),
    }));
    server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
      const call = callOf(extra, params.name, params._meta?.progressToken);
      const text = (await tools[params.name]?.(call)) ?? 'unknown';
      return { content: [{ type: 'text', text }] };
    });
    server.setRequestHandler(ListPromptsRequestSchema, () => ({ prompts: [{ name: 'greet' }] }));
    server.setRequestHandler(GetPromptRequestSchema, async (_request, extra) => {
      const text = `Hello ${await callOf(extra, 'greet').form()}`;
      return { messages: [{ role: 'user' as const, content: { type: 'text' as const, text } }] };
    });
    server.setRequestHandler(ListResourcesRequestSchema, () => ({
      resources: [{ uri: 'test://secret', name: 'secret' }],
    }));
    server.setRequestHandler(ReadResourceRequestSchema, async ({ params }, extra) => ({
      contents: [{ uri: params.uri, text: `for ${await callOf(extra, 'secret').form()}` }],
    }));
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      ...(session && { onsessioninitialized: session.opened, onsessionclosed: session.closed }),
    });
    await server.connect(transport);
    return {
      handle: (request) => transport.handleRequest(request),
      toolsChanged: () => server.sendToolListChanged(),
      close: () => server.close(),
    };
  };

  const hosted = await hostSdkServer(legacyFront(open, {}), {});
  return {
    ...hosted,
    runs: (tool) => runs.get(tool) ?? 0,
    cancelled: () => cancelled,
    working: () => waiting.size,
    finish() {
      for (const resolve of waiting) resolve();
      waiting.clear();
    },
    [Symbol.asyncDispose]: () => hosted[Symbol.asyncDispose](),
  };
}
