import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { connectV2 } from '../support/clients.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { messagesOf, RawSession, type RpcMessage, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil } from '../support/wait.ts';

failOnStrayErrors();

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ servers: [] });
});
afterAll(() => gateway[Symbol.asyncDispose]());

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
const initialize = (protocolVersion: unknown) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1.0.0' } },
});

describe('initialize', () => {
  test.each([
    ['2024-11-05', '2024-11-05'],
    ['2025-03-26', '2025-03-26'],
    ['2025-06-18', '2025-06-18'],
    ['2025-11-25', '2025-11-25'],
    ['2026-07-28', '2025-11-25'],
    ['1999-01-01', '2025-11-25'],
    ['', '2025-11-25'],
  ])('with version %p is answered in %s, and opens a session', async (asked, answered) => {
    const response = await rawPost(gateway.url, initialize(asked));
    expect(response.status).toBe(200);
    expect(response.headers.get('mcp-session-id')).toMatch(/^[\x21-\x7e]{16,}$/);
    expect(((await response.json()) as RpcMessage).result).toMatchObject({
      protocolVersion: answered,
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: 'mcpstead', version: expect.any(String) },
    });
  });

  test('opens another session each time', async () => {
    await using first = await RawSession.open(gateway.url);
    await using second = await RawSession.open(gateway.url);
    expect(first.id).not.toBe(second.id);
  });

  test('is answered over a stream, with its session, if the client accepts nothing else', async () => {
    const response = await rawPost(gateway.url, initialize('2025-11-25'), { accept: 'text/event-stream' });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('mcp-session-id')).not.toBeNull();
    const [answer] = await Array.fromAsync(messagesOf(response));
    expect(answer?.result.protocolVersion).toBe('2025-11-25');
  });

  test.each([undefined, 5, null])('with version %p is refused and opens no session', async (version) => {
    const response = await rawPost(gateway.url, initialize(version));
    expect([response.status, response.headers.get('mcp-session-id')]).toEqual([200, null]);
    expect(((await response.json()) as RpcMessage).error.code).toBe(-32602);
  });

  test('without params is refused', async () => {
    const response = await rawPost(gateway.url, { ...ping, method: 'initialize' });
    expect(((await response.json()) as RpcMessage).error.code).toBe(-32602);
  });

  test.each(['a live', 'an ended', 'a forged', 'an empty'])(
    'that names %s session opens a new one, since a client that starts over may still send an old id',
    async (kind) => {
      await using live = await RawSession.open(gateway.url);
      const ended = await RawSession.open(gateway.url);
      await ended[Symbol.asyncDispose]();
      const ids: Record<string, string> = {
        'a live': live.id,
        'an ended': ended.id,
        'a forged': `${live.id.slice(0, -1)}!`,
        'an empty': '',
      };
      const named = ids[kind] as string;
      const response = await rawPost(gateway.url, initialize('2025-11-25'), { 'mcp-session-id': named });
      const opened = response.headers.get('mcp-session-id') ?? '';
      expect([response.status, opened.length > 0, opened === named]).toEqual([200, true, false]);
      expect((await rawPost(gateway.url, ping, { 'mcp-session-id': opened })).status).toBe(200);
      // The named session is unchanged.
      expect((await live.request('ping')).answer.result).toEqual({});
    },
  );

  test.each([
    ['null', { capabilities: null, clientInfo: null, _meta: null }],
    ['absent', {}],
  ])('whose capabilities and client info are %s opens a session', async (_kind, params) => {
    const body = { ...ping, method: 'initialize', params: { protocolVersion: '2025-11-25', ...params } };
    const response = await rawPost(gateway.url, body);
    expect(((await response.json()) as RpcMessage).result.protocolVersion).toBe('2025-11-25');
    expect(response.headers.get('mcp-session-id')).not.toBeNull();
  });
});

