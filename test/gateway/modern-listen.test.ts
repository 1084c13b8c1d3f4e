import { describe, expect, test } from 'bun:test';
import { rpcError, rpcResult } from '../support/answers.ts';
import { type EventChannel, eventChannel } from '../support/event-channel.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { askModern, postModern } from '../support/modern-rpc.ts';
import { messagesOf, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { settle, waitUntil, within } from '../support/wait.ts';

failOnStrayErrors();

const subscriptionId = 'io.modelcontextprotocol/subscriptionId';
const watched = 'test://watched';

/** A gateway before a legacy server with resources, of which it refuses to let `test://refused` be watched. */
async function watching() {
  const stack = new AsyncDisposableStack();
  let channel: EventChannel | null = null;
  const upstream = stack.use(
    await fakeUpstream({
      onPost({ method, id, params }) {
        switch (method) {
          case 'initialize':
            return rpcResult(
              id,
              {
                protocolVersion: '2025-11-25',
                serverInfo: { name: 'fake', version: '1' },
                capabilities: { tools: {}, resources: { subscribe: true, listChanged: true } },
              },
              { headers: { 'mcp-session-id': 's' } },
            );
          case 'resources/list':
            return rpcResult(id, {
              resources: [watched, 'test://refused'].map((uri) => ({ uri, name: uri })),
            });
          case 'resources/subscribe':
            if (params.uri === 'test://refused') return rpcError(id, -32603, 'not this one');
            return rpcResult(id, {});
          case 'resources/unsubscribe':
            return rpcResult(id, {});
          default:
            return undefined;
        }
      },
      onGet() {
        channel = eventChannel();
        return channel.response;
      },
      sessions: false,
    }),
  );
  const server = (name: string) => ({ name, url: upstream.url });
  const gateway = stack.use(await startGateway({ servers: [server('a')] }));
  await gateway.connected();
  await waitUntil('the stream of the upstream', () => channel);
  return {
    gateway,
    upstream,
    updated(uri: string) {
      channel?.send({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri, extra: 1 } });
    },
    async add(name: string) {
      await gateway.reload({ servers: [server('a'), server(name)] });
      await gateway.connected('a', name);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

type Watching = Awaited<ReturnType<typeof watching>>;

/** Opens a stream; its messages. */
async function listen({ gateway }: Watching, notifications: unknown, id: string | number = 1) {
  const response = await postModern(gateway.url, 'subscriptions/listen', { params: { notifications }, id });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  expect(response.headers.get('x-accel-buffering')).toBe('no');
  return messagesOf(response);
}

const next = async (stream: AsyncGenerator<RpcMessage>) => (await within('a message', stream.next())).value;

const ack = (id: unknown, notifications: object) => ({
  jsonrpc: '2.0',
  method: 'notifications/subscriptions/acknowledged',
  params: { _meta: { [subscriptionId]: id }, notifications },
});

describe('a stream of subscriptions', () => {
  test('begins with what the gateway agrees to, under the id of its request', async () => {
    await using to = await watching();
    const asked = {
      toolsListChanged: true,
      promptsListChanged: false,
      other: true,
      resourceSubscriptions: [watched],
    };
    for (const id of [7, 'seven']) {
      const stream = await listen(to, asked, id);
      expect(await next(stream)).toEqual(
        ack(id, { toolsListChanged: true, resourceSubscriptions: [watched] }),
      );
      await stream.return(undefined);
    }
  });

  test('tells of the changes that were asked for, and of no others', async () => {
    await using to = await watching();
    const tools = await listen(to, { toolsListChanged: true }, 'tools');
    const prompts = await listen(to, { promptsListChanged: true }, 'prompts');
    await next(tools);
    await next(prompts);
    await to.add('b');
    expect(await next(tools)).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/tools/list_changed',
      params: { _meta: { [subscriptionId]: 'tools' } },
    });
    const silent = await Promise.race([prompts.next(), settle()]);
    expect(silent).toBeUndefined();
  });

  test('tells of updates of the resources that it names', async () => {
    await using to = await watching();
    const first = await listen(to, { resourceSubscriptions: [watched] }, 1);
    const second = await listen(to, { resourceSubscriptions: [watched] }, 2);
    await next(first);
    await next(second);
    expect(to.upstream.messages('resources/subscribe')).toHaveLength(1);
    to.updated('test://other');
    to.updated(watched);
    for (const [stream, id] of [
      [first, 1],
      [second, 2],
    ] as const) {
      expect(await next(stream)).toEqual({
        jsonrpc: '2.0',
        method: 'notifications/resources/updated',
        params: { uri: watched, extra: 1, _meta: { [subscriptionId]: id } },
      });
    }
  });

  test('leaves out the resources that are unknown, or that their server refuses', async () => {
    await using to = await watching();
    const uris = [watched, 'test://refused', 'test://unknown', watched];
    const stream = await listen(to, { resourceSubscriptions: uris });
    expect(await next(stream)).toEqual(ack(1, { resourceSubscriptions: [watched] }));
  });

  test('leaves out the resources of a server that accepts a subscription, but has no stream to report on', async () => {
    await using upstream = await fakeUpstream({
      sessions: false,
      onPost({ method, id }) {
        const capabilities = { tools: {}, resources: { subscribe: true } };
        const serverInfo = { name: 'deaf', version: '1' };
        if (method === 'initialize')
          return rpcResult(id, { protocolVersion: '2025-11-25', serverInfo, capabilities });
        if (method === 'resources/list')
          return rpcResult(id, { resources: [{ uri: watched, name: 'watched' }] });
        return method?.startsWith('resources/') ? rpcResult(id, {}) : undefined;
      },
    });
    await using gateway = await startGateway({ servers: [{ name: 'a', url: upstream.url }] });
    await gateway.connected();
    await waitUntil('the refused stream', () =>
      upstream.received.some(({ httpMethod }) => httpMethod === 'GET'),
    );
    await settle();
    const params = { notifications: { toolsListChanged: true, resourceSubscriptions: [watched] } };
    const stream = messagesOf(await postModern(gateway.url, 'subscriptions/listen', { params }));
    // Changes of lists are noticed, because lists are fetched again after their time.
    expect(await next(stream)).toEqual(ack(1, { toolsListChanged: true }));
    await waitUntil('the end', () => upstream.messages('resources/unsubscribe').length === 1);
    await stream.return(undefined);
  });

  test('ends at once if there is nothing to tell', async () => {
    await using to = await watching();
    for (const asked of [{}, { toolsListChanged: false }, { resourceSubscriptions: ['test://unknown'] }]) {
      const stream = await listen(to, asked, 'x');
      expect(await next(stream)).toEqual(ack('x', {}));
      expect(await next(stream)).toMatchObject({
        id: 'x',
        result: { resultType: 'complete', _meta: { [subscriptionId]: 'x' } },
      });
      expect(await within('the end', stream.next())).toMatchObject({ done: true });
    }
  });

  test('ends with the result of its request when the gateway stops', async () => {
    await using to = await watching();
    const stream = await listen(to, { toolsListChanged: true }, 3);
    await next(stream);
    const stopped = to.gateway.gateway.stop();
    expect(await next(stream)).toEqual({
      jsonrpc: '2.0',
      id: 3,
      result: {
        resultType: 'complete',
        _meta: {
          [subscriptionId]: 3,
          'io.modelcontextprotocol/serverInfo': { name: 'mcpstead', version: expect.any(String) },
        },
      },
    });
    expect(await within('the end', stream.next())).toMatchObject({ done: true });
    await within('the stop', stopped, 3_000);
  });

  test('of one server alone ends when that server is removed', async () => {
    await using to = await watching();
    await to.add('b');
    const listenAt = async (view: string) => {
      const params = { notifications: { toolsListChanged: true } };
      return messagesOf(await postModern(`${to.gateway.url}/${view}`, 'subscriptions/listen', { params }));
    };
    const [removed, kept] = [await listenAt('b'), await listenAt('a')];
    expect([await next(removed), await next(kept)]).toEqual([
      ack(1, { toolsListChanged: true }),
      ack(1, { toolsListChanged: true }),
    ]);
    await to.gateway.reload({ servers: [{ name: 'a', url: to.upstream.url }] });
    expect((await next(removed))?.result?.resultType).toBe('complete');
    expect(await within('the end', removed.next())).toMatchObject({ done: true });
    expect(await Promise.race([kept.next(), settle()])).toBeUndefined();
  });

  test('ends its subscriptions when the client closes it', async () => {
    await using to = await watching();
    const stream = await listen(to, { resourceSubscriptions: [watched] });
    await next(stream);
    await stream.return(undefined);
    await waitUntil('the end', () => to.upstream.messages('resources/unsubscribe').length === 1);
    const again = await listen(to, { resourceSubscriptions: [watched] });
    expect(await next(again)).toEqual(ack(1, { resourceSubscriptions: [watched] }));
    expect(to.upstream.messages('resources/subscribe')).toHaveLength(2);
  });
});

describe('a request for a stream is refused', () => {
  test.each([
    ['without a filter', undefined],
    ['with a filter that is no object', true],
    ['with a filter whose members are of other types', { toolsListChanged: 'yes' }],
    ['with URIs that are no list', { resourceSubscriptions: watched }],
    ['with URIs that are no strings', { resourceSubscriptions: [1] }],
    [
      'with more than 1,000 URIs',
      { resourceSubscriptions: Array.from({ length: 1_001 }, (_, i) => `test://${i}`) },
    ],
  ])('%s', async (_, notifications) => {
    await using to = await watching();
    const params = notifications === undefined ? {} : { notifications };
    const { status, answer } = await askModern(to.gateway.url, 'subscriptions/listen', { params });
    expect([status, answer.error?.code, answer.id]).toEqual([200, -32602, 1]);
  });

  test('of a client that accepts no stream', async () => {
    await using to = await watching();
    const request = {
      params: { notifications: { toolsListChanged: true } },
      headers: { accept: 'application/json' },
    };
    const { status, answer } = await askModern(to.gateway.url, 'subscriptions/listen', request);
    expect([status, answer.error?.code]).toEqual([406, -32603]);
  });
});
