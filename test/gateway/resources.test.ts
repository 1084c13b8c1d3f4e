import { describe, expect, test } from 'bun:test';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  ResourceUpdatedNotificationSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { connectV1 } from '../support/clients.ts';
import { startGateway } from '../support/gateway.ts';
import { postModern } from '../support/modern-rpc.ts';
import { messagesOf, RawSession, rawPost } from '../support/rpc.ts';
import { serveV1 } from '../support/sdk-served.ts';
import { settle, waitUntil, within } from '../support/wait.ts';

const capabilities = {
  tools: {},
  prompts: {},
  completions: {},
  resources: { subscribe: true },
};

/** A server whose items are all called after it, with an unlisted resource that its tool links to. */
function startNamed(name: string) {
  const servers: Server[] = [];
  const served = serveV1(() => {
    const server = new Server({ name, version: '1.0.0' }, { capabilities });
    servers.push(server);
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: [{ name: 'link', inputSchema: { type: 'object' as const } }],
    }));
    server.setRequestHandler(CallToolRequestSchema, () => ({
      content: [{ type: 'resource_link' as const, uri: `made:${name}`, name: 'made just now' }],
    }));
    server.setRequestHandler(ListPromptsRequestSchema, () => ({ prompts: [{ name: 'ask' }] }));
    server.setRequestHandler(GetPromptRequestSchema, ({ params }) => ({
      messages: [
        { role: 'user' as const, content: { type: 'text' as const, text: `${name} ${params.name}` } },
      ],
    }));
    server.setRequestHandler(ListResourcesRequestSchema, () => ({
      resources: [{ uri: `${name}:listed`, name: 'listed' }],
    }));
    server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({
      resourceTemplates: [{ uriTemplate: `${name}:item/{id}`, name: 'items' }],
    }));
    server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => {
      if (params.uri.endsWith('gone')) throw new McpError(-32002, 'gone');
      return { contents: [{ uri: params.uri, text: `${name} has ${params.uri}` }] };
    });
    server.setRequestHandler(CompleteRequestSchema, ({ params }) => ({
      completion: { values: [`${name} ${JSON.stringify(params.ref)}`] },
    }));
    server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
      if (params.uri.endsWith('gone')) throw new McpError(-32002, 'gone');
      return {};
    });
    server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
    return server;
  });
  return {
    served,
    update: (uri: string) => Promise.all(servers.map((one) => one.sendResourceUpdated({ uri }))),
  };
}

/** A gateway in front of the servers `a` and `b`. */
async function start() {
  const [a, b] = [startNamed('a'), startNamed('b')];
  const gateway = await startGateway({
    servers: [
      { name: 'a', url: a.served.url },
      { name: 'b', url: b.served.url },
    ],
  });
  await gateway.connected();
  return {
    a,
    b,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.gateway.stop();
      await Promise.all([a.served[Symbol.asyncDispose](), b.served[Symbol.asyncDispose]()]);
    },
  };
}

const countOf = (received: readonly string[], method: string) =>
  received.filter((one) => one === method).length;

describe('a resource', () => {
  test.each([
    ['b:listed', 'b has b:listed'],
    ['b:item/7', 'b has b:item/7'],
  ])('that is listed or fits a template is read at its server: %s', async (uri, text) => {
    await using started = await start();
    await using client = await connectV1(started.gateway.url);
    const { contents } = await client.client.readResource({ uri });
    expect(contents).toEqual([{ uri, text }]);
    expect(countOf(started.a.served.received, 'resources/read')).toBe(0);
  });

  test('that no list has is read at the server whose result has linked to it', async () => {
    await using started = await start();
    await using client = await connectV1(started.gateway.url);
    await expect(client.client.readResource({ uri: 'made:b' })).rejects.toThrow(
      'Resource not found: "made:b"',
    );
    await client.client.callTool({ name: 'b__link', arguments: {} });
    const { contents } = await client.client.readResource({ uri: 'made:b' });
    expect(contents).toEqual([{ uri: 'made:b', text: 'b has made:b' }]);
    expect(countOf(started.a.served.received, 'resources/read')).toBe(0);
  });

  test('that nobody claims is not found, and no server is asked', async () => {
    await using started = await start();
    await using session = await RawSession.open(started.gateway.url);
    const { answer } = await session.request('resources/read', { uri: 'nobody:1' });
    expect(answer.error).toEqual({
      code: -32002,
      message: 'Resource not found: "nobody:1"',
      data: { uri: 'nobody:1' },
    });
    expect(countOf(started.a.served.received, 'resources/read')).toBe(0);
    expect(countOf(started.b.served.received, 'resources/read')).toBe(0);
  });

  test('that its server does not have any more is its own error', async () => {
    await using started = await start();
    await using session = await RawSession.open(started.gateway.url);
    const { answer } = await session.request('resources/read', { uri: 'a:item/gone' });
    expect(answer.error).toMatchObject({ code: -32002 });
  });
});

