import { randomUUID } from 'node:crypto';
import {
  acceptedContent,
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  fromJsonSchema,
  type GetPromptResult,
  type InputRequiredResult,
  inputRequired,
  McpServer,
  ResourceTemplate,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import {
  completionsOf,
  failureText,
  fixedTools,
  formOf,
  formSchemas,
  promptArguments,
  prompts,
  resources,
  schema2020,
  templateContents,
  templateUri,
  text,
} from './content.ts';

/** An item that comes and goes, as the trigger tools say. */
type Extra = 'tool' | 'prompt';

/** A server, and the switches of its extra items. A change of one notifies the client. */
export interface Fixture {
  readonly server: McpServer;
  show(extra: Extra, isShown: boolean): void;
}

/** What a fixture needs of the transport that serves it. */
export interface Host {
  /** Whether the extra items are listed now. */
  readonly shown: Readonly<Record<Extra, boolean>>;
  /** A tool has asked for an extra item to come or go. */
  toggle(extra: Extra): void;
  /** A resource has changed. */
  touch(uri: string): void;
  /** Ends the stream of the call, which goes on. */
  endStream(context: ServerContext): void;
}

type Handler = (
  args: Record<string, unknown>,
  context: ServerContext,
) => CallToolResult | InputRequiredResult | Promise<CallToolResult | InputRequiredResult>;

const said = (value: string): CallToolResult => ({ content: [text(value)] });
/** Calls of test_hold that were cancelled, in this process. */
let cancelled = 0;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const noArguments = fromJsonSchema<Record<string, unknown>>({ type: 'object', properties: {} });

const states = createRequestStateCodec<Record<string, unknown>>({
  // A state is good in the next process, too.
  key: new Uint8Array(32).fill(7),
});

const ask = {
  name: () =>
    inputRequired.elicit({ message: 'What is your name?', requestedSchema: formOf('name', 'string') }),
  confirmation: () =>
    inputRequired.elicit({ message: 'Please confirm', requestedSchema: formOf('ok', 'boolean') }),
  completion: (prompt: string) =>
    inputRequired.createMessage({ messages: [{ role: 'user', content: text(prompt) }], maxTokens: 50 }),
  roots: () => inputRequired.listRoots(),
};

/** A server with everything that the official suite looks for, in both eras, made with the v2 SDK. */
export function conformanceServer(host: Host): Fixture {
  const server = new McpServer(
    { name: 'conformance-fixture', version: '1.0.0' },
    {
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        logging: {},
        completions: {},
      },
      requestState: { verify: states.verify },
    },
  );
  for (const [name, handler] of Object.entries({ ...plainTools, ...askingTools, ...roundTools }))
    server.registerTool(name, { description: `Fixture tool ${name}`, inputSchema: noArguments }, handler);
  registerSpecialTools(server, host);
  registerResources(server);
  registerPrompts(server);
  server.server.setRequestHandler('logging/setLevel', () => ({}));
  server.server.setRequestHandler('completion/complete', ({ params }) => ({
    completion: { values: completionsOf(params.argument.value), hasMore: false },
  }));
  const extras = {
    tool: server.registerTool(
      'test_extra_tool',
      { description: 'Comes and goes', inputSchema: noArguments },
      () => said('extra'),
    ),
    prompt: server.registerPrompt('test_extra_prompt', { description: 'Comes and goes' }, () => ({
      messages: [],
    })),
  };
  const show = (extra: Extra, isShown: boolean) => extras[extra][isShown ? 'enable' : 'disable']();
  for (const extra of ['tool', 'prompt'] as const) show(extra, host.shown[extra]);
  return { server, show };
}

