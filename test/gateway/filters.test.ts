import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { RESOURCE_URI_META_KEY } from '@modelcontextprotocol/ext-apps/server';
import { rpcResult } from '../support/answers.ts';
import { connectLegacy, connectModern } from '../support/era-clients.ts';
import { type EventChannel, eventChannel } from '../support/event-channel.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { askModern, postModern } from '../support/modern-rpc.ts';
import { messagesOf, RawSession, type RpcMessage } from '../support/rpc.ts';
import { startItemServer } from '../support/sdk-items.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { settle, waitUntil } from '../support/wait.ts';

failOnStrayErrors();
setDefaultTimeout(30_000);

describe.each([
  ['legacy', connectLegacy],
  ['modern', connectModern],
])('for a client of the %s era', (_era, connect) => {
  test('filters hide items from lists and calls, and new names and prefixes take the place of others', async () => {
    await using server = await startItemServer('up', {
      tools: ['get', 'get_all', 'delete'],
      prompts: ['plan', 'secret_plan'],
      resources: ['file:///srv/a', 'file:///etc/b'],
      templates: ['file:///srv/{+path}', 'file:///etc/{name}'],
    });
    await using gateway = await startGateway({
      servers: [
        {
          name: 'up',
          url: server.url,
          tools: { prefix: 'web', allow: ['get*', 'delete'], deny: ['delete'], rename: { get: 'fetch' } },
          prompts: { deny: ['secret*'] },
          resources: { allow: ['file:///srv/*'], deny: ['*hidden*'] },
        },
      ],
    });
    await gateway.connected();

    await using whole = await connect(gateway.url);
    expect(await whole.toolNames()).toEqual(['web__fetch', 'web__get_all']);
    expect(await whole.promptNames()).toEqual(['web__plan']);
    expect(await whole.resourceUris()).toEqual(['file:///srv/a']);
    expect(await whole.templateUris()).toEqual(['file:///srv/{+path}']);
    expect(await whole.call('web__fetch')).toBe('up ran get');
    expect(await whole.prompt('web__plan')).toBe('up says plan');
    expect(await whole.read('file:///srv/deep/b')).toBe('up read file:///srv/deep/b');
    for (const name of ['web__delete', 'web__get', 'up__get_all', 'delete'])
      await expect(whole.call(name), name).rejects.toThrow(`Unknown tool: "${name}"`);
    await expect(whole.prompt('web__secret_plan')).rejects.toThrow('Unknown prompt');
    for (const uri of ['file:///etc/b', 'file:///srv/hidden']) {
      await expect(whole.read(uri), uri).rejects.toThrow('Resource not found');
    }

    await using own = await connect(`${gateway.url}/up`);
    expect(await own.toolNames()).toEqual(['fetch', 'get_all']);
    expect(await own.call('fetch')).toBe('up ran get');
    await expect(own.call('delete')).rejects.toThrow('Unknown tool');
    await expect(own.read('file:///etc/b')).rejects.toThrow('Resource not found');
  });
});

/**
 * A server that answers each request with an empty result, whatever that asks for, of which filters hide the secret half.
 * @param opened its first answer waits for it
 */