describe('a request that names a session', () => {
  test.each(['unknown', '', 'a, b', '0', '../..'])('%p, which does not exist, gets 404', async (id) => {
    const response = await rawPost(gateway.url, ping, { 'mcp-session-id': id });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: { code: -32001, message: 'Session not found: it has ended or never existed; initialize again' },
    });
  });

  test('that is alive twice is refused as ambiguous', async () => {
    await using one = await RawSession.open(gateway.url);
    await using other = await RawSession.open(gateway.url);
    const headers = new Headers({ 'content-type': 'application/json' });
    headers.append('mcp-session-id', one.id);
    headers.append('mcp-session-id', other.id);
    const response = await fetch(gateway.url, { method: 'POST', headers, body: JSON.stringify(ping) });
    expect(response.status).toBe(404);
  });

  test('that has ended gets 404 for a notification, too', async () => {
    const session = await RawSession.open(gateway.url);
    await session[Symbol.asyncDispose]();
    const response = await session.post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    expect(response.status).toBe(404);
  });
});

test('a request that names no session is served without one', async () => {
  await using upstream = await fakeUpstream();
  await using started = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await started.connected();
  const post = async (method: string, params?: object) =>
    (await (await rawPost(started.url, { ...ping, method, params })).json()) as RpcMessage;
  expect((await post('ping')).result).toEqual({});
  expect((await post('tools/list')).result.tools).toHaveLength(1);
  expect((await post('tools/call', { name: 'up__echo', arguments: { a: 1 } })).result.content[0].text).toBe(
    '{"a":1}',
  );
  expect((await started.metrics()).value('mcpstead_downstream_sessions_total')).toBe(0);
});

describe('the header MCP-Protocol-Version', () => {
  test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('may be %s', async (version) => {
    const response = await rawPost(gateway.url, ping, { 'mcp-protocol-version': version });
    expect(response.status).toBe(200);
  });

  test.each(['1.0', '2025-11-25, 2025-11-25', '1'.repeat(5_000)])(
    'must not be %.40s: 400, with the versions to choose from',
    async (version) => {
      const response = await rawPost(gateway.url, ping, { 'mcp-protocol-version': version });
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({
        jsonrpc: '2.0',
        id: 1,
        error: {
          code: -32022,
          message: `Unsupported protocol version: ${version.slice(0, 40)}`,
          data: {
            supported: ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'],
            requested: version.slice(0, 40),
          },
        },
      });
    },
  );

  test.each(['GET', 'DELETE'])('is checked on %s as well', async (method) => {
    await using session = await RawSession.open(gateway.url);
    const response = await fetch(gateway.url, {
      method,
      headers: { accept: 'text/event-stream', 'mcp-session-id': session.id, 'mcp-protocol-version': 'x' },
    });
    expect(response.status).toBe(400);
    expect((await session.request('ping')).answer.result).toEqual({});
  });

  test('of a newer revision makes a client that knows both fall back', async () => {
    await using upstream = await fakeUpstream();
    await using started = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await started.connected();
    await using client = await connectV2(started.url, 'auto');
    expect(await client.toolNames()).toEqual(['up__echo']);
    expect((await client.call('up__echo', { a: 1 })).text).toBe('{"a":1}');
  });
});

