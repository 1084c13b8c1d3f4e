import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitationCompleteNotificationSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';

/** A client of the legacy era that is asked things, and answers each with its own name. */
export interface AskedClient extends AsyncDisposable {
  /** Calls a tool; the JSON in the text of its result. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever a server says
  call(name: string, args?: object): Promise<any>;
  /** The messages of the elicitations so far, and what `includeContext` sampling asked for. */
  readonly asked: readonly string[];
  /** What the client was told, in order. */
  readonly told: readonly string[];
  subscribe(uri: string): Promise<void>;
  setLevel(level: 'debug' | 'info' | 'error'): Promise<void>;
  rootsChanged(): Promise<void>;
}

const all = { elicitation: { form: {}, url: {} }, sampling: { context: {} }, roots: { listChanged: true } };
const completion = (name: string) => ({
  role: 'assistant' as const,
  model: name,
  content: { type: 'text' as const, text: name },
});
const jsonIn = (result: unknown) =>
  JSON.parse((result as { content: { text: string }[] }).content[0]?.text ?? 'null');

/** How long a client takes to answer, so that many questions are open at once. */
const thinkMs = 20;

/** A client made with the v1 SDK. `answers: false`: it never answers an elicitation. */
export async function askedClientV1(
  url: string,
  name: string,
  { capabilities = all as object, answers = true } = {},
): Promise<AskedClient> {
  const client = new ClientV1({ name, version: '1.0.0' }, { capabilities });
  const asked: string[] = [];
  const told: string[] = [];
  const declared = capabilities as Partial<typeof all>;
  if (declared.elicitation)
    client.setRequestHandler(ElicitRequestSchema, async ({ params }, { signal }) => {
      asked.push(params.message);
      signal.addEventListener('abort', () => void told.push('withdrawn'));
      if (!answers) await new Promise(() => {});
      await Bun.sleep(thinkMs);
      return params.mode === 'url' ? { action: 'accept' } : { action: 'accept', content: { name } };
    });
  if (declared.sampling)
    client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => {
      asked.push(`context: ${params.includeContext}`);
      return completion(name);
    });
  if (declared.roots)
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: `file:///${name}` }] }));
  client.setNotificationHandler(
    ElicitationCompleteNotificationSchema,
    ({ params }) => void told.push(`complete ${params.elicitationId.length > 0}`),
  );
  client.setNotificationHandler(
    LoggingMessageNotificationSchema,
    ({ params }) => void told.push(`log ${params.data}`),
  );
  client.setNotificationHandler(
    ResourceUpdatedNotificationSchema,
    ({ params }) => void told.push(`updated ${params.uri}`),
  );
  const transport = new TransportV1(new URL(url));
  await client.connect(transport as Parameters<ClientV1['connect']>[0]);
  return {
    asked,
    told,
    call: async (tool, args = {}) => jsonIn(await client.callTool({ name: tool, arguments: { ...args } })),
    subscribe: async (uri) => void (await client.subscribeResource({ uri })),
    setLevel: async (level) => void (await client.setLoggingLevel(level)),
    rootsChanged: () => client.sendRootsListChanged(),
    async [Symbol.asyncDispose]() {
      await transport.terminateSession().catch(() => undefined);
      await client.close();
    },
  };
}

/** A client made with the v2 SDK, in its legacy mode. */
export async function askedClientV2(url: string, name: string): Promise<AskedClient> {
  const client = new ClientV2(
    { name, version: '1.0.0' },
    { versionNegotiation: { mode: 'legacy' }, capabilities: all },
  );
  const asked: string[] = [];
  const told: string[] = [];
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    asked.push(params.message);
    await Bun.sleep(thinkMs);
    return params.mode === 'url' ? { action: 'accept' } : { action: 'accept', content: { name } };
  });
  client.setRequestHandler('sampling/createMessage', ({ params }) => {
    asked.push(`context: ${params.includeContext}`);
    return completion(name);
  });
  client.setRequestHandler('roots/list', () => ({ roots: [{ uri: `file:///${name}` }] }));
  client.setNotificationHandler(
    'notifications/message',
    ({ params }) => void told.push(`log ${params.data}`),
  );
  client.setNotificationHandler(
    'notifications/resources/updated',
    ({ params }) => void told.push(`updated ${params.uri}`),
  );
  const transport = new TransportV2(new URL(url));
  await client.connect(transport);
  return {
    asked,
    told,
    call: async (tool, args = {}) => jsonIn(await client.callTool({ name: tool, arguments: { ...args } })),
    subscribe: async (uri) => void (await client.subscribeResource({ uri })),
    setLevel: async (level) => void (await client.setLoggingLevel(level)),
    rootsChanged: () => client.sendRootsListChanged(),
    async [Symbol.asyncDispose]() {
      await transport.terminateSession().catch(() => undefined);
      await client.close();
    },
  };
}
