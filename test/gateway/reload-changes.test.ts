import { describe, expect, test } from 'bun:test';
import { rpcResult } from '../support/answers.ts';
import { type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { promptReconnect, startGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { selfSignedCertificate } from '../support/tls.ts';
import { freePort, waitUntil } from '../support/wait.ts';

failOnStrayErrors();

const none = { added: 0, removed: 0, restarted: 0, updated: 0, unchanged: 0, ignored: [] };
const initializes = (upstream: FakeUpstream) => upstream.messages('initialize').length;

/** An upstream whose calls wait until the test releases them. */
async function holdingUpstream() {
  const release = Promise.withResolvers<void>();
  const upstream = await fakeUpstream({
    async onPost({ id, method }) {
      if (method !== 'tools/call') return undefined;
      await release.promise;
      return rpcResult(id, { content: [{ type: 'text', text: 'held' }] });
    },
  });
  return Object.assign(upstream, { release: () => release.resolve() });
}

describe('a server whose', () => {
  const connection: [string, Record<string, unknown>][] = [
    ['protocol', { protocol: 'streamable' }],
    ['headers', { headers: { 'X-Key': 'another-key' } }],
    ['auth', { auth: { type: 'bearer', token_env: 'UP_TOKEN' } }],
  ];
  test.each(connection)('%s changed is restarted', async (_name, change) => {
    await using upstream = await fakeUpstream();
    const server = { name: 'up', url: upstream.url };
    await using gateway = await startGateway({ servers: [server] }, { UP_TOKEN: 'token-0815' });
    await gateway.connected();
    const summary = await gateway.reload({ servers: [{ ...server, ...change }] });
    expect(summary).toEqual({ ...none, restarted: 1 });
    await waitUntil('the leave', () => upstream.received.some(({ httpMethod }) => httpMethod === 'DELETE'));
    await gateway.connected();
    expect(initializes(upstream)).toBe(2);
  });

  test('url changed is restarted, and calls go to the new one', async () => {
    await using before = await fakeUpstream();
    await using after = await fakeUpstream();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: before.url }] });
    await gateway.connected();
    const summary = await gateway.reload({ servers: [{ name: 'up', url: after.url }] });
    expect(summary).toEqual({ ...none, restarted: 1 });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    await session.callText('up__echo');
    expect([before.executions('echo'), after.executions('echo')]).toEqual([0, 1]);
    await waitUntil('the leave', () => before.received.at(-1)?.httpMethod === 'DELETE');
  });

  test('TLS verification changed is restarted, on new connections', async () => {
    await using upstream = await fakeUpstream({ tls: selfSignedCertificate() });
    const server = { name: 'up', url: upstream.url, reconnect: promptReconnect };
    await using gateway = await startGateway({ servers: [{ ...server, tls_skip_verify: true }] });
    await gateway.connected();
    expect(await gateway.reload({ servers: [server] })).toEqual({ ...none, restarted: 1 });
    const { servers } = await gateway.waitFor(
      'the refusal',
      (health) => health.servers[0]?.last_error !== null,
    );
    expect(servers[0]?.last_error).toMatch(/^TLS/);
    expect(initializes(upstream)).toBe(1);
  });

  test('token changed, in the environment only, is restarted with the new one', async () => {
    await using upstream = await fakeUpstream();
    const env = { UP_TOKEN: 'first-token' };
    const config = {
      servers: [{ name: 'up', url: upstream.url, auth: { type: 'bearer', token_env: 'UP_TOKEN' } }],
    };
    await using gateway = await startGateway(config, env);
    await gateway.connected();
    env.UP_TOKEN = 'second-token';
    expect(await gateway.reload(config)).toEqual({ ...none, restarted: 1 });
    await gateway.connected();
    const tokens = upstream.received
      .filter(({ message }) => message.method === 'initialize')
      .map(({ headers }) => headers.get('authorization'));
    expect(tokens).toEqual(['Bearer first-token', 'Bearer second-token']);
  });

  const updates: [string, Record<string, unknown>][] = [
    ['timeouts', { timeouts: { request_seconds: 60 } }],
    ['reconnect settings', { reconnect: { max_attempts: 9 } }],
    ['time to live of the tools', { tools: { ttl_seconds: 60 } }],
    ['quirks', { quirks: { normalize_sse_events: true } }],
    ['being required', { required: true }],
  ];
  test.each(updates)(
    '%s changed is updated in place: same session, calls undisturbed',
    async (_name, change) => {
      await using upstream = await holdingUpstream();
      const server = { name: 'up', url: upstream.url };
      await using gateway = await startGateway({ servers: [server] });
      await gateway.connected();
      await using session = await RawSession.open(gateway.url);
      const held = session.callText('up__echo');
      await waitUntil('the call', () => upstream.executions('echo') === 1);
      expect(await gateway.reload({ servers: [{ ...server, ...change }] })).toEqual({ ...none, updated: 1 });
      upstream.release();
      expect(await held).toBe('held');
      expect(initializes(upstream)).toBe(1);
      expect((await gateway.health()).servers[0]).toMatchObject({
        connected: true,
        required: 'required' in change,
      });
    },
  );

  test('time to live was shortened is refreshed at the new pace', async () => {
    await using upstream = await fakeUpstream();
    const server = { name: 'up', url: upstream.url };
    await using gateway = await startGateway({ servers: [server] });
    await gateway.connected();
    await gateway.reload({ servers: [{ ...server, tools: { ttl_seconds: 0.02 } }] });
    await waitUntil('refreshes', () => upstream.messages('tools/list').length >= 4);
  });
});

