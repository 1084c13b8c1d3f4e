import { randomUUID } from 'node:crypto';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SubscribeRequestSchema, UnsubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js';
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
  templateContents,
  templateUri,
  text,
} from './content.ts';

const said = (value: string) => ({ content: [text(value)] });
/** Calls of test_hold that were cancelled, in this process. */
let cancelled = 0;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A server with what the official suite looks for, made with the v1 SDK, which asks by requests of its own. */
export function conformanceServerV1(): McpServer {
  const server = new McpServer(
    { name: 'conformance-fixture-v1', version: '1.0.0' },
    { capabilities: { logging: {}, completions: {}, resources: { subscribe: true } } },
  );
  registerTools(server);
  registerAskingTools(server);
  registerTriggers(server);
  for (const [uri, { name, ...content }] of Object.entries(resources))
    server.registerResource(name, uri, { mimeType: content.mimeType }, () => ({
      contents: [{ uri, ...content }],
    }));
  const template = new ResourceTemplate(templateUri, {
    list: undefined,
    complete: { id: completionsOf },
  });
  server.registerResource('template', template, { mimeType: 'application/json' }, (uri, { id }) =>
    templateContents(uri.href, String(id)),
  );
  server.server.setRequestHandler(SubscribeRequestSchema, () => ({}));
  server.server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
  registerPrompts(server);
  return server;
}

function registerTools(server: McpServer): void {
  for (const [name, content] of Object.entries(fixedTools))
    server.registerTool(name, { description: `Fixture tool ${name}` }, () => ({ content }));
  server.registerTool('test_error_handling', { description: 'Fixture tool test_error_handling' }, () => {
    throw new Error(failureText);
  });
  server.registerTool(
    'test_hold',
    { description: 'Runs until it is cancelled' },
    ({ signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          cancelled++;
          resolve(said('cancelled'));
        });
      }),
  );
  server.registerTool('test_cancellations', { description: 'Counts cancelled calls' }, () =>
    said(String(cancelled)),
  );
  server.registerTool(
    'test_logging_tool',
    { description: 'Fixture tool test_logging_tool' },
    async (extra) => {
      await extra.sendNotification({
        method: 'notifications/message',
        params: { level: 'info', data: 'logged' },
      });
      return said('Logged once.');
    },
  );
  server.registerTool(
    'test_tool_with_logging',
    { description: 'Fixture tool test_tool_with_logging' },
    async (extra) => {
      for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
        await sleep(50);
      }
      return said('Logged three times.');
    },
  );
  server.registerTool(
    'test_tool_with_progress',
    { description: 'Fixture tool test_tool_with_progress' },
    async ({ _meta, sendNotification }) => {
      const progressToken = _meta?.progressToken;
      for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
        const params = { progressToken: progressToken as string, progress, total: 100 };
        await sendNotification({ method: 'notifications/progress', params });
        await sleep(50);
      }
      return said(String(progressToken));
    },
  );
}

/** The questions that a call asks on its own stream: on the session's, nothing would tell which call they belong to. */
function questionsOf({ server: peer }: McpServer, relatedRequestId: string | number) {
  const options = { relatedRequestId };
  const form = (message: string, requestedSchema: object) =>
    peer.elicitInput({ message, requestedSchema: requestedSchema as never }, options);
  return {
    capabilities: peer.getClientCapabilities() ?? {},
    form,
    async field(message: string, name: string) {
      return (await form(message, formOf(name, 'string'))).content?.[name];
    },
    async signIn() {
      const asked = { mode: 'url' as const, message: 'Please sign in', elicitationId: randomUUID() };
      return peer.elicitInput({ ...asked, url: 'https://example.com/sign-in' }, options);
    },
    async sample(prompt: string, maxTokens = 50) {
      const messages = [{ role: 'user' as const, content: text(prompt) }];
      const { content } = await peer.createMessage({ messages, maxTokens }, options);
      return Array.isArray(content) || content.type !== 'text' ? '' : content.text;
    },
    async roots() {
      return (await peer.listRoots({}, options)).roots;
    },
  };
}

type Questions = ReturnType<typeof questionsOf>;

