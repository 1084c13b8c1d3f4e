import { describe, expect, test } from 'bun:test';
import { endless, never, sse } from '../support/answers.ts';
import { type EventChannel, eventChannel } from '../support/event-channel.ts';
import { fakeSse } from '../support/fake-sse.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { RawSession, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { settle, waitUntil } from '../support/wait.ts';

failOnStrayErrors();

test('consecutive calls share one connection', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  for (let index = 0; index < 50; index++) await session.callText('up__echo', { index });
  const calls = upstream.received.filter(({ message }) => message.method === 'tools/call');
  expect(new Set(calls.map(({ clientPort }) => clientPort)).size).toBe(1);
});

test('consecutive calls over HTTP+SSE share one connection, too', async () => {
  await using upstream = await fakeSse();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, protocol: 'sse' }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  for (let index = 0; index < 50; index++) await session.callText('up__echo', { index });
  const posts = upstream.received.filter(({ httpMethod }) => httpMethod === 'POST');
  expect(new Set(posts.map(({ clientPort }) => clientPort)).size).toBe(1);
});

describe('an aborted call frees its connection:', () => {
  test.each([
    ['before the answer', () => never()],
    ['in the middle of a stream', () => eventChannel().response],
    ['in the middle of JSON', () => eventChannel('{"jsonrpc":', 'application/json').response],
  ])('%s', async (_name, answer) => {
    await using upstream = await fakeUpstream({
      onPost: ({ method }) => (method === 'tools/call' ? answer() : undefined),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    const session = await RawSession.open(gateway.url);
    const calls = Array.from({ length: 20 }, () => session.request('tools/call', { name: 'up__echo' }));
    await waitUntil('the calls', () => upstream.executions('echo') === 20);
    expect(upstream.openPorts().length).toBeGreaterThanOrEqual(20);
    // The end of a session cancels its calls.
    await session[Symbol.asyncDispose]();
    const answers = await Promise.all(calls);
    for (const { answer: given } of answers) expect(given.error.data.reason).toBe('cancelled');
    await waitUntil(
      'the word to the upstream',
      () => upstream.messages('notifications/cancelled').length === 20,
    );
    // The connections left are idle: they carried the cancellations.
    const carriers = new Set(
      upstream.received
        .filter(({ message }) => message.method !== 'tools/call')
        .map(({ clientPort }) => clientPort),
    );
    await waitUntil('the freed connections', () => upstream.openPorts().length <= carriers.size);
  });
});

describe('an answer that is refused frees its connection:', () => {
  const blanks = ' \n'.repeat(32_768);
  test.concurrent.each([
    ['blanks without an end', () => endless(blanks, 'application/json')],
    ['a body without an end', () => endless(`{${blanks}`, 'application/json')],
    [
      'a stream that continues after an invalid answer',
      (id: RpcMessage['id']) => eventChannel(`data: {"jsonrpc":"2.0","id":${id},"result":5}\n\n`).response,
    ],
    ['an error page that goes on', () => endless(blanks, 'text/html', 256 * 1024 * 1024, 500)],
  ])('%s', async (_name, answer) => {
    await using upstream = await fakeUpstream({
      onPost: ({ id, method }) => (method === 'tools/call' ? answer(id) : undefined),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const { answer: given } = await session.request('tools/call', { name: 'up__echo' });
    expect(given.error.data.reason).toBe('upstream_protocol_error');
    const port = upstream.received.find(({ message }) => message.method === 'tools/call')?.clientPort;
    await waitUntil('the end of the connection', () => !upstream.openPorts().includes(port ?? 0));
  });
});

describe('a stream of server messages', () => {
  test('with another content type, which never ends, is closed', async () => {
    await using upstream = await fakeUpstream({ onGet: () => endless('<p>'.repeat(32_768), 'text/html') });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    const get = await waitUntil('the GET', () =>
      upstream.received.find(({ httpMethod }) => httpMethod === 'GET'),
    );
    await waitUntil('the end of the connection', () => !upstream.openPorts().includes(get?.clientPort ?? 0));
  });

  test('that always ends at once is not requested in a tight loop, whatever the server wishes', async () => {
    await using upstream = await fakeUpstream({ onGet: () => sse('retry: 0\n\n') });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await Bun.sleep(400);
    const gets = upstream.received.filter(({ httpMethod }) => httpMethod === 'GET').length;
    expect(gets).toBeWithin(1, 10);
  });
});

describe('an upstream that is removed', () => {
  test('loses its streams, its session, and all busy connections', async () => {
    const streams: EventChannel[] = [];
    const stream = () => {
      const channel = eventChannel();
      streams.push(channel);
      return channel.response;
    };
    await using upstream = await fakeUpstream({ onGet: stream });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await waitUntil('the stream', () => streams.length === 1);
    expect(await gateway.reload({ servers: [] })).toMatchObject({ removed: 1 });
    await waitUntil('the end of the stream', () => streams[0]?.closed);
    await waitUntil('the leave', () => upstream.received.at(-1)?.httpMethod === 'DELETE');
    await waitUntil('the end of all but idle connections', () => upstream.openPorts().length <= 2);
    const requests = upstream.received.length;
    await settle();
    expect(upstream.received).toHaveLength(requests);
    expect(streams).toHaveLength(1);
  });

  test('over HTTP+SSE loses its stream', async () => {
    await using upstream = await fakeSse();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await gateway.reload({ servers: [] });
    await waitUntil('the end of the stream', () => upstream.streams[0]?.closed);
    await settle();
    expect(upstream.streams).toHaveLength(1);
  });

  test('while it connects gets no more requests', async () => {
    await using upstream = await fakeUpstream({ onPost: never });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await waitUntil('the attempt', () => upstream.messages('initialize').length === 1);
    await gateway.reload({ servers: [] });
    await waitUntil('the end of the attempt', () => upstream.openPorts().length === 0);
    await settle();
    expect(upstream.messages('initialize')).toHaveLength(1);
  });

  test('while its tools are listed loses its session at once', async () => {
    await using upstream = await fakeUpstream({
      onPost: ({ method }) => (method === 'tools/list' ? never() : undefined),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await waitUntil('the list', () => upstream.messages('tools/list').length === 1);
    await gateway.reload({ servers: [] });
    await waitUntil('the leave', () => upstream.received.some(({ httpMethod }) => httpMethod === 'DELETE'));
  });

  test('by a reload just before the gateway stops loses its session, too', async () => {
    await using upstream = await fakeUpstream({
      onPost: ({ method }) => (method === 'tools/call' ? never() : undefined),
    });
    const gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    const session = await RawSession.open(gateway.url);
    const held = session.request('tools/call', { name: 'up__echo' });
    await waitUntil('the call', () => upstream.executions('echo') === 1);
    await gateway.reload({ servers: [] });
    expect(upstream.received.map(({ httpMethod }) => httpMethod)).not.toContain('DELETE');
    await gateway.gateway.stop();
    expect(upstream.received.map(({ httpMethod }) => httpMethod)).toContain('DELETE');
    expect((await held).answer.error.data.reason).toBe('cancelled');
  });

  test('while its session is renewed gets no more requests, and waiting calls fail', async () => {
    let initializes = 0;
    await using upstream = await fakeUpstream({
      onPost: ({ method }) => (method === 'initialize' && ++initializes > 1 ? never() : undefined),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    upstream.forgetSessions();
    const waiting = session.request('tools/call', { name: 'up__echo' });
    await waitUntil('the renewal', () => initializes === 2);
    await gateway.reload({ servers: [] });
    const { answer } = await waiting;
    expect(answer.error).toMatchObject({ message: 'upstream "up": was removed', data: { server: 'up' } });
    await settle();
    expect(initializes).toBe(2);
  });
});

test('bytes are counted in both directions', async () => {
  const wanted = 'x'.repeat(1000);
  await using upstream = await fakeUpstream({ sessions: false });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, era: 'legacy' }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const bytes = async (direction: string) =>
    (await gateway.metrics()).value('mcpstead_upstream_bytes_total', { server: 'up', direction }) ?? 0;
  const [sent, received] = [await bytes('sent'), await bytes('received')];
  expect(sent).toBe(upstream.received.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0));
  await session.callText('up__echo', { wanted });
  const call = upstream.received.at(-1);
  expect((await bytes('sent')) - sent).toBe(Buffer.byteLength(call?.body ?? ''));
  expect((await bytes('received')) - received).toBeWithin(1000, 1200);
});

test('a client that does not read does not delay others that share its stream', async () => {
  const held = Promise.withResolvers<void>();
  await using upstream = await fakeSse({
    onRequest: ({ id, method, params }) => {
      if (method !== 'tools/call' || !params._meta?.progressToken) return undefined;
      const { progressToken } = params._meta;
      const message = 'x'.repeat(256 * 1024);
      for (let progress = 1; progress <= 64; progress++) {
        const note = {
          jsonrpc: '2.0',
          method: 'notifications/progress',
          params: { progressToken, progress, message },
        };
        upstream.streams[0]?.send(note);
      }
      held.resolve();
      return { jsonrpc: '2.0', id: id ?? 0, result: { content: [] } };
    },
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, protocol: 'sse' }] });
  await gateway.connected();
  await using lazy = await RawSession.open(gateway.url);
  const unread = await lazy.post({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'up__echo', _meta: { progressToken: 1 } },
  });
  await held.promise;
  await using session = await RawSession.open(gateway.url);
  expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
  await unread.body?.cancel();
});
