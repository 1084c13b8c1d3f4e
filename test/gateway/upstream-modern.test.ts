import { describe, expect, test } from 'bun:test';
import { rpcError, rpcResult } from '../support/answers.ts';
import { connectV2 } from '../support/clients.ts';
import { fakeModern } from '../support/fake-modern.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { promptReconnect, startGateway } from '../support/gateway.ts';
import { askModern } from '../support/modern-rpc.ts';
import { RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil } from '../support/wait.ts';

failOnStrayErrors();

const reconnect = promptReconnect;

describe('a server of the modern era', () => {
  test('is found, and called without a session', async () => {
    await using upstream = await fakeModern();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    expect((await gateway.health()).servers[0]).toMatchObject({
      protocol: 'streamable',
      era: 'modern',
      protocol_version: '2026-07-28',
      last_error: null,
    });
    await using session = await RawSession.open(gateway.url);
    expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
    await session.callText('up__echo', { a: 2 });
    expect(upstream.received.map(({ httpMethod }) => httpMethod)).not.toContain('GET');
    // A server of both eras lists only the newer one, so that the first legacy client has the older one tried.
    expect(upstream.messages('initialize')).toHaveLength(1);
    for (const { headers, message } of upstream.received) {
      if (message.method === 'initialize') continue;
      expect(headers.get('mcp-session-id')).toBeNull();
      expect(headers.get('mcp-protocol-version')).toBe('2026-07-28');
      expect(headers.get('mcp-method')).toBe(message.method ?? '');
      expect(message.params._meta['io.modelcontextprotocol/protocolVersion']).toBe('2026-07-28');
    }
  });

  test('that issues a session id all the same gets none back', async () => {
    await using upstream = await fakeModern({
      onPost: ({ id, method }) =>
        method === 'tools/list'
          ? rpcResult(
              id,
              { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] },
              { headers: { 'mcp-session-id': 's' } },
            )
          : undefined,
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    await session.callText('up__echo', {});
    await gateway.reload({ servers: [] });
    expect(upstream.received.some(({ headers }) => headers.has('mcp-session-id'))).toBe(false);
    expect(upstream.received.some(({ httpMethod }) => httpMethod !== 'POST')).toBe(false);
  });

  test('is not misjudged if its first answer takes 2 s', async () => {
    await using upstream = await fakeModern({
      async onPost({ method }) {
        if (method === 'server/discover') await Bun.sleep(2_000);
        return undefined;
      },
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    expect((await gateway.health()).servers[0]?.era).toBe('modern');
    expect(upstream.messages('initialize')).toEqual([]);
  });

  test('that restarts is found again, with what it lists then', async () => {
    let name = 'before';
    await using upstream = await fakeModern({ tools: () => [{ name, inputSchema: { type: 'object' } }] });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    await gateway.connected();
    await upstream.stop();
    name = 'after';
    await upstream.start();
    await using session = await RawSession.open(gateway.url);
    await waitUntil('the new list', async () => {
      const { answer } = await session.request('tools/list');
      return answer.result.tools[0]?.name === 'up__after';
    });
    expect(await session.callText('up__after', { a: 1 })).toBe('{"a":1}');
  });

  test('has its list fetched as soon as its own ttlMs is over, though not sooner than after a second', async () => {
    await using upstream = await fakeModern({ listMembers: { ttlMs: 10, cacheScope: 'private' } });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await Bun.sleep(600);
    expect(upstream.messages('tools/list')).toHaveLength(1);
    await waitUntil('the second list', () => upstream.messages('tools/list').length === 2, 3_000);
  });

  test('announces a change on the stream that was open before its lists were fetched', async () => {
    let name = 'before';
    await using upstream = await fakeModern({ tools: () => [{ name, inputSchema: { type: 'object' } }] });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    const methods = upstream.received.map(({ message }) => message.method);
    expect(methods.indexOf('subscriptions/listen')).toBeLessThan(methods.indexOf('tools/list'));
    expect(upstream.streams[0]?.filter).toEqual({ toolsListChanged: true });
    name = 'after';
    upstream.streams[0]?.channel.send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    await using session = await RawSession.open(gateway.url);
    await waitUntil('the new list', async () => {
      const { answer } = await session.request('tools/list');
      return answer.result.tools[0]?.name === 'up__after';
    });
    await gateway.reload({ servers: [] });
    await waitUntil('the end of the stream', () => upstream.streams.every(({ channel }) => channel.closed));
  });

  test('gets annotated arguments in headers, the latest ones after a refusal', async () => {
    let header = 'Old';
    await using upstream = await fakeModern({
      tools: () => [
        {
          name: 'query',
          inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': header } } },
        },
        {
          name: 'wrong',
          inputSchema: { type: 'object', properties: { n: { type: 'number', 'x-mcp-header': 'N' } } },
        },
      ],
      onPost({ id, method }, { headers }) {
        if (method !== 'tools/call' || headers.has(`mcp-param-${header.toLowerCase()}`)) return undefined;
        return rpcError(id, -32020, 'a header is missing', { status: 400 });
      },
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const { answer } = await session.request('tools/list');
    expect(answer.result.tools.map((tool: { name: string }) => tool.name)).toEqual(['up__query']);
    expect(gateway.logs.join('')).toContain(
      '\\"wrong\\" is left out: its x-mcp-header \\"N\\" is at a parameter',
    );

    expect(await session.callText('up__query', { region: 'Zürich' })).toBe('{"region":"Zürich"}');
    header = 'New';
    expect(await session.callText('up__query', { region: 'Zürich' })).toBe('{"region":"Zürich"}');
    const calls = upstream.received.filter(({ message }) => message.method === 'tools/call');
    expect(calls.map(({ headers }) => [headers.get('mcp-param-old'), headers.get('mcp-param-new')])).toEqual([
      ['=?base64?WsO8cmljaA==?=', null],
      ['=?base64?WsO8cmljaA==?=', null],
      [null, '=?base64?WsO8cmljaA==?='],
    ]);
  });

  test('that is downgraded is called as a legacy one', async () => {
    let isModern = true;
    const serverInfo = { name: 'old', version: '1' };
    await using upstream = await fakeModern({
      onPost({ id, method }) {
        if (isModern) return undefined;
        if (method === 'initialize')
          return rpcResult(id, { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo });
        if (method === 'server/discover') return rpcError(id, -32601, 'Method not found');
        return id === undefined ? new Response(null, { status: 202 }) : undefined;
      },
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    await gateway.connected();
    isModern = false;
    upstream.streams[0]?.channel.end();
    await gateway.waitFor('the other era', ({ servers }) => servers[0]?.era === 'legacy');
    await using session = await RawSession.open(gateway.url);
    expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
  });

  test('whose downgrade shows in the refusal of a call has that call sent again, in the other era', async () => {
    let isModern = true;
    const serverInfo = { name: 'old', version: '1' };
    const error = { code: -32022, message: 'no', data: { supported: ['2025-11-25'] } };
    await using upstream = await fakeModern({
      onPost({ id, method, params }) {
        if (isModern) return undefined;
        if (method === 'initialize')
          return rpcResult(id, { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo });
        if (params?._meta !== undefined)
          return Response.json({ jsonrpc: '2.0', id: id ?? null, error }, { status: 400 });
        return id === undefined ? new Response(null, { status: 202 }) : undefined;
      },
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    await gateway.connected();
    isModern = false;
    const { answer } = await askModern(gateway.url, 'tools/call', {
      params: { name: 'up__echo', arguments: { a: 1 } },
    });
    expect(answer.result).toMatchObject({ content: [{ text: '{"a":1}' }] });
    expect((await gateway.health()).servers[0]?.era).toBe('legacy');
  });

  test('that asks for input on a method that has none fails the request at once', async () => {
    await using upstream = await fakeModern({
      discovery: { capabilities: { tools: {}, prompts: {}, completions: {} } },
      onPost({ id, method }) {
        if (method === 'prompts/list')
          return rpcResult(id, { resultType: 'complete', prompts: [{ name: 'p' }] });
        if (method !== 'completion/complete') return undefined;
        return rpcResult(id, { resultType: 'input_required', requestState: 's' });
      },
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    await gateway.connected();
    const params = { ref: { type: 'ref/prompt', name: 'up__p' }, argument: { name: 'x', value: '' } };
    const error = {
      message: expect.stringContaining('asked for input, which the protocol does not allow on this method'),
      data: { server: 'up', reason: 'upstream_protocol_error' },
    };
    await using session = await RawSession.open(gateway.url);
    const legacy = await session.request('completion/complete', params);
    expect(legacy.answer.error).toMatchObject({ code: -32000, ...error });
    const modern = await askModern(gateway.url, 'completion/complete', { params });
    expect(modern.answer.error).toMatchObject({ code: -32603, ...error });
    expect(upstream.messages('completion/complete')).toHaveLength(2);
  });

  test.each([-32020, -32022])(
    'that refuses what only the gateway can mend fails the call: %d',
    async (code) => {
      await using upstream = await fakeModern({
        onPost: ({ id, method }) =>
          method === 'tools/call' ? rpcError(id, code, 'no', { status: 400 }) : undefined,
      });
      await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
      await gateway.connected();
      const data = { server: 'up', reason: 'upstream_protocol_error' };
      await using session = await RawSession.open(gateway.url);
      const called = { name: 'up__echo', arguments: {} };
      expect((await session.request('tools/call', called)).answer.error).toMatchObject({
        code: -32000,
        data,
      });
      const { status, answer } = await askModern(gateway.url, 'tools/call', { params: called });
      expect([status, answer.error]).toMatchObject([200, { code: -32603, data }]);
    },
  );
});

test('a server of both eras is called in the era of each client, whatever it lists', async () => {
  const serverInfo = { name: 'both', version: '1' };
  await using upstream = await fakeModern({
    onPost({ id, method, params }) {
      if (method === 'initialize')
        return rpcResult(id, { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo });
      if (method === 'notifications/initialized') return new Response(null, { status: 202 });
      return method === 'tools/call'
        ? rpcResult(id, {
            content: [{ type: 'text', text: params._meta === undefined ? 'legacy' : 'modern' }],
          })
        : undefined;
    },
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using old = await RawSession.open(gateway.url);
  expect(await old.callText('up__echo', {})).toBe('legacy');
  const { client } = await connectV2(gateway.url, 'auto');
  expect(await client.callTool({ name: 'up__echo' })).toMatchObject({ content: [{ text: 'modern' }] });
  await client.close();
});

describe('what decides nothing about the era has no `initialize` follow', () => {
  test.each([401, 403, 429, 500, 502, 503, 504])('HTTP %d', async (status) => {
    await using upstream = await fakeUpstream({
      onDiscover: ({ id }) => rpcError(id, -32601, 'no', { status }),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    await gateway.waitFor('the failure', ({ servers }) => servers[0]?.last_error !== null);
    expect(upstream.messages('initialize')).toEqual([]);
  });

  test.each([-32020, -32021, -32022])('the error %d', async (code) => {
    await using upstream = await fakeUpstream({
      onDiscover: ({ id }) => rpcError(id, code, 'no', { status: 400 }),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    const { servers } = await gateway.waitFor(
      'the failure',
      (health) => health.servers[0]?.last_error !== null,
    );
    expect(servers[0]?.last_error).toBe(`refused server/discover: no (error ${code})`);
    expect(upstream.messages('initialize')).toEqual([]);
  });

  test('silence', async () => {
    await using upstream = await fakeUpstream({ onDiscover: () => new Promise<undefined>(() => {}) });
    const timeouts = { connect_seconds: 0.2 };
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, timeouts, reconnect }],
    });
    const { servers } = await gateway.waitFor(
      'the failure',
      (health) => health.servers[0]?.last_error !== null,
    );
    expect(servers[0]?.last_error).toBe('did not initialize within 0.2 s');
    expect(upstream.messages('initialize')).toEqual([]);
  });

  test('a page', async () => {
    await using upstream = await fakeUpstream({ onDiscover: () => new Response('<html>welcome</html>') });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    await gateway.waitFor('the failure', ({ servers }) => servers[0]?.last_error !== null);
    expect(upstream.messages('initialize')).toEqual([]);
  });
});

test.each([
  ['an unknown method', (id: unknown) => rpcError(id as number, -32601, 'no')],
  ['a missing session', () => new Response('Bad Request: No valid session ID provided', { status: 400 })],
  ['a status without a body', () => new Response(null, { status: 404 })],
  ['only older versions', (id: unknown) => rpcResult(id as number, { supportedVersions: ['2025-11-25'] })],
])('%s in answer to the probe means a legacy server', async (_what, answer) => {
  await using upstream = await fakeUpstream({ onDiscover: ({ id }) => answer(id) });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  expect((await gateway.health()).servers[0]?.era).toBe('legacy');
  await using session = await RawSession.open(gateway.url);
  expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
});
