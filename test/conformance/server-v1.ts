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

function registerAskingTools(server: McpServer): void {
  const { server: peer } = server;
  const sample = async (prompt: string, maxTokens = 50) => {
    const messages = [{ role: 'user' as const, content: text(prompt) }];
    const { content } = await peer.createMessage({ messages, maxTokens });
    return Array.isArray(content) || content.type !== 'text' ? '' : content.text;
  };
  const form = (message: string, requestedSchema: object) =>
    peer.elicitInput({ message, requestedSchema: requestedSchema as never });
  const field = async (message: string, name: string) =>
    (await form(message, formOf(name, 'string'))).content?.[name];

  server.registerTool(
    'test_sampling',
    { description: 'Fixture tool test_sampling', inputSchema: { prompt: z.string() } },
    async ({ prompt }) => said(`LLM response: ${await sample(prompt, 100)}`),
  );
  server.registerTool(
    'test_elicitation',
    { description: 'Fixture tool test_elicitation', inputSchema: { message: z.string() } },
    async ({ message }) => {
      const { action, content } = await form(message, formOf('response', 'string'));
      return said(`User response: action=${action}, content=${JSON.stringify(content ?? {})}`);
    },
  );
  server.registerTool(
    'test_ask',
    { description: 'Asks the user', inputSchema: { message: z.string() } },
    async ({ message }) => said(`${message}: ${await field(message, 'response')}`),
  );
  for (const [name, schema] of Object.entries({
    test_elicitation_sep1034_defaults: formSchemas.defaults,
    test_elicitation_sep1330_enums: formSchemas.enums,
  })) {
    server.registerTool(name, { description: `Fixture tool ${name}` }, async () => {
      const { action, content } = await form('Please review the form', schema);
      return said(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`);
    });
  }
  const tools: Record<string, () => Promise<string>> = {
    test_missing_capability: () => sample('Say "pong"'),
    test_input_required_result_elicitation: async () =>
      `Hello, ${await field('What is your name?', 'name')}!`,
    async test_elicitation_url() {
      const asked = { mode: 'url' as const, message: 'Please sign in', elicitationId: randomUUID() };
      const { action } = await peer.elicitInput({ ...asked, url: 'https://example.com/sign-in' });
      return `URL elicitation: ${action}`;
    },
    test_input_required_result_sampling: async () =>
      `Sampling response: ${await sample('What is the capital of France?')}`,
    async test_input_required_result_list_roots() {
      const { roots } = await peer.listRoots();
      return `The client has ${roots.length} roots: ${roots.map(({ uri }) => uri).join(', ')}`;
    },
    async test_input_required_result_request_state() {
      await form('Please confirm', formOf('ok', 'boolean'));
      return 'state-ok';
    },
    async test_input_required_result_tampered_state() {
      await form('Please confirm', formOf('ok', 'boolean'));
      return 'integrity-ok';
    },
    async test_input_required_result_multiple_inputs() {
      const asked = [field('What is your name?', 'name'), sample('Generate a greeting')] as const;
      const [{ roots }, name, greeting] = await Promise.all([peer.listRoots(), ...asked]);
      return `${greeting} ${name}, ${roots.length} roots`;
    },
    async test_input_required_result_multi_round() {
      const name = await field('What is your name?', 'name');
      return `${name} likes ${await field('What is your favorite color?', 'color')}`;
    },
    async test_input_required_result_capabilities() {
      const declared = peer.getClientCapabilities() ?? {};
      if (declared.elicitation) return `Hello, ${await field('What is your name?', 'name')}`;
      return declared.sampling ? sample('Generate a greeting') : 'The client can answer nothing.';
    },
  };
  for (const [name, run] of Object.entries(tools))
    server.registerTool(name, { description: `Fixture tool ${name}` }, async () => said(await run()));
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
    async () => {
      const { content } = await server.server.elicitInput({
        message: 'Which context?',
        requestedSchema: formOf('context', 'string'),
      });
      return { messages: [{ role: 'user', content: text(`Use this context: ${content?.context}`) }] };
    },
  );
}
