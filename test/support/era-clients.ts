import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';

type Arguments = Record<string, string | number | boolean>;
type NegotiationMode = 'legacy' | 'auto' | { pin: string };

/** A tool call with what came before its answer. */
interface WatchedCall {
  readonly text: string;
  readonly progress: readonly number[];
  readonly logs: readonly string[];
}

/** A client that answers all questions, with the same methods in each era. */
export interface EraClient extends AsyncDisposable {
  /** Calls a tool; the text of its result. */
  call(name: string, args?: Arguments, signal?: AbortSignal): Promise<string>;
  /** Calls a tool with progress and logs wanted. */
  watch(name: string, args?: Arguments): Promise<WatchedCall>;
  toolNames(): Promise<string[]>;
  resourceUris(): Promise<string[]>;
  templateUris(): Promise<string[]>;
  promptNames(): Promise<string[]>;
  /** The text of a resource. */
  read(uri: string): Promise<string>;
  /** The text of a prompt's first message. */
  prompt(name: string, args?: Record<string, string>): Promise<string>;
  /** The completions of an argument of a resource template. */
  complete(uriTemplate: string, argument: string, value: string): Promise<string[]>;
  /** Listens for changes of lists and of a resource. Resolves when the server has agreed. */
  listen(uri: string): Promise<void>;
  /** The changes so far, in order: `tools`, `prompts`, and the URIs of resources. */
  readonly changes: readonly string[];
  /** The questions so far, in order. */
  readonly questions: readonly string[];
}

const capabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: { listChanged: true } };
const roots = { roots: [{ uri: 'file:///project', name: 'project' }] };
const completion = {
  role: 'assistant' as const,
  model: 'test',
  content: { type: 'text' as const, text: 'Paris' },
};

/** The answer of a user who accepts each form, and fills in its first field. */
function accepted(params: object) {
  if ('url' in params) return { action: 'accept' as const };
  const { properties = {} } = (
    params as { requestedSchema: { properties?: Record<string, { type?: string }> } }
  ).requestedSchema;
  const [[name = '', { type = '' } = {}] = []] = Object.entries(properties);
  const content: Record<string, string | boolean> = { [name]: type === 'boolean' ? true : 'Alice' };
  return { action: 'accept' as const, content };
}

/** What a question is about, for {@link EraClient.questions}. */
const topicOf = (params: object) =>
  'url' in params ? `url ${String(params.url)}` : `form ${(params as { message: string }).message}`;

const textIn = (part: unknown): string => (part as { text?: string }).text ?? JSON.stringify(part);

/** A client of the legacy era, made with the v1 SDK. */
export async function connectLegacy(url: string): Promise<EraClient> {
  const transport = new TransportV1(new URL(url));
  const client = await connectLegacyOver(transport as Transport);
  return {
    ...client,
    async [Symbol.asyncDispose]() {
      await transport.terminateSession().catch(() => undefined);
      await client[Symbol.asyncDispose]();
    },
  };
}