test('a reload counts its changes, and does not touch unchanged servers', async () => {
  await using kept = await holdingUpstream();
  await using updated = await fakeUpstream();
  await using restarted = await fakeUpstream();
  await using removed = await fakeUpstream();
  await using added = await fakeUpstream();
  const servers = (...list: [string, FakeUpstream, object?][]) => ({
    servers: list.map(([name, { url }, settings]) => ({ name, url, ...settings })),
  });
  await using gateway = await startGateway(
    servers(['kept', kept], ['updated', updated], ['restarted', restarted], ['removed', removed]),
  );
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const held = session.callText('kept__echo');
  await waitUntil('the call', () => kept.executions('echo') === 1);
  const before = kept.received.length;

  const response = (async () => {
    const summary = await gateway.reload(
      servers(
        ['added', added],
        ['restarted', restarted, { headers: { 'X-Key': 'new-key' } }],
        ['updated', updated, { tools: { ttl_seconds: 60 } }],
        ['kept', kept],
      ),
    );
    return summary;
  })();
  expect(await response).toEqual({
    added: 1,
    removed: 1,
    restarted: 1,
    updated: 1,
    unchanged: 1,
    ignored: [],
  });
  await gateway.connected();
  const { answer } = await session.request('tools/list');
  expect(answer.result.tools.map(({ name }: { name: string }) => name)).toEqual([
    'added__echo',
    'restarted__echo',
    'updated__echo',
    'kept__echo',
  ]);
  expect((await gateway.health()).servers.map(({ name }) => name)).toEqual([
    'added',
    'restarted',
    'updated',
    'kept',
  ]);
  expect([kept, updated, restarted, removed, added].map(initializes)).toEqual([1, 1, 2, 1, 1]);
  // The unchanged one got no further request.
  expect(kept.received).toHaveLength(before);
  kept.release();
  expect(await held).toBe('held');

  // The same configuration again changes nothing.
  const again = servers(
    ['added', added],
    ['restarted', restarted, { headers: { 'X-Key': 'new-key' } }],
    ['updated', updated, { tools: { ttl_seconds: 60 } }],
    ['kept', kept],
  );
  expect(await gateway.reload(again)).toEqual({ ...none, unchanged: 4, ignored: [] });
});