async function startHalfHidden(opened?: Promise<void>) {
  const stack = new AsyncDisposableStack();
  const lists: Record<string, object> = {
    'tools/list': { tools: ['open', 'secret'].map((name) => ({ name, inputSchema: { type: 'object' } })) },
    'prompts/list': { prompts: [{ name: 'plan' }, { name: 'secret_plan' }] },
    'resources/list': { resources: ['a:open', 'secret:1'].map((uri) => ({ uri, name: uri })) },
    'resources/templates/list': {
      resourceTemplates: ['a:{x}', 'secret:{x}'].map((uriTemplate) => ({ uriTemplate, name: uriTemplate })),
    },
  };
  const tasks = { requests: { tools: { call: {} } } };
  const capabilities = { tools: {}, prompts: {}, resources: { subscribe: true }, completions: {}, tasks };
  let channel: EventChannel | undefined;
  const upstream = stack.use(
    await fakeUpstream({
      sessions: false,
      onGet() {
        channel = eventChannel();
        return channel.response;
      },
      async onPost({ id, method, params }) {
        await opened;
        if (id === undefined) return undefined;
        const { protocolVersion } = params ?? {};
        const serverInfo = { name: 'up', version: '1' };
        if (method === 'initialize') return rpcResult(id, { protocolVersion, capabilities, serverInfo });
        if (params?.task) return rpcResult(id, { task: { taskId: 'own', status: 'working' } });
        return rpcResult(id, lists[method ?? ''] ?? {});
      },
    }),
  );
  const deny = { deny: ['secret*'] };
  const resources = { deny: ['secret*', '*/secret'] };
  const up = { name: 'up', url: upstream.url, tools: deny, prompts: deny, resources };
  const gateway = stack.use(await startGateway({ servers: [up] }));
  if (!opened) {
    await gateway.connected();
    await waitUntil('the stream', () => upstream.received.some(({ httpMethod }) => httpMethod === 'GET'));
  }
  const received = () =>
    upstream.received.map(({ message }) => message.method ?? '').filter((method) => !isOwn(method));
  const last = (method: string) => upstream.messages(method).at(-1)?.params;
  const updated = (uri: string) =>
    channel?.send({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri, extra: 1 } });
  return { gateway, received, last, updated, up, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Whether the gateway sends it of its own accord. */
function isOwn(method: string): boolean {
  return (
    method === '' || method.endsWith('/list') || /^(initialize|ping|notifications\/initialized)$/.test(method)
  );
}

const argument = { name: 'x', value: '' };
const toPrompt = (name: string) => ({ ref: { type: 'ref/prompt', name }, argument });
const toResource = (uri: string) => ({ ref: { type: 'ref/resource', uri }, argument });

/** Requests for what the filters show, and for what they hide, by bare names. */
const requests: readonly [string, object, object][] = [
  ['tools/call', { name: 'open', arguments: {} }, { name: 'secret', arguments: {} }],
  ['prompts/get', { name: 'plan' }, { name: 'secret_plan' }],
  ['resources/read', { uri: 'a:open' }, { uri: 'secret:1' }],
  ['resources/read', { uri: 'a:other' }, { uri: 'secret:other' }],
  ['resources/subscribe', { uri: 'a:open' }, { uri: 'secret:1' }],
  ['completion/complete', toPrompt('plan'), toPrompt('secret_plan')],
  ['completion/complete', toResource('a:{x}'), toResource('secret:{x}')],
  ['completion/complete', toResource('a:open'), toResource('secret:1')],
  ['skills/get', { uri: 'a:open' }, { uri: 'secret:1' }],
  ['resources/directory/read', { uri: 'a:open' }, { uri: 'secret:' }],
  ['example/inspect', { name: 'open' }, { name: 'secret' }],
  ['example/inspect', { name: 'open', uri: 'a:open' }, { name: 'open', uri: 'secret:1' }],
  ['example/inspect', { name: 'plan' }, { name: 'secret_plan' }],
];

describe.each([
  ['the whole gateway', '', 'up__'],
  ['a server', '/up', ''],
])('in the view of %s', (_view, path, prefix) => {
  const named = (params: object) => {
    const text = JSON.stringify(params);
    return JSON.parse(text.replace(/"name":"(open|plan|secret|secret_plan)"/, `"name":"${prefix}$1"`));
  };

  test.each(requests)('%s reaches the server for %j, and not for %j', async (method, shown, hidden) => {
    await using world = await startHalfHidden();
    const { gateway, received } = world;
    const url = gateway.url + path;
    await using session = await RawSession.open(url);
    expect((await session.request(method, named(shown))).answer.error).toBeUndefined();
    if (method !== 'resources/subscribe')
      expect((await askModern(url, method, { params: named(shown) })).answer.error).toBeUndefined();
    const before = received();
    expect(before).toContain(method);
    // A server does not know its items by the names that the gateway gives them.
    const forms = 'name' in hidden && method === 'example/inspect' ? [hidden] : [hidden, named(hidden)];
    for (const params of forms) {
      expect((await session.request(method, params)).answer.error?.code).toBeLessThan(0);
      expect((await askModern(url, method, { params })).answer.error?.code).toBeLessThan(0);
    }
    expect(received()).toEqual(before);
  });

  test('a request waits for a server that starts, whose items are not known before', async () => {
    const opened = Promise.withResolvers<void>();
    await using world = await startHalfHidden(opened.promise);
    await using session = await RawSession.open(world.gateway.url + path);
    const answers = Promise.all(
      ['secret', `${prefix}open`].map((name) => session.request('example/inspect', { name })),
    );
    await settle();
    opened.resolve();
    const [hidden, shown] = await answers;
    expect(hidden?.answer.error).toMatchObject({ code: -32601 });
    expect(shown?.answer.result).toEqual({});
    expect(world.received().filter((method) => method === 'example/inspect')).toHaveLength(1);
    expect(world.last('example/inspect')).toEqual({ name: 'open' });
  });

  test('a request that names a task reaches the server unless it names what is hidden, too', async () => {
    await using world = await startHalfHidden();
    const { gateway, received } = world;
    await using session = await RawSession.open(gateway.url + path);
    const made = await session.request('tools/call', { name: `${prefix}open`, arguments: {}, task: {} });
    const { taskId } = made.answer.result.task;
    const ask = async (params: object) =>
      (await session.request('example/inspect', { ...params, taskId })).answer;
    for (const params of [{ uri: 'secret:1' }, { name: 'secret' }, { name: 'open', uri: 'secret:1' }])
      expect((await ask(params)).error).toMatchObject({ code: -32601 });
    expect(received()).toEqual(['tools/call']);
    expect((await ask({ name: `${prefix}open`, uri: 'a:open' })).result).toEqual({});
    expect(world.last('example/inspect')).toEqual({ name: 'open', uri: 'a:open', taskId: 'own' });
  });

  test('a notification reaches the server unless it names what is hidden', async () => {
    await using world = await startHalfHidden();
    await using session = await RawSession.open(world.gateway.url + path);
    const notify = (params: object) =>
      session.post({ jsonrpc: '2.0', method: 'notifications/example', params });
    for (const params of [{ uri: 'secret:1' }, { name: 'secret' }]) await notify(params);
    await notify({ uri: 'a:open' });
    await waitUntil('the notification', () => world.received().length > 0);
    expect(world.received()).toEqual(['notifications/example']);
  });

  test('a stream of notifications acknowledges what is shown only', async () => {
    await using world = await startHalfHidden();
    const abort = new AbortController();
    const params = { notifications: { resourceSubscriptions: ['a:open', 'secret:1', 'secret:other'] } };
    const { signal } = abort;
    const url = world.gateway.url + path;
    const messages = messagesOf(await postModern(url, 'subscriptions/listen', { params, signal }));
    const { value } = await messages.next();
    expect(value?.params.notifications).toEqual({ resourceSubscriptions: ['a:open'] });
    abort.abort();
    expect(world.received()).toEqual(['resources/subscribe']);
  });
});

describe.each(['', '/up'])('on the path "%s", of a subscribed resource', (path) => {
  const update = (params: object) => ({ method: 'notifications/resources/updated', params });

  test.each(['legacy', 'modern'])(
    'a %s client hears that a hidden part has changed the whole',
    async (era) => {
      await using world = await startHalfHidden();
      const url = world.gateway.url + path;
      await using session = await RawSession.open(url);
      let messages: AsyncGenerator<RpcMessage>;
      if (era === 'legacy') {
        messages = await session.listen();
        await session.request('resources/subscribe', { uri: 'a:open' });
      } else {
        const params = { notifications: { resourceSubscriptions: ['a:open'] } };
        messages = messagesOf(await postModern(url, 'subscriptions/listen', { params }));
        await messages.next();
      }
      for (const part of ['/secret', '/shown', '']) world.updated(`a:open${part}`);
      const heard = [await messages.next(), await messages.next(), await messages.next()];
      expect(heard.map(({ value }) => value)).toMatchObject([
        update({ uri: 'a:open' }),
        update({ uri: 'a:open/shown', extra: 1 }),
        update({ uri: 'a:open', extra: 1 }),
      ]);
      expect(JSON.stringify(heard)).not.toContain('secret');
      await messages.return(undefined);
    },
  );
});

test('a reload applies filters, names and profiles at once, without a new connection', async () => {
  await using server = await startItemServer('up', { tools: ['get', 'put'], prompts: ['plan'] });
  const up = { name: 'up', url: server.url };
  await using gateway = await startGateway({ servers: [up] });
  await gateway.connected();
  await using client = await connectLegacy(gateway.url);
  expect(await client.toolNames()).toEqual(['up__get', 'up__put']);

  const summary = await gateway.reload({
    servers: [{ ...up, tools: { prefix: false, deny: ['put'], rename: { get: 'fetch' } } }],
    profiles: [{ name: 'none', servers: ['up'], tools: { allow: [] } }],
  });
  expect(summary).toMatchObject({ updated: 1, restarted: 0, ignored: [] });
  expect(await client.toolNames()).toEqual(['fetch']);
  expect(await client.promptNames()).toEqual(['plan']);
  expect(await client.call('fetch')).toBe('up ran get');
  await expect(client.call('up__get')).rejects.toThrow('Unknown tool');
  await waitUntil('a notice', () => client.changes.includes('tools') && client.changes.includes('prompts'));
  await using profile = await connectLegacy(`${gateway.url}/none`);
  expect(await profile.toolNames()).toEqual([]);

  await gateway.reload({ servers: [up] });
  expect(await client.toolNames()).toEqual(['up__get', 'up__put']);
});

test('of two servers with the same bare names, the first in the file is served, and the log says so', async () => {
  await using a = await startItemServer('a', { tools: ['get', 'put'], resources: ['x:1'] });
  await using b = await startItemServer('b', { tools: ['get', 'list'], resources: ['x:1', 'x:2'] });
  await using gateway = await startGateway({
    servers: [
      { name: 'a', url: a.url, tools: { prefix: false } },
      { name: 'b', url: b.url, tools: { prefix: false } },
    ],
  });
  await gateway.connected();
  await using client = await connectLegacy(gateway.url);
  expect(await client.toolNames()).toEqual(['get', 'put', 'list']);
  expect(await client.call('get')).toBe('a ran get');
  expect(await client.read('x:1')).toBe('a read x:1');
  expect(await client.read('x:2')).toBe('b read x:2');
  await using own = await connectLegacy(`${gateway.url}/b`);
  expect(await own.call('get')).toBe('b ran get');
  expect(await own.read('x:1')).toBe('b read x:1');
  await waitUntil('the log', () => gateway.logs.filter((line) => line.includes('are left out')).length === 2);
  const warnings = gateway.logs
    .filter((line) => line.includes('are left out'))
    .map((line) => JSON.parse(line));
  expect(warnings).toMatchObject([
    { server: 'b', others: 'a', tools: 1, example: 'get' },
    { server: 'b', others: 'a', resources: 1, example: 'x:1' },
  ]);
});

test('the user interface of a tool is read from its server, though no list has it', async () => {
  await using a = await startItemServer('a', {
    tools: ['nested', 'flat'],
    meta: {
      nested: { ui: { resourceUri: 'ui://a/nested' } },
      flat: { [RESOURCE_URI_META_KEY]: 'ui://a/flat' },
    },
  });
  await using b = await startItemServer('b', {
    tools: ['shown', 'hidden'],
    meta: { shown: { ui: { resourceUri: 'ui://b' } }, hidden: { ui: { resourceUri: 'ui://secret' } } },
  });
  await using gateway = await startGateway({
    servers: [
      { name: 'a', url: a.url },
      { name: 'b', url: b.url, tools: { deny: ['hidden'] } },
    ],
  });
  await gateway.connected();
  await using client = await connectLegacy(gateway.url);
  expect(await client.resourceUris()).toEqual([]);
  expect(await client.read('ui://a/nested')).toBe('a read ui://a/nested');
  expect(await client.read('ui://a/flat')).toBe('a read ui://a/flat');
  expect(await client.read('ui://b')).toBe('b read ui://b');
  for (const uri of ['ui://secret', 'ui://a', 'ui://a/nested/x'])
    await expect(client.read(uri), uri).rejects.toThrow('Resource not found');
});