describe('a subscription', () => {
  test('is one for two clients, and its updates reach them alone', async () => {
    await using started = await start();
    const { gateway, b } = started;
    await using first = await connectV1(gateway.url);
    await using second = await connectV1(gateway.url);
    await using third = await connectV1(gateway.url);
    const updates: string[] = [];
    for (const [name, { client }] of Object.entries({ first, second, third }))
      client.setNotificationHandler(
        ResourceUpdatedNotificationSchema,
        ({ params }) => void updates.push(`${name} ${params.uri}`),
      );
    await first.client.subscribeResource({ uri: 'b:listed' });
    await second.client.subscribeResource({ uri: 'b:listed' });
    expect(countOf(b.served.received, 'resources/subscribe')).toBe(1);
    await b.update('b:listed');
    await waitUntil('both updates', () => updates.length === 2);
    expect(updates.toSorted()).toEqual(['first b:listed', 'second b:listed']);
    await first.client.unsubscribeResource({ uri: 'b:listed' });
    expect(countOf(b.served.received, 'resources/unsubscribe')).toBe(0);
    await b.update('b:listed');
    await waitUntil('the third update', () => updates.length === 3);
    expect(updates.at(-1)).toBe('second b:listed');
  });

  test('ends upstream with the session of its last client', async () => {
    await using started = await start();
    const { gateway, a } = started;
    const session = await RawSession.open(gateway.url);
    const { answer } = await session.request('resources/subscribe', { uri: 'a:listed' });
    expect(answer.result).toEqual({});
    await session[Symbol.asyncDispose]();
    await waitUntil('the end upstream', () => countOf(a.served.received, 'resources/unsubscribe') === 1);
  });

  test('needs a session', async () => {
    await using started = await start();
    const params = { uri: 'a:listed' };
    const body = { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params };
    const response = await rawPost(started.gateway.url, body);
    expect(await response.json()).toMatchObject({
      error: {
        code: -32600,
        message:
          'resources/subscribe needs a session, whose stream carries the updates: send initialize first, then its Mcp-Session-Id',
      },
    });
  });

  test('that its server refuses fails with its error', async () => {
    await using started = await start();
    await using session = await RawSession.open(started.gateway.url);
    const { answer } = await session.request('resources/subscribe', { uri: 'a:item/gone' });
    expect(answer.error).toMatchObject({ code: -32002, message: 'MCP error -32002: gone' });
  });

  test('to a resource that nobody claims is refused', async () => {
    await using started = await start();
    await using session = await RawSession.open(started.gateway.url);
    const { answer } = await session.request('resources/subscribe', { uri: 'nobody:1' });
    expect(answer.error).toMatchObject({ code: -32002, data: { uri: 'nobody:1' } });
  });
});

describe('a prompt', () => {
  test('is got at its server under its own name', async () => {
    await using started = await start();
    await using client = await connectV1(started.gateway.url);
    const { prompts } = await client.client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(['a__ask', 'b__ask']);
    const { messages } = await client.client.getPrompt({ name: 'b__ask' });
    expect(messages[0]?.content).toEqual({ type: 'text', text: 'b ask' });
  });

  test('that is unknown is refused', async () => {
    await using started = await start();
    await using session = await RawSession.open(started.gateway.url);
    const { answer } = await session.request('prompts/get', { name: 'b__other' });
    expect(answer.error).toMatchObject({ code: -32602, message: 'Unknown prompt: "b__other"' });
  });
});

