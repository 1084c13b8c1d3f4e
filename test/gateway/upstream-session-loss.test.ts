import { describe, expect, test } from 'bun:test';
import { never, rpcError, rpcResult, staleSessionDialects } from '../support/answers.ts';
import { type FakeSse, fakeSse } from '../support/fake-sse.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { promptReconnect, startGateway, type TestGateway } from '../support/gateway.ts';
import { RawSession, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil } from '../support/wait.ts';

failOnStrayErrors();

const reconnect = promptReconnect;

/** `session_resets_total` of the upstream `up` by reason, without zeros. */
async function resets(gateway: TestGateway): Promise<Record<string, number>> {
  const page = await gateway.metrics();
  const counts = ['unknown_session', 'expired', 'terminated'].map((reason): [string, number] => [
    reason,
    page.value('mcpstead_upstream_session_resets_total', { server: 'up', reason }) ?? 0,
  ]);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

const call = (session: RawSession, args: object = {}) =>
  session.request('tools/call', { name: 'up__echo', arguments: args });

const reasons: Record<string, string> = {
  '403 that names the session': 'expired',
  '410 that names the session': 'terminated',
};

describe('an upstream that forgot our session says so with', () => {
  test.each(Object.entries(staleSessionDialects))(
    '%s: it is initialized again once, and each waiting call is executed once',
    async (name, dialect) => {
      await using upstream = await fakeUpstream({ onUnknownSession: dialect });
      await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
      await gateway.connected();
      await using session = await RawSession.open(gateway.url);
      upstream.forgetSessions();

      const texts = await Promise.all(
        Array.from({ length: 30 }, (_, index) => session.callText('up__echo', { index })),
      );

      expect(texts).toEqual(Array.from({ length: 30 }, (_, index) => `{"index":${index}}`));
      expect(upstream.executions('echo')).toBe(30);
      expect(upstream.messages('initialize')).toHaveLength(2);
      expect(await resets(gateway)).toEqual({ [reasons[name] ?? 'unknown_session']: 1 });
      expect((await gateway.health()).servers[0]).toMatchObject({
        connected: true,
        reconnects: 0,
        last_error: null,
      });
    },
  );

  test('the same to a refresh of the tools, without any call', async () => {
    for (const dialect of Object.values(staleSessionDialects)) {
      await using upstream = await fakeUpstream({ onUnknownSession: dialect });
      await using gateway = await startGateway({
        servers: [{ name: 'up', url: upstream.url, tools: { ttl_seconds: 0.05 } }],
      });
      await gateway.connected();
      upstream.forgetSessions();
      await waitUntil('a new session', () => upstream.messages('initialize').length === 2);
      await gateway.connected();
    }
  });
});

describe('over HTTP+SSE', () => {
  test('a POST that gets 404 renews the session', async () => {
    let known = true;
    await using upstream = await fakeSse({
      onPost: (_message, { url }) =>
        !known && url.searchParams.get('stream') === '0'
          ? new Response('Could not find session', { status: 404 })
          : undefined,
    });
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, protocol: 'sse' }],
    });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    known = false;
    const texts = await Promise.all([1, 2, 3].map((a) => session.callText('up__echo', { a })));
    expect(texts).toEqual(['{"a":1}', '{"a":2}', '{"a":3}']);
    expect(upstream.streams).toHaveLength(2);
    expect(await resets(gateway)).toEqual({ unknown_session: 1 });
    await waitUntil('the end of the old stream', () => upstream.streams[0]?.closed);
  });

  test('a stream that ends is opened again, and the calls that waited on it fail', async () => {
    await using upstream = await fakeSse({
      onRequest: ({ method }) => (method === 'tools/call' ? null : undefined),
    });
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, protocol: 'sse', reconnect }],
    });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const waiting = call(session);
    await waitUntil('the call', () => upstream.messages('tools/call').length === 1);
    upstream.streams[0]?.end();
    expect((await waiting).answer.error.data).toEqual({ server: 'up', reason: 'upstream_disconnected' });
    await waitUntil('a new stream', () => upstream.streams.length === 2);
    await gateway.connected();
    expect((await gateway.health()).servers[0]?.reconnects).toBe(1);
    expect(upstream.messages('tools/call')).toHaveLength(1);
  });
});

