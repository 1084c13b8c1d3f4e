import { describe, expect, test } from 'bun:test';
import { type FakeSse, fakeSse } from '../support/fake-sse.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { refusedBy } from '../support/refused.ts';
import { RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { freePort, waitUntil } from '../support/wait.ts';

failOnStrayErrors();

const deadUrl = () => `http://127.0.0.1:${freePort()}/mcp`;

/** The waits in the log, in milliseconds. */
function waits(gateway: TestGateway): number[] {
  return gateway.logs
    .map((line) => JSON.parse(line) as { message: string; retry_seconds: number })
    .filter(({ message }) => message === 'upstream not connected')
    .map(({ retry_seconds }) => retry_seconds * 1000);
}

describe('the wait between attempts', () => {
  test('grows from base to max, with jitter', async () => {
    const reconnect = { backoff_base_ms: 10, backoff_max_ms: 80 };
    const servers = Array.from({ length: 8 }, (_, index) => ({
      name: `s${index}`,
      url: deadUrl(),
      reconnect,
    }));
    await using gateway = await startGateway({ servers });
    const bounds = [
      [10, 20],
      [20, 40],
      [40, 80],
      [40, 80],
      [40, 80],
    ];
    await waitUntil('five failures each', () => waits(gateway).length >= 50);
    for (const { name } of servers) {
      const own = gateway.logs.filter((line) => line.includes(`"server":"${name}"`));
      const seen = waits({ ...gateway, logs: own }).slice(0, bounds.length);
      seen.forEach((wait, attempt) => {
        expect(wait).toBeWithin(bounds[attempt]![0]!, bounds[attempt]![1]! + 0.001);
      });
    }
    expect(new Set(waits(gateway)).size).toBeGreaterThan(20);
  });

  test('is never longer than max, even if base equals it', async () => {
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: deadUrl(), reconnect: { backoff_base_ms: 5, backoff_max_ms: 5 } }],
    });
    await waitUntil('four failures', () => waits(gateway).length >= 4);
    expect(new Set(waits(gateway))).toEqual(new Set([5]));
  });

  test('shows in /health and /metrics while it runs', async () => {
    const url = deadUrl();
    await using gateway = await startGateway({
      servers: [{ name: 'up', url, reconnect: { backoff_base_ms: 20_000, backoff_max_ms: 20_000 } }],
    });
    const { servers, status } = await gateway.waitFor(
      'the wait',
      (health) => health.servers[0]?.state === 'backoff',
    );
    expect(status).toBe('degraded');
    expect(servers[0]).toMatchObject({
      connected: false,
      last_error: refusedBy(url),
      reconnects: 0,
      last_seen_seconds_ago: null,
      tools_count: 0,
      era: null,
    });
    expect(servers[0]?.next_retry_seconds).toBeWithin(10, 20.001);
    const page = await gateway.metrics();
    const labels = { server: 'up' };
    expect(page.value('mcpstead_upstream_connected', labels)).toBe(0);
    expect(page.value('mcpstead_upstream_in_backoff', labels)).toBe(1);
    expect(page.value('mcpstead_upstream_current_backoff_seconds', labels)).toBe(20);
    expect(page.value('mcpstead_upstream_last_seen_seconds', labels)).toBe(-1);
    expect(page.value('mcpstead_upstream_initialize_total', { ...labels, result: 'error' })).toBe(1);
  });

  test('starts again at its base after a success; reconnects and attempts are counted', async () => {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({
      servers: [
        {
          name: 'up',
          url: upstream.url,
          tools: { ttl_seconds: 0.03 },
          reconnect: { backoff_base_ms: 10, backoff_max_ms: 80 },
        },
      ],
    });
    await gateway.connected();
    for (let round = 1; round <= 2; round++) {
      await upstream.stop();
      const failed = waits(gateway).length;
      await waitUntil('failures', () => waits(gateway).length >= failed + 4);
      expect(waits(gateway)[failed]).toBeWithin(10, 20.001);
      await upstream.start();
      await gateway.connected();
      expect((await gateway.health()).servers[0]).toMatchObject({
        reconnects: round,
        last_error: null,
        next_retry_seconds: null,
      });
    }
    const page = await gateway.metrics();
    const value = (name: string, labels = {}) =>
      page.value(`mcpstead_upstream_${name}`, { server: 'up', ...labels });
    expect(value('reconnects_total')).toBe(2);
    expect(value('reconnect_attempts_total', { result: 'success' })).toBe(2);
    expect(value('reconnect_attempts_total', { result: 'error' })).toBe(waits(gateway).length);
    expect(value('initialize_total', { result: 'success' })).toBe(3);
    expect(value('in_backoff')).toBe(0);
    expect(value('current_backoff_seconds')).toBe(0);
    const waited = waits(gateway).reduce((sum, ms) => sum + ms / 1000, 0);
    expect(value('backoff_seconds_total')).toBeCloseTo(waited, 2);
  });
});

