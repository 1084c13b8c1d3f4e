import { describe, expect, test } from 'bun:test';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestConfig, type TestGateway } from '../support/gateway.ts';
import { RawSession, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
const none = { added: 0, removed: 0, restarted: 0, updated: 0, unchanged: 0, ignored: [] };
const statusOf = async (gateway: TestGateway, headers?: Record<string, string>) =>
  (await rawPost(gateway.url, ping, headers)).status;
const reloads = async (gateway: TestGateway) => {
  const page = await gateway.metrics();
  return ['success', 'error'].map((result) => page.value('mcpstead_config_reloads_total', { result }));
};
const logged = (gateway: TestGateway, message: string) =>
  gateway.logs
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line.message === message);

describe('a reload applies', () => {
  test('the auth mode and the bearer token', async () => {
    const env: Record<string, string> = {};
    const open: TestConfig = { servers: [] };
    const locked: TestConfig = { servers: [], mcp: { auth: { mode: 'bearer' } } };
    await using gateway = await startGateway(open, env);
    expect(await statusOf(gateway)).toBe(200);

    env.MCPSTEAD_BEARER_TOKEN = 'first-token';
    await gateway.reload(locked);
    expect(await statusOf(gateway)).toBe(401);
    expect(await statusOf(gateway, { authorization: 'Bearer first-token' })).toBe(200);

    env.MCPSTEAD_BEARER_TOKEN = 'second-token';
    await gateway.reload(locked);
    expect(await statusOf(gateway, { authorization: 'Bearer first-token' })).toBe(401);
    expect(await statusOf(gateway, { authorization: 'Bearer second-token' })).toBe(200);

    await gateway.reload(open);
    expect(await statusOf(gateway)).toBe(200);
  });

  test('mcp.allowed_hosts', async () => {
    await using gateway = await startGateway({ servers: [] });
    const headers = { origin: 'http://app.example.com' };
    expect(await statusOf(gateway, headers)).toBe(403);
    await gateway.reload({ servers: [], mcp: { allowed_hosts: ['app.example.com'] } });
    expect(await statusOf(gateway, headers)).toBe(200);
    await gateway.reload({ servers: [] });
    expect(await statusOf(gateway, headers)).toBe(403);
  });

  test('metrics.enabled, and counting continues while it is off', async () => {
    await using gateway = await startGateway({ servers: [] });
    const status = async () => (await fetch(`${gateway.origin}/metrics`)).status;
    await gateway.reload({ servers: [], metrics: { enabled: false } });
    expect(await status()).toBe(404);
    await gateway.reload({ servers: [] });
    expect(await status()).toBe(200);
    expect(await reloads(gateway)).toEqual([2, 0]);
  });

  test('and keeps the sessions of clients', async () => {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({ servers: [] });
    await using session = await RawSession.open(gateway.url);
    await gateway.reload({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
  });
});

describe('a reload does not apply, and warns with the name of the key,', () => {
  const fixed: [string, Record<string, unknown>][] = [
    ['host', { host: '127.0.0.2' }],
    ['port', { port: 1 }],
    ['logging.level', { logging: { level: 'error' } }],
    ['logging.format', { logging: { format: 'pretty' } }],
    [
      'mcp.session.idle_ttl_seconds',
      { mcp: { session: { shutdown_grace_seconds: 0, idle_ttl_seconds: 1 } } },
    ],
    [
      'mcp.session.gc_interval_seconds',
      { mcp: { session: { shutdown_grace_seconds: 0, gc_interval_seconds: 1 } } },
    ],
    [
      'mcp.session.drain_delay_seconds',
      { mcp: { session: { shutdown_grace_seconds: 0, drain_delay_seconds: 60 } } },
    ],
    ['state_dir', { state_dir: '/tmp/of-the-next-restart' }],
    ['mcp.session.shutdown_grace_seconds', { mcp: { session: { shutdown_grace_seconds: 60 } } }],
  ];
  test.each(fixed)('%s', async (key, change) => {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({ servers: [] });
    const { url } = gateway;
    const config = { servers: [{ name: 'up', url: upstream.url }], ...change } as TestConfig;
    // The rest of the file takes effect.
    expect(await gateway.reload(config)).toEqual({ ...none, added: 1, ignored: [key] });
    expect(logged(gateway, 'configuration reloaded')).toMatchObject([{ added: 1, ignored: [key] }]);
    const warnings = logged(gateway, 'a changed setting needs a restart and is ignored');
    expect(warnings.map((line) => [line.level, line.key])).toEqual([['warn', key]]);
    await gateway.connected();
    expect(gateway.gateway.url).toBe(new URL(url).origin);
    expect(await statusOf(gateway)).toBe(200);
    // The comparison is with the running settings: the same file warns again, and the old one does not.
    await gateway.reload(config);
    expect(logged(gateway, 'a changed setting needs a restart and is ignored')).toHaveLength(2);
    await gateway.reload({ servers: [] });
    expect(logged(gateway, 'a changed setting needs a restart and is ignored')).toHaveLength(2);
  });
});

describe('an invalid file', () => {
  test('changes nothing; the caller, the log and the metric say so', async () => {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const before = upstream.received.length;
    const bad: TestConfig = {
      servers: [
        { name: 'new', url: upstream.url },
        { name: 'up', url: 'nonsense' },
      ],
      mcp: { auth: { mode: 'bearer' } },
      metrics: { enabled: false },
    };
    await expect(gateway.reload(bad)).rejects.toThrow(/nonsense|MCPSTEAD_BEARER_TOKEN/);
    const response = await fetch(`${gateway.origin}/-/reload`, { method: 'POST' });
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: string }).error).toContain('test.yaml');

    expect(await reloads(gateway)).toEqual([0, 2]);
    const errors = logged(gateway, 'configuration not reloaded; nothing was changed');
    expect(errors.map(({ level }) => level)).toEqual(['error', 'error']);
    expect(String(errors[0]?.cause)).toContain('test.yaml');
    expect((await gateway.health()).servers.map(({ name, connected }) => [name, connected])).toEqual([
      ['up', true],
    ]);
    expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
    // Only the call.
    expect(upstream.received).toHaveLength(before + 1);
  });

  test('is forgotten as soon as a valid one comes', async () => {
    await using gateway = await startGateway({ servers: [] });
    await expect(gateway.reload({ servers: [{ name: 'x' }] })).rejects.toThrow();
    expect(await gateway.reload({ servers: [] })).toEqual(none);
    expect(await reloads(gateway)).toEqual([1, 1]);
    const last = (await gateway.metrics()).value('mcpstead_config_last_reload_timestamp_seconds');
    expect(last).toBeGreaterThan(Date.now() / 1000 - 60);
  });
});

test('POST /-/reload answers with the changes', async () => {
  await using upstream = await fakeUpstream();
  const config: TestConfig = { servers: [] };
  await using gateway = await startGateway(config);
  config.servers.push({ name: 'up', url: upstream.url });
  const response = await fetch(`${gateway.origin}/-/reload`, { method: 'POST' });
  expect([response.status, await response.json()]).toEqual([200, { ...none, added: 1 }]);
  await gateway.connected();
});

test('once the gateway stops, a reload is refused and starts nothing', async () => {
  await using upstream = await fakeUpstream();
  const gateway = await startGateway({ servers: [] });
  const stopped = gateway.gateway.stop();
  await expect(gateway.reload({ servers: [{ name: 'up', url: upstream.url }] })).rejects.toThrow(
    'shutting down',
  );
  await stopped;
  expect(upstream.received).toEqual([]);
});