describe('a completion', () => {
  const argument = { name: 'id', value: 'x' };
  test.each([
    [{ type: 'ref/prompt', name: 'b__ask' }, 'b {"type":"ref/prompt","name":"ask"}'],
    [{ type: 'ref/resource', uri: 'b:item/{id}' }, 'b {"type":"ref/resource","uri":"b:item/{id}"}'],
    [{ type: 'ref/resource', uri: 'b:item/7' }, 'b {"type":"ref/resource","uri":"b:item/7"}'],
  ])('of %p goes to the server of its reference', async (ref, value) => {
    await using started = await start();
    await using session = await RawSession.open(started.gateway.url);
    const { answer } = await session.request('completion/complete', { ref, argument });
    expect(answer.result).toEqual({ completion: { values: [value] } });
  });

  test.each([
    [{ type: 'ref/prompt', name: 'ask' }, 'Unknown prompt: "ask"'],
    [{ type: 'ref/resource', uri: 'c:item/{id}' }, 'Unknown resource template: "c:item/{id}"'],
    [{ type: 'ref/tool' }, 'completion/complete: "ref.type" must be "ref/prompt" or "ref/resource"'],
    [{ type: 'ref/prompt' }, 'completion/complete: "ref.name" must be a string'],
    ['b__ask', 'completion/complete: "ref" must be an object'],
  ])('of %p is refused', async (ref, message) => {
    await using started = await start();
    await using session = await RawSession.open(started.gateway.url);
    const { answer } = await session.request('completion/complete', { ref, argument });
    expect(answer.error).toMatchObject({ code: -32602, message });
  });
});

describe('while the server is still starting', () => {
  /** A gateway to the server `a`, whose first answers wait until the test lets them go. */
  async function starting() {
    const a = startNamed('a');
    const open = Promise.withResolvers<void>();
    const door = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      async fetch({ method, headers, body }) {
        await open.promise;
        return fetch(a.served.url, { method, headers, body });
      },
    });
    const gateway = await startGateway({ servers: [{ name: 'a', url: `${door.url}mcp` }] });
    return {
      gateway,
      /** Waits a moment, in which the request must not be answered, then lets the server start. */
      async started<T>(request: Promise<T>): Promise<T> {
        const early = await Promise.race([request.then(() => 'answered'), settle().then(() => 'waits')]);
        open.resolve();
        expect(early).toBe('waits');
        return await within('the answer', request);
      },
      async [Symbol.asyncDispose]() {
        open.resolve();
        await gateway.gateway.stop();
        await door.stop(true);
        await a.served[Symbol.asyncDispose]();
      },
    };
  }

  test.each([
    ['resources/read', { uri: 'a:listed' }, { contents: [{ uri: 'a:listed', text: 'a has a:listed' }] }],
    ['resources/subscribe', { uri: 'a:listed' }, {}],
    [
      'completion/complete',
      { ref: { type: 'ref/resource', uri: 'a:item/{id}' }, argument: { name: 'id', value: 'x' } },
      { completion: { values: ['a {"type":"ref/resource","uri":"a:item/{id}"}'] } },
    ],
  ])('%s waits for it, because nobody else has what it names', async (method, params, result) => {
    await using world = await starting();
    await using session = await RawSession.open(world.gateway.url);
    const { answer } = await world.started(session.request(method, params));
    expect(answer.result).toEqual(result);
  });

  test('subscriptions/listen waits for it, and acknowledges its resources', async () => {
    await using world = await starting();
    const notifications = { resourceSubscriptions: ['a:listed', 'nobody:1'] };
    const stream = messagesOf(
      await postModern(world.gateway.url, 'subscriptions/listen', { params: { notifications } }),
    );
    const { value } = await world.started(stream.next());
    expect(value?.params.notifications).toEqual({ resourceSubscriptions: ['a:listed'] });
    await stream.return(undefined);
  });
});

describe('while a server is down that has never been connected', () => {
  test.each([
    ['resources/read', { uri: 'nobody:1' }, -32002],
    ['resources/subscribe', { uri: 'nobody:1' }, -32002],
    [
      'completion/complete',
      { ref: { type: 'ref/resource', uri: 'nobody:{id}' }, argument: { name: 'id', value: 'x' } },
      -32602,
    ],
  ])('%s neither waits for it nor starts it', async (method, params, code) => {
    let requests = 0;
    await using stack = new AsyncDisposableStack();
    // As a host behind a firewall, it never answers.
    const door = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch() {
        requests++;
        return new Promise<Response>(() => {});
      },
    });
    stack.defer(() => door.stop(true));
    await using gateway = await startGateway({
      servers: [
        {
          name: 'a',
          url: `${door.url}mcp`,
          timeouts: { connect_seconds: 0.2 },
          reconnect: { backoff_base_ms: 600_000, backoff_max_ms: 600_000 },
        },
      ],
    });
    await gateway.waitFor('the failure', ({ servers: [a] }) => a?.state === 'backoff');
    // Sooner than a second after the last attempt, nobody starts another.
    await Bun.sleep(1_100);
    const before = requests;
    await using session = await RawSession.open(gateway.url);
    const { answer } = await session.request(method, params);
    expect(answer.error?.code).toBe(code);
    expect(requests).toBe(before);
  });
});