describe('a connection that is lost', () => {
  const serverWith = (upstream: FakeSse, backoff_base_ms: number) => ({
    servers: [
      {
        name: 'up',
        url: upstream.url,
        protocol: 'sse',
        reconnect: { backoff_base_ms, backoff_max_ms: 60_000 },
      },
    ],
  });

  test('is reconnected at once if it was healthy for a while', async () => {
    await using upstream = await fakeSse();
    await using gateway = await startGateway(serverWith(upstream, 1));
    await gateway.connected();
    // Longer than the base of the backoff.
    await Bun.sleep(20);
    upstream.streams[0]?.end();
    await gateway.waitFor('the new connection', ({ servers }) => servers[0]?.reconnects === 1);
    expect((await gateway.metrics()).value('mcpstead_upstream_backoff_seconds_total', { server: 'up' })).toBe(
      0,
    );
  });

  test('is not reconnected at once if it flaps', async () => {
    await using upstream = await fakeSse();
    await using gateway = await startGateway(serverWith(upstream, 60_000));
    await gateway.connected();
    upstream.streams[0]?.end();
    const { servers } = await gateway.waitFor('the wait', (health) => health.servers[0]?.state === 'backoff');
    expect(servers[0]).toMatchObject({ tools_count: 1, last_error: 'its event stream ended' });
    expect(upstream.streams).toHaveLength(1);
  });
});

describe('a wrong credential', () => {
  test.each([401, 403])(
    '(HTTP %d) is tried again only after backoff_max_ms, from the start',
    async (status) => {
      await using upstream = await fakeUpstream({
        onPost: (_message, { headers }) =>
          headers.get('authorization') === 'Bearer right-token' ? undefined : new Response('no', { status }),
      });
      const env = { UP_TOKEN: 'wrong-token' };
      const config = {
        servers: [{ name: 'up', url: upstream.url, auth: { type: 'bearer', token_env: 'UP_TOKEN' } }],
      };
      await using gateway = await startGateway(config, env);
      await gateway.waitFor('the wait', ({ servers }) => servers[0]?.state === 'backoff');
      expect(waits(gateway)).toEqual([30_000]);

      env.UP_TOKEN = 'right-token';
      expect(await gateway.reload(config)).toEqual({
        added: 0,
        removed: 0,
        restarted: 1,
        updated: 0,
        unchanged: 0,
        ignored: [],
      });
      await gateway.connected();
    },
  );
});

describe('an upstream whose attempts are used up', () => {
  const reconnect = { max_attempts: 3, backoff_base_ms: 5, backoff_max_ms: 10 };

  test('is given up: /health says so, its tools disappear, and clients are notified', async () => {
    await using upstream = await fakeUpstream();
    await using other = await fakeUpstream();
    await using gateway = await startGateway({
      servers: [
        { name: 'up', url: upstream.url, tools: { ttl_seconds: 0.03 }, reconnect },
        { name: 'other', url: other.url },
      ],
    });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const told = (await session.listen()).next();
    await upstream.stop();
    const { servers } = await gateway.waitFor('the end', (health) => health.servers[0]?.state === 'given_up');
    expect(servers[0]).toMatchObject({
      connected: false,
      tools_count: 0,
      last_error: refusedBy(upstream.url),
      next_retry_seconds: null,
    });
    expect((await told).value).toMatchObject({ method: 'notifications/tools/list_changed' });
    const { answer: list } = await session.request('tools/list');
    expect(list.result.tools.map(({ name }: { name: string }) => name)).toEqual(['other__echo']);
    const { answer } = await session.request('tools/call', { name: 'up__echo' });
    expect(answer.error).toEqual({
      code: -32000,
      message: `upstream "up": given up: ${refusedBy(upstream.url)}`,
      data: { server: 'up', reason: 'upstream_disconnected' },
    });
    const page = await gateway.metrics();
    expect(page.value('mcpstead_upstream_reconnect_attempts_total', { server: 'up', result: 'error' })).toBe(
      3,
    );
    expect(page.value('mcpstead_upstream_tools_count', { server: 'up' })).toBe(0);
    expect(page.value('mcpstead_upstream_in_backoff', { server: 'up' })).toBe(0);
  });

  test('comes back with a reload, even with an unchanged configuration', async () => {
    await using upstream = await fakeUpstream();
    await upstream.stop();
    const config = { servers: [{ name: 'up', url: upstream.url, reconnect }] };
    await using gateway = await startGateway(config);
    await gateway.waitFor('the end', ({ servers }) => servers[0]?.state === 'given_up');
    // Another failure: it has all its attempts again.
    await gateway.reload(config);
    await gateway.waitFor('the end', ({ servers }) => servers[0]?.state === 'given_up');
    expect(
      (await gateway.metrics()).value('mcpstead_upstream_initialize_total', {
        server: 'up',
        result: 'error',
      }),
    ).toBe(6);
    await upstream.start();
    expect(await gateway.reload(config)).toEqual({
      added: 0,
      removed: 0,
      restarted: 0,
      updated: 0,
      unchanged: 1,
      ignored: [],
    });
    await gateway.connected();
  });
});
