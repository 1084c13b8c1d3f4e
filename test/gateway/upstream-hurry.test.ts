import { describe, expect, test } from 'bun:test';
import { hangUp, never } from '../support/answers.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { freePort, waitUntil } from '../support/wait.ts';

failOnStrayErrors();

/** Longer than any test takes: whatever comes earlier is made to. */
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

/** How long calls and reloads leave an upstream alone after an attempt. */
const aMoment = () => Bun.sleep(1_050);

const call = (session: RawSession, name = 'up__echo') =>
  session.request('tools/call', { name, arguments: { a: 1 } });

describe('a call that meets an upstream in backoff', () => {
  test('is answered at once where that is well again', async () => {
    await using upstream = await fakeUpstream();
    await upstream.stop();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    await inBackoff(gateway);
    await upstream.start();
    await using session = await RawSession.open(gateway.url);
    await aMoment();
    // Its tools were never listed so far.
    expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
    expect((await gateway.health()).servers[0]).toMatchObject({ connected: true, next_retry_seconds: null });
  });

  test('is told what is wrong and when the next attempt is where it is not', async () => {
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

  test('is told that the tool is unknown where it is well again, and has none of that name', async () => {
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

  test('is one of a thousand that have it tried once', async () => {
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
    // As many seconds as that takes on a machine that is busy, and no more.
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

  test('has a refused credential tried again, too', async () => {
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

  test('does not have one tried that is given up', async () => {
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
  test('waits for it', async () => {
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
    'waits no longer than connect_seconds where %s is not answered',
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

  test('waits no longer than it may take itself', async () => {
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

  test('does not wait for it when its client does not any more', async () => {
    await using upstream = await fakeUpstream({ onPost: never });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await using session = await RawSession.open(gateway.url);
    const waiting = session.request('tools/call', { name: 'up__echo', arguments: {} }, 'mine');
    await waitUntil('the attempt', () => upstream.messages('initialize').length === 1);
    // It may overtake the call, which nothing shows while that waits: so it is sent again and again.
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

describe('a reload that meets an upstream in backoff', () => {
  test('has it tried at once, though its configuration did not change', async () => {
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

  test('has it tried within a second where that was done just before', async () => {
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