describe('an idle session', () => {
  // Longer than one step of a test takes on a busy machine.
  const mcp = { session: { idle_ttl_seconds: 0.5, gc_interval_seconds: 0.02, shutdown_grace_seconds: 0 } };

  test('ends, but not while its stream is open or its call runs', async () => {
    const release = Promise.withResolvers<void>();
    await using upstream = await fakeUpstream({
      onPost: async ({ method }) => {
        if (method === 'tools/call') await release.promise;
        return undefined;
      },
    });
    await using started = await startGateway({ servers: [{ name: 'up', url: upstream.url }], mcp });
    await started.connected();
    const [idle, listening, calling] = [
      await RawSession.open(started.url),
      await RawSession.open(started.url),
      await RawSession.open(started.url),
    ];
    const stream = await fetch(started.url, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': listening.id },
    });
    const call = calling.callText('up__echo');
    const active = async () => (await started.metrics()).value('mcpstead_downstream_sessions_active');
    await waitUntil('the end of the idle session', async () => (await active()) === 2);
    expect((await idle.request('ping')).response.status).toBe(404);
    expect((await listening.request('ping')).response.status).toBe(200);
    release.resolve();
    expect(await call).toBe('{}');
    expect((await calling.request('ping')).response.status).toBe(200);
    await stream.body?.cancel();
    await waitUntil('the end of all', async () => (await active()) === 0);
    const metrics = await started.metrics();
    expect(metrics.value('mcpstead_downstream_sessions_total')).toBe(3);
    expect(metrics.value('mcpstead_downstream_session_duration_seconds_count')).toBe(3);
    const ended = { reason: 'idle_timeout' };
    expect(metrics.value('mcpstead_downstream_session_terminations_total', ended)).toBe(3);
  });

  test('ends as idle, too, if its client never came back after initialize', async () => {
    await using started = await startGateway({ servers: [], mcp });
    await rawPost(started.url, initialize('2025-11-25'));
    const ended = { reason: 'idle_timeout' };
    await waitUntil('its end', async () => {
      const metrics = await started.metrics();
      return metrics.value('mcpstead_downstream_session_terminations_total', ended) === 1;
    });
  });
});

test('an initialize that is refused counts as a session that failed to initialize', async () => {
  await using started = await startGateway({ servers: [] });
  await rawPost(started.url, '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}');
  const metrics = await started.metrics();
  const ended = { reason: 'init_failed' };
  expect(metrics.value('mcpstead_downstream_session_terminations_total', ended)).toBe(1);
  expect(metrics.value('mcpstead_downstream_sessions_active')).toBe(0);
});

test('sessions are counted from their beginning to their end, by its reason', async () => {
  const started = await startGateway({ servers: [] });
  const first = await RawSession.open(started.url);
  await RawSession.open(started.url);
  await first[Symbol.asyncDispose]();
  const metrics = await started.metrics();
  expect(metrics.value('mcpstead_downstream_sessions_total')).toBe(2);
  expect(metrics.value('mcpstead_downstream_sessions_active')).toBe(1);
  const reason = (value: string) =>
    metrics.value('mcpstead_downstream_session_terminations_total', { reason: value });
  expect(['client_delete', 'idle_timeout', 'gateway_shutdown', 'init_failed'].map(reason)).toEqual([
    1, 0, 0, 0,
  ]);
  await started[Symbol.asyncDispose]();
});

test('once a shutdown has begun no session opens and /readyz is 503, while running calls may end', async () => {
  const called = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await using upstream = await fakeUpstream({
    onPost: async ({ method }) => {
      if (method !== 'tools/call') return undefined;
      called.resolve();
      await release.promise;
      return undefined;
    },
  });
  const mcp = { session: { shutdown_grace_seconds: 20 } };
  await using started = await startGateway({ servers: [{ name: 'up', url: upstream.url }], mcp });
  await started.connected();
  const session = await RawSession.open(started.url);
  const call = session.callText('up__echo');
  await called.promise;
  const stopped = started.gateway.stop();
  const refused = await rawPost(started.url, initialize('2025-11-25'));
  expect(refused.status).toBe(503);
  expect(await refused.json()).toEqual({
    jsonrpc: '2.0',
    id: 1,
    error: { code: -32000, message: 'the gateway is shutting down' },
  });
  expect((await fetch(`${started.origin}/readyz`)).status).toBe(503);
  expect((await fetch(`${started.origin}/livez`)).status).toBe(200);
  expect((await fetch(`${started.origin}/health`)).status).toBe(200);
  release.resolve();
  expect(await call).toBe('{}');
  await stopped;
});
