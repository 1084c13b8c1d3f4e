import { describe, expect, test } from 'bun:test';
import { cutAfter, hangUp, never, rpcResult } from '../support/answers.ts';
import { type EventChannel, eventChannel } from '../support/event-channel.ts';
import { echoTool, type FakeAnswer, fakeUpstream } from '../support/fake-upstream.ts';
import { promptReconnect, startGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { tcpProxy } from '../support/tcp.ts';
import { waitUntil } from '../support/wait.ts';

failOnStrayErrors();

const reconnect = promptReconnect;
const disconnected = { code: -32000, data: { server: 'up', reason: 'upstream_disconnected' } };

const tools = [
  { ...echoTool, name: 'plain' },
  { ...echoTool, name: 'destructive', annotations: { readOnlyHint: false, idempotentHint: false } },
  { ...echoTool, name: 'read_only', annotations: { readOnlyHint: true } },
  { ...echoTool, name: 'idempotent', annotations: { idempotentHint: true, destructiveHint: true } },
];

const call = (session: RawSession, tool: string) =>
  session.request('tools/call', { name: `up__${tool}`, arguments: { a: 1 } });

/** Ways to end a connection after the call was executed. */
const breaks: Record<string, () => FakeAnswer> = {
  'closes the connection without a byte': () => hangUp,
  'breaks off in the middle of a JSON answer': () => cutAfter('{"jsonrpc":"2.0",', 'application/json'),
  'breaks off in the middle of a stream': () => cutAfter(': working\n\n', 'text/event-stream'),
  'is cut off by a proxy with HTTP 502': () => new Response('Bad Gateway', { status: 502 }),
  'is cut off by a proxy with HTTP 504': () => new Response('Gateway Timeout', { status: 504 }),
};

describe.each(Object.entries(breaks))('when the upstream has executed a call and %s', (_name, broken) => {
  test.each(['plain', 'destructive'])('a %s tool is not called again', async (tool) => {
    await using upstream = await fakeUpstream({
      tools,
      onPost: ({ method }) => (method === 'tools/call' ? broken() : undefined),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    expect((await call(session, tool)).answer.error).toMatchObject(disconnected);
    expect(upstream.executions(tool)).toBe(1);
  });

  test.each(['read_only', 'idempotent'])('a %s tool is called once more', async (tool) => {
    await using upstream = await fakeUpstream({
      tools,
      onPost: ({ method }) =>
        method === 'tools/call' && upstream.executions(tool) === 1 ? broken() : undefined,
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    expect(await session.callText(`up__${tool}`, { a: 1 })).toBe('{"a":1}');
    expect(upstream.executions(tool)).toBe(2);
  });

  test('a read-only tool is called once more, and not a third time', async () => {
    await using upstream = await fakeUpstream({
      tools,
      onPost: ({ method }) => (method === 'tools/call' ? broken() : undefined),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    expect((await call(session, 'read_only')).answer.error).toMatchObject(disconnected);
    expect(upstream.executions('read_only')).toBe(2);
  });
});

test('a broken call does not disturb its session or concurrent calls', async () => {
  const release = Promise.withResolvers<void>();
  await using upstream = await fakeUpstream({
    tools,
    async onPost({ id, method, params }) {
      if (method !== 'tools/call') return undefined;
      if (params.name === 'destructive') return hangUp;
      await release.promise;
      return rpcResult(id, { content: [{ type: 'text', text: 'well' }] });
    },
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const beside = session.callText('up__plain');
  await waitUntil('the call', () => upstream.executions('plain') === 1);
  await call(session, 'destructive');
  release.resolve();
  expect(await beside).toBe('well');
  // Once for the tools, and once to check the session.
  expect(upstream.messages('tools/list')).toHaveLength(2);
  expect(upstream.messages('initialize')).toHaveLength(1);
});

test('a call that the client cancelled is not sent again, even if its tool is read-only', async () => {
  await using upstream = await fakeUpstream({
    tools,
    onPost: ({ method }) => (method === 'tools/call' ? never() : undefined),
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const waiting = session.request('tools/call', { name: 'up__read_only' }, 'mine');
  await waitUntil('the call', () => upstream.executions('read_only') === 1);
  await session.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'mine' } });
  expect((await waiting).answer.error.data).toEqual({ server: 'up', reason: 'cancelled' });
  const cancelled = await waitUntil(
    'the word to the upstream',
    () => upstream.messages('notifications/cancelled')[0],
  );
  expect(cancelled?.params.requestId).toBe(upstream.messages('tools/call')[0]?.id);
  expect(upstream.executions('read_only')).toBe(1);
});

test('a keep-alive connection that was closed while idle fails no call', async () => {
  await using upstream = await fakeUpstream({ tools });
  using proxy = tcpProxy(upstream.port);
  await using gateway = await startGateway({
    servers: [{ name: 'up', url: `http://127.0.0.1:${proxy.port}/mcp`, reconnect }],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  for (let round = 1; round <= 5; round++) {
    proxy.cut();
    await waitUntil('the end of all connections', () => upstream.openPorts().length === 0);
    // The gateway notices the end a turn later.
    await Bun.sleep(5);
    expect(await session.callText('up__plain', { a: 1 })).toBe('{"a":1}');
    expect(upstream.executions('plain')).toBe(round);
  }
});

test('while nothing listens, calls fail at once, are never executed late, and go through when it is back', async () => {
  await using upstream = await fakeUpstream({ tools });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  await upstream.stop();
  const answers = await Promise.all(tools.map(({ name }) => call(session, name)));
  for (const { answer } of answers) expect(answer.error).toMatchObject(disconnected);
  await upstream.start();
  await gateway.connected();
  expect(tools.map(({ name }) => upstream.executions(name))).toEqual([0, 0, 0, 0]);
  expect(await session.callText('up__plain', { a: 1 })).toBe('{"a":1}');
});

test('a connection that breaks after the answer costs nothing', async () => {
  const channels: EventChannel[] = [];
  await using upstream = await fakeUpstream({
    tools,
    onPost: ({ id, method }) => {
      if (method !== 'tools/call') return undefined;
      const channel = eventChannel();
      channels.push(channel);
      channel.send({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'well' }] } });
      return channel.response;
    },
  });
  using proxy = tcpProxy(upstream.port);
  await using gateway = await startGateway({
    servers: [{ name: 'up', url: `http://127.0.0.1:${proxy.port}/mcp`, reconnect }],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  // The stream of the first answer is still open when its connection is cut.
  expect(await session.callText('up__read_only')).toBe('well');
  proxy.cut();
  await waitUntil('the cut', () => channels[0]?.closed);
  expect(await session.callText('up__read_only')).toBe('well');
  expect(upstream.executions('read_only')).toBe(2);
});
