import { expect, test } from 'bun:test';
import { rpcError, rpcResult } from '../support/answers.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { type LogLevel, startGateway, type TestGateway } from '../support/gateway.ts';
import { askModern } from '../support/modern-rpc.ts';
import { RawSession, rawPost } from '../support/rpc.ts';
import { waitUntil } from '../support/wait.ts';

type Line = Record<string, unknown> & { message: string };

/** The lines of the log with that message, without the time. */
function linesOf(gateway: TestGateway, ...messages: string[]): Line[] {
  const lines = gateway.logs.map((text) => JSON.parse(text) as Line);
  return lines
    .filter(({ message }) => messages.includes(message))
    .map(({ time: _time, ...rest }) => rest as Line);
}

/** A gateway with one upstream; the argument `how` of a call selects its failure. */
async function start(level: LogLevel) {
  const upstream = await fakeUpstream({
    onPost: ({ id, method, params }) => {
      if (method !== 'tools/call') return undefined;
      const how = (params as { arguments?: { how?: string } }).arguments?.how;
      if (how === 'error') return rpcError(id, -32055, 'no');
      return rpcResult(id, { content: [], ...(how === 'failed' && { isError: true }) });
    },
  });
  const gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }], logging: { level } });
  await gateway.connected();
  return {
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

test('at level debug each request of a client is one line with its outcome', async () => {
  await using started = await start('debug');
  const { gateway } = started;
  const session = await RawSession.open(gateway.url);
  for (const how of ['well', 'failed', 'error']) {
    await session.request('tools/call', { name: 'up__echo', arguments: { how } });
  }
  await session.request('tools/call', { name: 'up__unknown' });
  await session.request('tools/list', {});
  await rawPost(gateway.url, { jsonrpc: '2.0', id: 1, method: 'no/such' });
  await rawPost(gateway.url, { jsonrpc: '2.0', id: 1, method: 'ping' }, { 'mcp-session-id': 'none' });
  await session[Symbol.asyncDispose]();

  const shown = expect.stringMatching(/^.{8}$/);
  const common = {
    message: 'client request answered',
    level: 'debug',
    era: 'legacy',
    session: shown,
    duration_ms: expect.any(Number),
  };
  const call = { ...common, method: 'tools/call', tool: 'up__echo', server: 'up' };
  expect(linesOf(gateway, 'client session opened')).toEqual([
    {
      message: 'client session opened',
      level: 'debug',
      method: 'initialize',
      client: expect.any(String),
      session: shown,
      duration_ms: expect.any(Number),
      outcome: 'ok',
    },
  ]);
  expect(linesOf(gateway, 'client request answered')).toEqual([
    { ...call, outcome: 'ok' },
    { ...call, outcome: 'tool_error' },
    { ...call, outcome: 'error', code: -32055 },
    { ...call, tool: 'up__unknown', outcome: 'error', code: -32602 },
    { ...common, method: 'tools/list', outcome: 'ok' },
    {
      message: 'client request answered',
      level: 'debug',
      method: 'no/such',
      era: 'legacy',
      duration_ms: expect.any(Number),
      outcome: 'error',
      code: -32601,
    },
  ]);
  expect(linesOf(gateway, 'client request refused')).toEqual([
    {
      message: 'client request refused',
      level: 'debug',
      method: 'ping',
      outcome: 'error',
      code: -32001,
      cause: expect.stringContaining('Session not found'),
    },
  ]);
  // A whole id would let readers of the log take over the session.
  const sessions = linesOf(gateway, 'client session opened', 'client ended its session');
  expect(new Set(sessions.map((line) => line.session)).size).toBe(1);
  expect(gateway.logs.join('')).not.toContain(session.id as string);
});

test('at level debug a request of the modern era is a line without a session', async () => {
  await using started = await start('debug');
  const { gateway } = started;
  await gateway.connected();
  await askModern(gateway.url, 'tools/call', { params: { name: 'up__echo', arguments: { how: 'well' } } });
  const [line] = linesOf(gateway, 'client request answered');
  expect(line).toMatchObject({
    method: 'tools/call',
    tool: 'up__echo',
    server: 'up',
    era: 'modern',
    outcome: 'ok',
  });
  expect(line).not.toHaveProperty('session');
});

test('at level debug the reason of a failed call is logged', async () => {
  await using gateway = await startGateway({ servers: [{ name: 'down', url: 'http://127.0.0.1:1/mcp' }] });
  await gateway.waitFor('the failure', ({ servers }) => servers[0]?.last_error !== null);
  await rawPost(gateway.url, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'down__x' } });

  expect(linesOf(gateway, 'client request answered')).toMatchObject([
    { tool: 'down__x', server: 'down', outcome: 'error', code: -32000, reason: 'upstream_disconnected' },
  ]);
});

test('at level trace each message is a line, on both sides and in both directions', async () => {
  await using started = await start('trace');
  const { gateway } = started;
  await waitUntil('the list', () => linesOf(gateway, 'response from upstream').length >= 3);
  const before = linesOf(gateway, 'request to upstream', 'notification to upstream');
  expect(before.map(({ method, server }) => [method, server])).toEqual([
    ['server/discover', 'up'],
    ['initialize', 'up'],
    ['notifications/initialized', 'up'],
    ['tools/list', 'up'],
  ]);
  await using session = await RawSession.open(gateway.url);
  const params = { name: 'up__echo', arguments: { how: 'well' } };
  const text = JSON.stringify({ jsonrpc: '2.0', id: 'a "7"', method: 'tools/call', params });
  await rawPost(gateway.url, JSON.parse(text), { 'mcp-session-id': session.id as string });

  const lines = linesOf(
    gateway,
    'request from client',
    'request to upstream',
    'response from upstream',
    'response to client',
  ).slice(-4);
  expect(lines).toEqual([
    {
      message: 'request from client',
      level: 'trace',
      method: 'tools/call',
      id: '"a \\"7\\""',
      size: text.length,
      session: expect.stringMatching(/^.{8}$/),
    },
    {
      message: 'request to upstream',
      level: 'trace',
      server: 'up',
      method: 'tools/call',
      id: expect.stringMatching(/^\d+$/),
      size: expect.any(Number),
    },
    {
      message: 'response from upstream',
      level: 'trace',
      server: 'up',
      id: lines[1]?.id as string,
      size: expect.any(Number),
    },
    {
      message: 'response to client',
      level: 'trace',
      id: '"a \\"7\\""',
      size: expect.any(Number),
      session: expect.stringMatching(/^.{8}$/),
    },
  ]);
});

test('at level info no request is logged', async () => {
  await using started = await start('info');
  const { gateway } = started;
  await using session = await RawSession.open(gateway.url);
  const before = gateway.logs.length;
  await session.request('tools/call', { name: 'up__echo', arguments: { how: 'error' } });

  expect(gateway.logs.slice(before)).toEqual([]);
});
