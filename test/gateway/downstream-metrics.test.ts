import { expect, test } from 'bun:test';
import { rpcResult } from '../support/answers.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { parsePage } from '../support/prometheus-page.ts';
import { RawSession, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil } from '../support/wait.ts';

failOnStrayErrors();

test('every message, GET and DELETE of a client is counted under its method, or one name for all unknown ones', async () => {
  await using gateway = await startGateway({ servers: [] });
  const seriesBefore = (await gateway.metrics()).text.match(/^mcpstead_mcp_requests_total/gm)?.length;
  const session = await RawSession.open(gateway.url);
  const request = { jsonrpc: '2.0', id: 1 };
  await session.post({ ...request, method: 'ping' });
  await session.post([
    { ...request, method: 'ping' },
    { ...request, method: 'tools/list' },
  ]);
  await session.post({ ...request, method: 'tools/list', params: { cursor: 'x' } });
  await session.post({ ...request, method: 'tools/call', params: {} });
  for (const method of ['strange', 'stranger', '__proto__', 'a"b\nc{}', 'x'.repeat(10_000)]) {
    await session.post({ ...request, method });
  }
  await session.post({ jsonrpc: '2.0', method: 'notifications/strange' });
  await session.post({ jsonrpc: '2.0', id: 1 });
  await session.post('{');
  await session.post([5, { ...request, method: 'ping' }]);
  await (
    await fetch(gateway.url, { headers: { accept: 'text/event-stream', 'mcp-session-id': session.id } })
  ).body?.cancel();
  await fetch(gateway.url, { headers: { accept: 'text/event-stream', 'mcp-session-id': 'unknown' } });
  await session[Symbol.asyncDispose]();
  await session[Symbol.asyncDispose]();

  const metrics = await gateway.metrics();
  const counted = (method: string) =>
    ['success', 'error'].map((result) => metrics.value('mcpstead_mcp_requests_total', { method, result }));
  expect(counted('initialize')).toEqual([1, 0]);
  expect(counted('notifications/initialized')).toEqual([1, 0]);
  expect(counted('ping')).toEqual([3, 0]);
  expect(counted('tools/list')).toEqual([1, 1]);
  expect(counted('tools/call')).toEqual([0, 1]);
  expect(counted('unknown')).toEqual([1, 5]);
  expect(counted('invalid')).toEqual([0, 3]);
  expect(counted('listen')).toEqual([1, 1]);
  expect(counted('terminate')).toEqual([1, 1]);
  expect(metrics.value('mcpstead_mcp_request_duration_seconds_count', { method: 'ping' })).toBe(3);
  // Clients cannot create series, and the page is valid.
  expect(metrics.text.match(/^mcpstead_mcp_requests_total/gm)?.length).toBe(seriesBefore);
  expect(parsePage(metrics.text).size).toBeGreaterThan(0);
});

test('a request for a session that has ended is counted under its own method', async () => {
  await using gateway = await startGateway({ servers: [] });
  const body = { jsonrpc: '2.0', id: 1, method: 'ping' };
  await rawPost(gateway.url, body, { 'mcp-session-id': 'unknown' });
  const labels = { method: 'ping', result: 'error' };
  expect((await gateway.metrics()).value('mcpstead_mcp_requests_total', labels)).toBe(1);
});

test('a call that outlives its tool leaves no series of that tool behind', async () => {
  const tools = ['echo', 'gone'].map((name) => ({ name, inputSchema: { type: 'object' } }));
  const held = Promise.withResolvers<void>();
  await using upstream = await fakeUpstream({
    async onPost({ method, id }) {
      if (method === 'tools/list') return rpcResult(id, { tools });
      if (method !== 'tools/call') return undefined;
      await held.promise;
      return rpcResult(id, { content: [] });
    },
  });
  await using gateway = await startGateway({
    servers: [{ name: 'up', url: upstream.url, tools: { ttl_seconds: 0.1 } }],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const count = async () =>
    (await gateway.metrics()).value('mcpstead_tool_call_duration_seconds_count', {
      server: 'up',
      tool: 'gone',
    });
  const call = session.request('tools/call', { name: 'up__gone', arguments: {} });
  await waitUntil('the call', () => upstream.messages('tools/call').length === 1);
  expect(await count()).toBe(0);
  tools.pop();
  await waitUntil('the list without it', async () => (await count()) === undefined);
  held.resolve();
  expect((await call).answer.result).toEqual({ content: [] });
  expect(await count()).toBeUndefined();
});