const askingTools: Record<string, (ask: Questions) => Promise<string>> = {
  test_elicitation_sep1034_defaults: (ask) => review(ask, formSchemas.defaults),
  test_elicitation_sep1330_enums: (ask) => review(ask, formSchemas.enums),
  test_missing_capability: (ask) => ask.sample('Say "pong"'),
  test_elicitation_url: async (ask) => `URL elicitation: ${(await ask.signIn()).action}`,
  test_input_required_result_elicitation: async (ask) =>
    `Hello, ${await ask.field('What is your name?', 'name')}!`,
  test_input_required_result_sampling: async (ask) =>
    `Sampling response: ${await ask.sample('What is the capital of France?')}`,
  async test_input_required_result_list_roots(ask) {
    const roots = await ask.roots();
    return `The client has ${roots.length} roots: ${roots.map(({ uri }) => uri).join(', ')}`;
  },
  async test_input_required_result_request_state(ask) {
    await ask.form('Please confirm', formOf('ok', 'boolean'));
    return 'state-ok';
  },
  async test_input_required_result_tampered_state(ask) {
    await ask.form('Please confirm', formOf('ok', 'boolean'));
    return 'integrity-ok';
  },
  async test_input_required_result_multiple_inputs(ask) {
    const asked = [ask.field('What is your name?', 'name'), ask.sample('Generate a greeting')] as const;
    const [roots, name, greeting] = await Promise.all([ask.roots(), ...asked]);
    return `${greeting} ${name}, ${roots.length} roots`;
  },
  async test_input_required_result_multi_round(ask) {
    const name = await ask.field('What is your name?', 'name');
    return `${name} likes ${await ask.field('What is your favorite color?', 'color')}`;
  },
  async test_input_required_result_capabilities(ask) {
    if (ask.capabilities.elicitation) return `Hello, ${await ask.field('What is your name?', 'name')}`;
    return ask.capabilities.sampling ? ask.sample('Generate a greeting') : 'The client can answer nothing.';
  },
};

async function review(ask: Questions, schema: object): Promise<string> {
  const { action, content } = await ask.form('Please review the form', schema);
  return `Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`;
}

function registerAskingTools(server: McpServer): void {
  for (const [name, run] of Object.entries(askingTools)) {
    server.registerTool(name, { description: `Fixture tool ${name}` }, async ({ requestId }) =>
      said(await run(questionsOf(server, requestId))),
    );
  }
  const prompt = { description: 'Asks for a completion', inputSchema: { prompt: z.string() } };
  server.registerTool('test_sampling', prompt, async (args, { requestId }) =>
    said(`LLM response: ${await questionsOf(server, requestId).sample(args.prompt, 100)}`),
  );
  const message = { description: 'Asks the user', inputSchema: { message: z.string() } };
  server.registerTool('test_elicitation', message, async (args, { requestId }) => {
    const { action, content } = await questionsOf(server, requestId).form(
      args.message,
      formOf('response', 'string'),
    );
    return said(`User response: action=${action}, content=${JSON.stringify(content ?? {})}`);
  });
  const pauses = { beforeMs: z.number().optional(), afterMs: z.number().optional() };
  const asked = { description: 'Asks the user', inputSchema: { message: z.string(), ...pauses } };
  server.registerTool('test_ask', asked, async ({ message, beforeMs = 0, afterMs = 0 }, { requestId }) => {
    await sleep(beforeMs);
    const given = await questionsOf(server, requestId).field(message, 'response');
    await sleep(afterMs);
    return said(`${message}: ${given}`);
  });
}

function registerTriggers(server: McpServer): void {
  server.registerTool('test_touch_resource', { description: 'Changes a resource' }, async () => {
    await server.server.sendResourceUpdated({ uri: 'test://watched-resource' });
    return said('touched');
  });
  const tool = server.registerTool('test_extra_tool', { description: 'Fixture tool test_extra_tool' }, () =>
    said('extra'),
  );
  const prompt = server.registerPrompt(
    'test_extra_prompt',
    { description: 'Fixture prompt test_extra_prompt' },
    () => ({ messages: [] }),
  );
  for (const [name, extra] of Object.entries({
    test_trigger_tool_change: tool,
    test_trigger_prompt_change: prompt,
  })) {
    extra.disable();
    server.registerTool(name, { description: `Fixture tool ${name}` }, () => {
      if (extra.enabled) extra.disable();
      else extra.enable();
      return said('changed');
    });
  }
}

function registerPrompts(server: McpServer): void {
  for (const [name, messages] of Object.entries(prompts)) {
    const names = promptArguments[name as keyof typeof prompts];
    if (names === undefined)
      server.registerPrompt(name, { description: `Fixture prompt ${name}` }, () => ({
        messages: messages({}),
      }));
    else {
      const argsSchema = Object.fromEntries(names.map((argument) => [argument, z.string()]));
      server.registerPrompt(name, { description: `Fixture prompt ${name}`, argsSchema }, (args) => ({
        messages: messages(args),
      }));
    }
  }
  server.registerPrompt(
    'test_input_required_result_prompt',
    { description: 'Fixture prompt test_input_required_result_prompt' },
    async ({ requestId }) => {
      const context = await questionsOf(server, requestId).field('Which context?', 'context');
      return { messages: [{ role: 'user', content: text(`Use this context: ${context}`) }] };
    },
  );
}