const plainTools: Record<string, Handler> = {
  ...Object.fromEntries(Object.entries(fixedTools).map(([name, content]) => [name, () => ({ content })])),
  test_error_handling() {
    throw new Error(failureText);
  },
  async test_tool_with_logging(_args, context) {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await context.mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data } });
      await sleep(50);
    }
    return said('Logged three times.');
  },
  async test_logging_tool(_args, context) {
    await context.mcpReq.log('info', 'Only a client that asks for it sees this.');
    return said('Logged once.');
  },
  test_hold(_args, { mcpReq }) {
    return new Promise((resolve) => {
      mcpReq.signal.addEventListener('abort', () => {
        cancelled++;
        resolve(said('cancelled'));
      });
    });
  },
  test_cancellations: () => said(String(cancelled)),
  async test_tool_with_progress(_args, { mcpReq }) {
    const progressToken = mcpReq._meta?.progressToken;
    for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
      await mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken: progressToken as string, progress, total: 100 },
      });
      await sleep(50);
    }
    return said(String(progressToken));
  },
};

/** Tools that ask the client while they run, which only sessions of the legacy era can. */
const askingTools: Record<string, Handler> = {
  test_elicitation_sep1034_defaults: (_args, context) =>
    elicited(context, 'Please review the defaults', formSchemas.defaults),
  test_elicitation_sep1330_enums: (_args, context) => elicited(context, 'Please select', formSchemas.enums),
};

async function elicited(context: ServerContext, message: string, schema: object): Promise<CallToolResult> {
  const answer = (await context.mcpReq.send({
    method: 'elicitation/create',
    params: { message, requestedSchema: schema as never },
  })) as { action: string; content?: unknown };
  return said(
    `Elicitation completed: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`,
  );
}