describe('a removed upstream', () => {
  test('has its running calls finish, refuses new ones, and loses its tools and series', async () => {
    await using upstream = await holdingUpstream();
    await using other = await fakeUpstream();
    const rest = { servers: [{ name: 'other', url: other.url }] };
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url }, ...rest.servers],
    });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const told = (await session.listen()).next();
    const held = session.callText('up__echo');
    await waitUntil('the call', () => upstream.executions('echo') === 1);

    expect(await gateway.reload(rest)).toEqual({ ...none, removed: 1, unchanged: 1, ignored: [] });
    expect((await told).value).toMatchObject({ method: 'notifications/tools/list_changed' });
    const { answer: list } = await session.request('tools/list');
    expect(list.result.tools.map(({ name }: { name: string }) => name)).toEqual(['other__echo']);
    const { answer } = await session.request('tools/call', { name: 'up__echo' });
    expect(answer.error).toMatchObject({ code: -32602, message: 'Unknown tool: "up__echo"' });
    expect((await gateway.metrics()).text).not.toContain('server="up"');
    expect(upstream.received.map(({ httpMethod }) => httpMethod)).not.toContain('DELETE');

    upstream.release();
    expect(await held).toBe('held');
    await waitUntil('the leave', () => upstream.received.at(-1)?.httpMethod === 'DELETE');
    expect((await gateway.metrics()).text).not.toContain('server="up"');
  });

  test('starts over when it is added again under its old name', async () => {
    await using upstream = await fakeUpstream();
    const config = { servers: [{ name: 'up', url: upstream.url }] };
    await using gateway = await startGateway(config);
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    await session.callText('up__echo');
    await gateway.reload({ servers: [] });
    await gateway.reload(config);
    await gateway.connected();
    const calls = (await gateway.metrics()).value('mcpstead_tool_calls_total', {
      server: 'up',
      tool: 'echo',
    });
    expect(calls).toBeUndefined();
    expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
  });
});

test('a restarted upstream has its running calls finish in the old session', async () => {
  await using upstream = await holdingUpstream();
  const server = { name: 'up', url: upstream.url };
  await using gateway = await startGateway({ servers: [server] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const held = session.callText('up__echo');
  await waitUntil('the call', () => upstream.executions('echo') === 1);
  await gateway.reload({ servers: [{ ...server, headers: { 'X-Key': 'new-key' } }] });
  await gateway.connected();
  upstream.release();
  expect(await held).toBe('held');
  await waitUntil(
    'the leave',
    () => upstream.received.filter(({ httpMethod }) => httpMethod === 'DELETE').length === 1,
  );
});

test('a restarted upstream that does not come back keeps its tools, in lists and counts', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  const reconnect = promptReconnect;
  await gateway.reload({ servers: [{ name: 'up', url: `http://127.0.0.1:${freePort()}/mcp`, reconnect }] });
  const { servers } = await gateway.waitFor(
    'the refusal',
    (health) => health.servers[0]?.last_error !== null,
  );
  expect(servers[0]).toMatchObject({ connected: false, tools_count: 1 });
  expect((await gateway.metrics()).value('mcpstead_upstream_tools_count', { server: 'up' })).toBe(1);
  await using session = await RawSession.open(gateway.url);
  const { answer } = await session.request('tools/list');
  expect(answer.result.tools).toHaveLength(1);
});

test('calls to a restarted upstream that does not come back fail, and count, as calls of the new one', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
  const url = `http://127.0.0.1:${freePort()}/mcp`;
  await gateway.reload({ servers: [{ name: 'up', url, reconnect: promptReconnect }] });
  await gateway.waitFor('the refusal', (health) => health.servers[0]?.last_error !== null);

  const { answer } = await session.request('tools/call', { name: 'up__echo' });
  expect(answer.error.data).toEqual({ server: 'up', reason: 'upstream_disconnected' });
  const metrics = await gateway.metrics();
  const labels = { server: 'up', tool: 'echo' };
  expect(metrics.value('mcpstead_tool_calls_total', labels)).toBe(1);
  expect(
    metrics.value('mcpstead_tool_call_errors_total', { ...labels, reason: 'upstream_disconnected' }),
  ).toBe(1);
});

test('the order of the servers changes the order of the tools, and nothing else', async () => {
  await using upstream = await fakeUpstream();
  const servers = ['one', 'two', 'three'].map((name) => ({ name, url: upstream.url }));
  await using gateway = await startGateway({ servers });
  await gateway.connected();
  expect(await gateway.reload({ servers: servers.toReversed() })).toEqual({
    ...none,
    unchanged: 3,
    ignored: [],
  });
  await using session = await RawSession.open(gateway.url);
  const { answer } = await session.request('tools/list');
  expect(answer.result.tools.map(({ name }: { name: string }) => name)).toEqual([
    'three__echo',
    'two__echo',
    'one__echo',
  ]);
  expect(initializes(upstream)).toBe(3);
});
