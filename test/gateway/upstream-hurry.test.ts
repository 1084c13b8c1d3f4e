import { describe, expect, test } from 'bun:test';
import { hangUp, never } from '../support/answers.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { freePort, waitUntil } from '../support/wait.ts';

failOnStrayErrors();

/** Longer than any test: only a call or a reload causes an earlier attempt. */
const reconnect = { backoff_base_ms: 60_000, backoff_max_ms: 60_000 };

/** Attempts to connect so far. */
async function attempts(gateway: TestGateway): Promise<number> {
  const page = await gateway.metrics();
  const value = (result: string) =>
    page.value('mcpstead_upstream_initialize_total', { server: 'up', result }) ?? 0;
  return value('success') + value('error');
}

const inBackoff = (gateway: TestGateway) =>
  gateway.waitFor('the wait', ({ servers }) => servers[0]?.state === 'backoff');

/** Waits longer than the pause between attempts that calls and reloads cause. */
const aMoment = () => Bun.sleep(1_050);

const call = (session: RawSession, name = 'up__echo') =>
  session.request('tools/call', { name, arguments: { a: 1 } });

describe.concurrent('a call that meets an upstream in backoff', () => {
  test('is answered at once if the upstream is healthy again', async () => {
    await using upstream = await fakeUpstream();
    await upstream.stop();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    await inBackoff(gateway);
    await upstream.start();
    await using session = await RawSession.open(gateway.url);
    await aMoment();
    // Its tools were never listed.
    expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
    expect((await gateway.health()).servers[0]).toMatchObject({ connected: true, next_retry_seconds: null });
  });

  test('gets the cause and the time of the next attempt if it is not', async () => {
    await using upstream = await fakeUpstream({
      onPost: () => new Response('out of order', { status: 500 }),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    await inBackoff(gateway);
    await using session = await RawSession.open(gateway.url);
    const { error } = (await call(session)).answer;
    expect(error.data).toEqual({ server: 'up', reason: 'upstream_disconnected' });
    expect(error.message).toMatch(
      /^upstream "up": not connected: answered HTTP 500: "out of order"; next attempt in (60|59) s$/,
    );
    expect((await gateway.health()).servers[0]?.next_retry_seconds).toBeWithin(50, 60.001);
  });

  test('gets "unknown tool" if the upstream is healthy again and has no tool of that name', async () => {
    await using upstream = await fakeUpstream();
    await upstream.stop();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    await inBackoff(gateway);
    await upstream.start();
    await using session = await RawSession.open(gateway.url);
    await aMoment();
    expect((await call(session, 'up__other')).answer.error.code).toBe(-32602);
    expect(upstream.messages('tools/call')).toEqual([]);
  });

  test('causes one attempt together with a thousand others', async () => {
    await using upstream = await fakeUpstream({ onPost: () => hangUp });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    await inBackoff(gateway);
    await using session = await RawSession.open(gateway.url);
    await aMoment();
    const before = await attempts(gateway);
    for (let batch = 0; batch < 10; batch++) {
      const all = await Promise.all(Array.from({ length: 100 }, () => call(session)));
      for (const { answer } of all)
        expect(answer.error.data).toEqual({ server: 'up', reason: 'upstream_disconnected' });
    }
    // One per second, on a busy machine too.
    expect((await attempts(gateway)) - before).toBeWithin(1, 10);
  });

  test('does not use up its attempts', async () => {
    const url = `http://127.0.0.1:${freePort()}/mcp`;
    await using gateway = await startGateway({
      servers: [{ name: 'up', url, reconnect: { ...reconnect, max_attempts: 2 } }],
    });
    await inBackoff(gateway);
    await using session = await RawSession.open(gateway.url);
    await aMoment();
    await call(session);
    await aMoment();
    await call(session);
    expect(await attempts(gateway)).toBe(3);
    expect((await gateway.health()).servers[0]?.state).toBe('backoff');
  });

  test('causes an attempt after a refused credential, too', async () => {
    let right = false;
    await using upstream = await fakeUpstream({
      onPost: () => (right ? undefined : new Response('no', { status: 401 })),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await inBackoff(gateway);
    await using session = await RawSession.open(gateway.url);
    expect((await call(session)).answer.error).toMatchObject({
      message: expect.stringMatching(/: not connected: answered HTTP 401.*; next attempt in (30|29) s$/),
      data: { server: 'up', reason: 'upstream_auth_failed' },
    });
    right = true;
    await aMoment();
    expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
  });

  test('causes no attempt if the upstream is given up', async () => {
    await using upstream = await fakeUpstream();
    await upstream.stop();
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, reconnect: { max_attempts: 1 } }],
    });
    await gateway.waitFor('the end', ({ servers }) => servers[0]?.state === 'given_up');
    await upstream.start();
    await using session = await RawSession.open(gateway.url);
    await aMoment();
    expect((await call(session)).answer.error.message).toStartWith('upstream "up": given up: ');
    expect(upstream.received).toEqual([]);
  });
});