/** Tools that ask by results of the modern era. SEP-2322. */
const roundTools: Record<string, Handler> = {
  test_missing_capability: (_args, { mcpReq }) =>
    mcpReq.inputResponses?.answer === undefined
      ? inputRequired({ inputRequests: { answer: ask.completion('Say "pong"') } })
      : said('sampled'),
  test_input_required_result_elicitation(_args, { mcpReq }) {
    const name = acceptedContent<{ name: string }>(mcpReq.inputResponses, 'user_name')?.name;
    return typeof name === 'string'
      ? said(`Hello, ${name}!`)
      : inputRequired({ inputRequests: { user_name: ask.name() } });
  },
  test_elicitation_url(_args, { mcpReq }) {
    const answer = mcpReq.inputResponses?.sign_in as { action?: string } | undefined;
    if (answer?.action !== undefined) return said(`URL elicitation: ${answer.action}`);
    const sign_in = inputRequired.elicitUrl({
      message: 'Please sign in',
      url: 'https://example.com/sign-in',
    });
    return inputRequired({ inputRequests: { sign_in } });
  },
  test_input_required_result_sampling(_args, { mcpReq }) {
    const answer = mcpReq.inputResponses?.capital_question as { content?: { text?: string } } | undefined;
    return answer === undefined
      ? inputRequired({
          inputRequests: { capital_question: ask.completion('What is the capital of France?') },
        })
      : said(`Sampling response: ${answer.content?.text}`);
  },
  test_input_required_result_list_roots(_args, { mcpReq }) {
    const roots = rootsIn(mcpReq.inputResponses);
    return roots === undefined
      ? inputRequired({ inputRequests: { client_roots: ask.roots() } })
      : said(`The client has ${roots.length} roots: ${roots.map(({ uri }) => uri).join(', ')}`);
  },
  async test_input_required_result_request_state(_args, { mcpReq }) {
    if (acceptedContent(mcpReq.inputResponses, 'confirm') === undefined) {
      const requestState = await states.mint({ nonce: randomUUID() });
      return inputRequired({ inputRequests: { confirm: ask.confirmation() }, requestState });
    }
    return said(mcpReq.requestState() === undefined ? 'no state' : 'state-ok');
  },
  async test_input_required_result_tampered_state(_args, { mcpReq }) {
    const isConfirmed = acceptedContent(mcpReq.inputResponses, 'confirm') !== undefined;
    if (isConfirmed && mcpReq.requestState() !== undefined) return said('integrity-ok');
    const requestState = await states.mint({ nonce: randomUUID() });
    return inputRequired({ inputRequests: { confirm: ask.confirmation() }, requestState });
  },
  async test_input_required_result_multiple_inputs(_args, { mcpReq }) {
    const { inputResponses: given } = mcpReq;
    const name = acceptedContent<{ name: string }>(given, 'user_name')?.name;
    const greeting = (given?.greeting as { content?: { text?: string } } | undefined)?.content?.text;
    const roots = rootsIn(given);
    if (name !== undefined && greeting !== undefined && roots !== undefined)
      return said(`${greeting} ${name}, ${roots.length} roots`);
    const inputRequests = {
      user_name: ask.name(),
      greeting: ask.completion('Generate a greeting'),
      client_roots: ask.roots(),
    };
    return inputRequired({ inputRequests, requestState: await states.mint({ nonce: randomUUID() }) });
  },
  async test_input_required_result_multi_round(_args, { mcpReq }) {
    const state = mcpReq.requestState<{ round?: number; name?: string }>();
    if (state?.round === undefined) {
      const requestState = await states.mint({ round: 1 });
      return inputRequired({ inputRequests: { step1: ask.name() }, requestState });
    }
    if (state.round === 1) {
      const name = acceptedContent<{ name: string }>(mcpReq.inputResponses, 'step1')?.name ?? 'nobody';
      const step2 = inputRequired.elicit({
        message: 'What is your favorite color?',
        requestedSchema: formOf('color', 'string'),
      });
      return inputRequired({ inputRequests: { step2 }, requestState: await states.mint({ round: 2, name }) });
    }
    const color = acceptedContent<{ color: string }>(mcpReq.inputResponses, 'step2')?.color;
    return said(`${state.name} likes ${color}`);
  },
  test_input_required_result_capabilities(_args, { mcpReq }) {
    if (mcpReq.inputResponses !== undefined) return said('answered');
    const declared =
      (mcpReq.envelope as Record<string, object> | undefined)?.[CLIENT_CAPABILITIES_META_KEY] ?? {};
    const all = {
      elicitation: { user_name: ask.name() },
      sampling: { greeting: ask.completion('Generate a greeting') },
      roots: { client_roots: ask.roots() },
    };
    const requests = Object.entries(all).filter(([capability]) => capability in declared);
    if (requests.length === 0) return said('The client can answer nothing.');
    return inputRequired({ inputRequests: Object.assign({}, ...requests.map(([, request]) => request)) });
  },
};

function rootsIn(responses: Record<string, unknown> | undefined): { uri: string }[] | undefined {
  const { roots } = (responses?.client_roots ?? {}) as { roots?: { uri: string }[] };
  return Array.isArray(roots) ? roots : undefined;
}