/** A client of the legacy era over any transport. */
export async function connectLegacyOver(transport: Transport): Promise<EraClient> {
  const client = new ClientV1({ name: 'legacy', version: '1.0.0' }, { capabilities });
  const questions: string[] = [];
  const changes: string[] = [];
  const logs: string[] = [];
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    questions.push(topicOf(params));
    return accepted(params);
  });
  client.setRequestHandler(CreateMessageRequestSchema, () => {
    questions.push('sampling');
    return completion;
  });
  client.setRequestHandler(ListRootsRequestSchema, () => {
    questions.push('roots');
    return roots;
  });
  client.setNotificationHandler(
    LoggingMessageNotificationSchema,
    ({ params }) => void logs.push(String(params.data)),
  );
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changes.push('tools'));
  client.setNotificationHandler(PromptListChangedNotificationSchema, () => void changes.push('prompts'));
  client.setNotificationHandler(
    ResourceUpdatedNotificationSchema,
    ({ params }) => void changes.push(params.uri),
  );
  await client.connect(transport);
  const call = async (
    name: string,
    args: Arguments = {},
    options: Parameters<ClientV1['callTool']>[2] = {},
  ) => {
    const result = await client.callTool({ name, arguments: args }, undefined, options);
    return textIn((result.content as unknown[])[0]);
  };
  return {
    questions,
    changes,
    call: (name, args, signal) => call(name, args, signal ? { signal } : {}),
    async watch(name, args = {}) {
      await client.setLoggingLevel('debug');
      const progress: number[] = [];
      const text = await call(name, args, { onprogress: (step) => void progress.push(step.progress) });
      return { text, progress, logs };
    },
    toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
    resourceUris: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    templateUris: async () =>
      (await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate),
    promptNames: async () => (await client.listPrompts()).prompts.map(({ name }) => name),
    read: async (uri) => textIn((await client.readResource({ uri })).contents[0]),
    prompt: async (name, args = {}) =>
      textIn((await client.getPrompt({ name, arguments: args })).messages[0]?.content),
    async complete(uri, name, value) {
      const ref = { type: 'ref/resource' as const, uri };
      return (await client.complete({ ref, argument: { name, value } })).completion.values;
    },
    listen: async (uri) => void (await client.subscribeResource({ uri })),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/**
 * A client made with the v2 SDK, by default of the modern era: `legacy` opens with `initialize`, `auto` asks with
 * `server/discover` first.
 */
export async function connectModern(url: string, mode?: NegotiationMode): Promise<EraClient> {
  return connectModernOver(new TransportV2(new URL(url)), mode);
}

/** A client made with the v2 SDK over any transport. */
export async function connectModernOver(
  transport: Parameters<ClientV2['connect']>[0],
  mode: NegotiationMode = { pin: '2026-07-28' },
): Promise<EraClient> {
  const client = new ClientV2(
    { name: 'modern', version: '1.0.0' },
    { capabilities, versionNegotiation: { mode } },
  );
  const questions: string[] = [];
  const changes: string[] = [];
  const logs: string[] = [];
  client.setRequestHandler('elicitation/create', ({ params }) => {
    questions.push(topicOf(params));
    return accepted(params);
  });
  client.setRequestHandler('sampling/createMessage', () => {
    questions.push('sampling');
    return completion;
  });
  client.setRequestHandler('roots/list', () => {
    questions.push('roots');
    return roots;
  });
  client.setNotificationHandler('notifications/message', ({ params }) => void logs.push(String(params.data)));
  client.setNotificationHandler('notifications/tools/list_changed', () => void changes.push('tools'));
  client.setNotificationHandler('notifications/prompts/list_changed', () => void changes.push('prompts'));
  client.setNotificationHandler(
    'notifications/resources/updated',
    ({ params }) => void changes.push(params.uri),
  );
  await client.connect(transport);
  return {
    questions,
    changes,
    async call(name, args = {}, signal) {
      const result = await client.callTool({ name, arguments: args }, signal ? { signal } : {});
      return textIn(result.content[0]);
    },
    async watch(name, args = {}) {
      const progress: number[] = [];
      const _meta = { 'io.modelcontextprotocol/logLevel': 'debug' as const };
      const result = await client.callTool(
        { name, arguments: args, _meta },
        { onprogress: (step) => void progress.push(step.progress) },
      );
      return { text: textIn(result.content[0]), progress, logs };
    },
    toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
    resourceUris: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    templateUris: async () =>
      (await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate),
    promptNames: async () => (await client.listPrompts()).prompts.map(({ name }) => name),
    read: async (uri) => textIn((await client.readResource({ uri })).contents[0]),
    prompt: async (name, args = {}) =>
      textIn((await client.getPrompt({ name, arguments: args })).messages[0]?.content),
    async complete(uri, name, value) {
      const ref = { type: 'ref/resource' as const, uri };
      return (await client.complete({ ref, argument: { name, value } })).completion.values;
    },
    async listen(uri) {
      await client.listen({ toolsListChanged: true, promptsListChanged: true, resourceSubscriptions: [uri] });
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