describe('a call that meets an attempt to connect', () => {
  test('waits for its end', async () => {
    const release = Promise.withResolvers<void>();
    await using upstream = await fakeUpstream({
      async onPost({ method }) {
        if (method === 'initialize') await release.promise;
        return undefined;
      },
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await using session = await RawSession.open(gateway.url);
    const text = session.callText('up__echo', { a: 1 });
    await waitUntil('the attempt', () => upstream.messages('initialize').length === 1);
    release.resolve();
    expect(await text).toBe('{"a":1}');
    expect(upstream.messages('initialize')).toHaveLength(1);
  });

  test.each(['initialize', 'tools/list'])(
    'waits no longer than connect_seconds if %s is not answered',
    async (hanging) => {
      await using upstream = await fakeUpstream({
        onPost: ({ method }) => (method === hanging ? never() : undefined),
      });
      await using gateway = await startGateway({
        servers: [{ name: 'up', url: upstream.url, reconnect, timeouts: { connect_seconds: 0.3 } }],
      });
      await using session = await RawSession.open(gateway.url);
      const { error } = (await call(session)).answer;
      expect(error.data).toEqual({ server: 'up', reason: 'upstream_disconnected' });
      expect(error.message).toMatch(/^upstream "up": not connected/);
    },
  );

  test('waits no longer than its own deadline', async () => {
    await using upstream = await fakeUpstream({ onPost: never });
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, timeouts: { request_seconds: 0.1 } }],
    });
    await using session = await RawSession.open(gateway.url);
    expect((await call(session)).answer.error).toMatchObject({
      message: 'upstream "up": not connected yet; an attempt is under way',
      data: { server: 'up', reason: 'upstream_disconnected' },
    });
  });

  test('ends its wait when its client cancels it', async () => {
    await using upstream = await fakeUpstream({ onPost: never });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await using session = await RawSession.open(gateway.url);
    const waiting = session.request('tools/call', { name: 'up__echo', arguments: {} }, 'mine');
    await waitUntil('the attempt', () => upstream.messages('initialize').length === 1);
    // The cancellation may overtake the call, which cannot be observed while it waits, so it is sent several times.
    for (let times = 0; times < 20; times++) {
      await session.post({
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: 'mine' },
      });
    }
    expect((await waiting).answer.error.data).toEqual({ server: 'up', reason: 'cancelled' });
  });
});

describe.concurrent('a reload that meets an upstream in backoff', () => {
  test('causes an attempt at once, even with an unchanged configuration', async () => {
    await using upstream = await fakeUpstream();
    await upstream.stop();
    const config = { servers: [{ name: 'up', url: upstream.url, reconnect }] };
    await using gateway = await startGateway(config);
    await inBackoff(gateway);
    await upstream.start();
    await aMoment();
    await gateway.reload(config);
    await gateway.connected();
  });

  test('causes an attempt within a second if one was just made', async () => {
    await using upstream = await fakeUpstream();
    await upstream.stop();
    const config = { servers: [{ name: 'up', url: upstream.url, reconnect }] };
    await using gateway = await startGateway(config);
    await inBackoff(gateway);
    await upstream.start();
    for (let times = 0; times < 20; times++) await gateway.reload(config);
    await gateway.connected();
    expect(await attempts(gateway)).toBe(2);
  });
});

test('a dead server is one line in the log, and one more when it is back', async () => {
  await using upstream = await fakeUpstream();
  await upstream.stop();
  await using gateway = await startGateway({
    servers: [{ name: 'up', url: upstream.url, reconnect: { backoff_base_ms: 5, backoff_max_ms: 10 } }],
  });
  await waitUntil('failures', async () => (await attempts(gateway)) >= 10);
  await upstream.start();
  await gateway.connected();
  const told = gateway.logs
    .map((line) => JSON.parse(line) as { level: string; message: string })
    .filter(
      ({ level, message }) => ['info', 'warn', 'error'].includes(level) && message.startsWith('upstream'),
    );
  expect(told).toEqual([
    expect.objectContaining({ level: 'warn', message: 'upstream not connected', server: 'up' }),
    expect.objectContaining({
      level: 'info',
      message: 'upstream connected',
      attempts: expect.any(Number),
      down_seconds: expect.any(Number),
    }),
  ]);
});