function registerSpecialTools(server: McpServer, host: Host): void {
  const described = (
    description: string,
    properties: Record<string, { type: 'string' | 'integer' }> = {},
  ) => ({
    description,
    inputSchema: fromJsonSchema<Record<string, unknown>>({ type: 'object', properties }),
  });
  const prompt = { prompt: { type: 'string' as const } };
  server.registerTool(
    'test_sampling',
    described('Asks for a completion', prompt),
    async (args, { mcpReq }) => {
      const messages = [{ role: 'user' as const, content: text(String(args.prompt)) }];
      const answer = (await mcpReq.send({
        method: 'sampling/createMessage',
        params: { messages, maxTokens: 100 },
      })) as { content: { text?: string } };
      return said(`LLM response: ${answer.content.text}`);
    },
  );
  const message = { message: { type: 'string' as const } };
  server.registerTool('test_elicitation', described('Asks the user', message), async (args, { mcpReq }) => {
    const answer = (await mcpReq.send({
      method: 'elicitation/create',
      params: { message: String(args.message), requestedSchema: formOf('response', 'string') },
    })) as { action: string; content?: unknown };
    return said(`User response: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`);
  });
  const pauses = { beforeMs: { type: 'integer' as const }, afterMs: { type: 'integer' as const } };
  const askedTool = described('Asks the user, in both eras', { ...message, ...pauses });
  server.registerTool('test_ask', askedTool, async (args, { mcpReq }) => {
    const asked = String(args.message);
    const given = acceptedContent<{ response: string }>(mcpReq.inputResponses, 'answer')?.response;
    await sleep(Number((given === undefined ? args.beforeMs : args.afterMs) ?? 0));
    // What was asked comes from the state, so that a state of another call shows.
    const state = mcpReq.requestState<{ asked?: string }>();
    if (given !== undefined) return said(`${state?.asked}: ${given}`);
    const answer = inputRequired.elicit({ message: asked, requestedSchema: formOf('response', 'string') });
    return inputRequired({ inputRequests: { answer }, requestState: await states.mint({ asked }) });
  });
  const region = {
    region: { type: 'string' as const, 'x-mcp-header': 'Region' },
    level: { type: 'integer' as const },
  };
  server.registerTool('test_x_mcp_header', described('Mirrors an argument', region), (args) =>
    said(`region=${args.region ?? 'none'}`),
  );
  const schema = { description: 'Has a schema of draft 2020-12', inputSchema: fromJsonSchema(schema2020) };
  server.registerTool('json_schema_2020_12_tool', schema, (args) => said(JSON.stringify(args)));
  server.registerTool('test_reconnection', described('Ends its stream'), async (_args, context) => {
    host.endStream(context);
    await sleep(100);
    return said('The client came back.');
  });
  server.registerTool('test_touch_resource', described('Changes a resource'), () => {
    host.touch('test://watched-resource');
    return said('touched');
  });
  for (const extra of ['tool', 'prompt'] as const) {
    server.registerTool(`test_trigger_${extra}_change`, described(`Changes the list of ${extra}s`), () => {
      host.toggle(extra);
      return said('changed');
    });
  }
}

function registerResources(server: McpServer): void {
  for (const [uri, { name, ...content }] of Object.entries(resources)) {
    const { mimeType } = content;
    server.registerResource(name, uri, { mimeType }, () => ({ contents: [{ uri, ...content }] }));
  }
  const template = new ResourceTemplate(templateUri, { list: undefined });
  server.registerResource('template', template, { mimeType: 'application/json' }, (uri, { id }) =>
    templateContents(uri.href, String(id)),
  );
  server.server.setRequestHandler('resources/subscribe', () => ({}));
  server.server.setRequestHandler('resources/unsubscribe', () => ({}));
}

function registerPrompts(server: McpServer): void {
  for (const [name, messages] of Object.entries(prompts)) {
    const names = promptArguments[name as keyof typeof prompts];
    const description = `Fixture prompt ${name}`;
    if (names === undefined) server.registerPrompt(name, { description }, () => ({ messages: messages({}) }));
    else {
      const argsSchema = z.object(Object.fromEntries(names.map((argument) => [argument, z.string()])));
      server.registerPrompt(name, { description, argsSchema }, (args) => ({
        messages: messages(args as Record<string, string>),
      }));
    }
  }
  // A prompt without arguments gets the context alone, whatever its type says.
  const asks = (context: ServerContext): GetPromptResult | InputRequiredResult => {
    const given = acceptedContent<{ context: string }>(context.mcpReq.inputResponses, 'user_context');
    if (typeof given?.context === 'string')
      return { messages: [{ role: 'user', content: text(`Use this context: ${given.context}`) }] };
    const user_context = inputRequired.elicit({
      message: 'Which context?',
      requestedSchema: formOf('context', 'string'),
    });
    return inputRequired({ inputRequests: { user_context } });
  };
  server.registerPrompt('test_input_required_result_prompt', { description: 'Asks first' }, asks as never);
}