describe('a stream of HTTP+SSE that ends as soon as the tools are listed', () => {
  test('does not count as a connection: the next attempt makes one', async () => {
    await using upstream: FakeSse = await fakeSse({
      onRequest({ id, method }) {
        if (method !== 'tools/list' || upstream.streams.length > 1) return undefined;
        upstream.streams[0]?.send({ jsonrpc: '2.0', id, result: { tools: [] } });
        upstream.streams[0]?.end();
        return null;
      },
    });
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, protocol: 'sse', reconnect }],
    });
    await waitUntil('the second stream', () => upstream.streams.length === 2);
    await gateway.connected();
  });
});

describe('a similar error does not mean a lost session:', () => {
  test.each([
    ['a time-out of the upstream, which has the same code', { code: -32001, message: 'Request timed out' }],
    ['an error with another code', { code: -32000, message: 'Session not found' }],
  ])('%s', async (_name, error) => {
    await using upstream = await fakeUpstream({
      onPost: ({ id, method }) =>
        method === 'tools/call' ? rpcError(id, error.code, error.message) : undefined,
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    expect((await call(session)).answer.error).toEqual(error);
    expect(upstream.executions('echo')).toBe(1);
    expect(upstream.messages('initialize')).toHaveLength(1);
    expect(await resets(gateway)).toEqual({});
  });

  test.each([
    [400, 'Bad Request: the argument "x" is missing'],
    [401, 'token expired'],
    [403, 'you may not do this in this session'],
    [410, 'this tool has been retired'],
  ])('HTTP %d that says "%s"', async (status, body) => {
    await using upstream = await fakeUpstream({
      onPost: ({ method }) => (method === 'tools/call' ? new Response(body, { status }) : undefined),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    expect((await call(session)).answer.error.code).toBe(-32000);
    expect(upstream.executions('echo')).toBe(1);
    expect(await resets(gateway)).toEqual({});
  });

  test('HTTP 404 of a server without sessions', async () => {
    await using upstream = await fakeUpstream({
      sessions: false,
      onPost: ({ method }) => (method === 'tools/call' ? new Response('no', { status: 404 }) : undefined),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    expect((await call(session)).answer.error.data).toEqual({
      server: 'up',
      reason: 'upstream_protocol_error',
    });
    expect(upstream.executions('echo')).toBe(1);
    expect(await resets(gateway)).toEqual({});
  });
});

describe('an upstream that never recognizes its session', () => {
  test('is not initialized in a loop, and a call to it fails', async () => {
    let forgetful = false;
    await using upstream = await fakeUpstream({
      onPost: ({ method }) =>
        forgetful && method !== 'initialize' && method !== 'notifications/initialized'
          ? new Response('Session not found', { status: 404 })
          : undefined,
    });
    await using gateway = await startGateway({
      servers: [
        { name: 'up', url: upstream.url, reconnect: { backoff_base_ms: 60_000, backoff_max_ms: 60_000 } },
      ],
    });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    forgetful = true;
    const failures = await Promise.all(Array.from({ length: 10 }, () => call(session)));
    for (const { answer } of failures) {
      expect(answer.error.data).toEqual({ server: 'up', reason: 'upstream_disconnected' });
    }
    await gateway.waitFor('the wait', ({ servers }) => servers[0]?.state === 'backoff');
    // The first session, and one more.
    expect(upstream.messages('initialize')).toHaveLength(2);
    expect(await resets(gateway)).toEqual({ unknown_session: 2 });
    expect((await gateway.health()).servers[0]).toMatchObject({
      tools_count: 1,
      last_error: 'answered HTTP 404: "Session not found"',
    });
  });

  test('is tried again at the pace of the backoff, and heals', async () => {
    let forgetful = false;
    await using upstream = await fakeUpstream({
      onPost: ({ method, id }) =>
        forgetful && method === 'tools/list' ? rpcError(id, -32001, 'Session not found') : undefined,
    });
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, tools: { ttl_seconds: 0.02 }, reconnect }],
    });
    await gateway.connected();
    forgetful = true;
    await gateway.waitFor('trouble', ({ servers }) => servers[0]?.state === 'backoff');
    const before = upstream.messages('initialize').length;
    await gateway.waitFor('another attempt', () => upstream.messages('initialize').length > before);
    forgetful = false;
    await gateway.connected();
  });
});

test('while the session is renewed, new calls wait for it, and a call cancelled meanwhile is not sent', async () => {
  const renewed = Promise.withResolvers<void>();
  let initializes = 0;
  await using upstream = await fakeUpstream({
    async onPost({ method }) {
      if (method === 'initialize' && ++initializes === 2) await renewed.promise;
      return undefined;
    },
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  upstream.forgetSessions();
  const first = session.callText('up__echo', { first: true });
  await waitUntil('the renewal', () => initializes === 2);
  const second = session.callText('up__echo', { second: true });
  const cancelled = session.request('tools/call', { name: 'up__echo', arguments: { third: true } }, 'third');
  // The cancellation may overtake the call, which cannot be observed while it waits, so it is sent several times.
  for (let times = 0; times < 20; times++) {
    await session.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'third' } });
  }
  renewed.resolve();
  expect(await first).toBe('{"first":true}');
  expect(await second).toBe('{"second":true}');
  expect((await cancelled).answer.error.data).toEqual({ server: 'up', reason: 'cancelled' });
  expect(upstream.executions('echo')).toBe(2);
  expect(upstream.messages('initialize')).toHaveLength(2);
});

test('a renewal that fails ends the wait of all calls, and the upstream heals later', async () => {
  let broken = false;
  await using upstream = await fakeUpstream({
    onPost: ({ method }) =>
      broken && method === 'initialize' ? new Response('out of order', { status: 500 }) : undefined,
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  broken = true;
  upstream.forgetSessions();
  const answers = await Promise.all(Array.from({ length: 5 }, () => call(session)));
  for (const { answer } of answers) {
    expect(answer.error).toMatchObject({
      code: -32000,
      data: { server: 'up', reason: 'upstream_disconnected' },
    });
  }
  expect(upstream.executions('echo')).toBe(0);
  broken = false;
  await gateway.connected();
  expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
});

test('running calls in the old session are not disturbed by its renewal', async () => {
  const release = Promise.withResolvers<void>();
  await using upstream = await fakeUpstream({
    async onPost({ id, method, params }) {
      if (method !== 'tools/call' || !params.arguments.hold) return undefined;
      await release.promise;
      return rpcResult(id, { content: [{ type: 'text', text: 'held' }] });
    },
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const held = session.callText('up__echo', { hold: true });
  await waitUntil('the call', () => upstream.executions('echo') === 1);
  upstream.forgetSessions();
  expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
  release.resolve();
  expect(await held).toBe('held');
});

test('calls fail after the connect timeout if the upstream hangs while the session is renewed', async () => {
  let hangs = false;
  await using upstream = await fakeUpstream({
    onPost: ({ method }) => (hangs && method === 'initialize' ? never() : undefined),
  });
  await using gateway = await startGateway({
    servers: [{ name: 'up', url: upstream.url, timeouts: { connect_seconds: 0.1 }, reconnect }],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  hangs = true;
  upstream.forgetSessions();
  expect((await call(session)).answer.error.message).toBe(
    'upstream "up": not connected: did not initialize within 0.1 s; next attempt in 1 s',
  );
});

describe('an error that looks like a lost session, while the session passes its check, is the answer:', () => {
  const answers: Record<string, (id: RpcMessage['id']) => Response> = {
    'HTTP 200 with -32001': (id) => rpcError(id, -32001, 'Resource not found', { status: 200 }),
    'HTTP 404 with an error of its own': (id) => rpcError(id, -32602, 'item not found', { status: 404 }),
    'HTTP 400 that speaks of a chat session': (id) =>
      rpcError(id, -32602, 'chat session not found', { status: 400 }),
  };
  test.each(Object.entries(answers))('%s', async (_name, answerTo) => {
    await using upstream = await fakeUpstream({
      onPost: ({ id, method }) => (method === 'tools/call' ? answerTo(id) : undefined),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const { answer } = await session.request('tools/call', { name: 'up__echo' });
    const { error } = (await answerTo(1).json()) as { error: object };
    expect(answer.error).toEqual(error);
    expect(upstream.messages('initialize')).toHaveLength(1);
    expect(upstream.messages('tools/call')).toHaveLength(1);
    expect((await gateway.health()).servers[0]?.connected).toBe(true);
  });
});
