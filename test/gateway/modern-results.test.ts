import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { rpcResult } from '../support/answers.ts';
import { fakeModern } from '../support/fake-modern.ts';
import { type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { askModern, postModern } from '../support/modern-rpc.ts';
import { RawSession, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();

const stack = new AsyncDisposableStack();
let upstream: FakeUpstream;
let gateway: TestGateway;
/** The upstream's answer to a call. */
let answer: (message: RpcMessage) => Response;
const tool = { name: 'echo', inputSchema: { type: 'object' as const } };
beforeAll(async () => {
  upstream = stack.use(
    await fakeUpstream({
      sessions: false,
      onPost(message) {
        if (message.method === 'tools/call' || message.method === 'resources/read') return answer(message);
        if (message.method === 'tools/list') return rpcResult(message.id, { tools: [tool] });
        if (message.method === 'initialize')
          return rpcResult(message.id, {
            protocolVersion: '2025-11-25',
            serverInfo: { name: 'fake', version: '1' },
            capabilities: { tools: {}, resources: {} },
          });
        if (message.method === 'resources/list')
          return rpcResult(message.id, { resources: [{ uri: 'test://a', name: 'a' }] });
        return undefined;
      },
    }),
  );
  gateway = stack.use(
    await startGateway({ servers: [{ name: 'up', url: upstream.url, tools: { ttl_seconds: 100 } }] }),
  );
  await gateway.connected();
});
afterAll(() => stack.disposeAsync());

const serverInfo = {
  'io.modelcontextprotocol/serverInfo': { name: 'mcpstead', version: expect.any(String) },
};
const call = (params: object = {}) =>
  askModern(gateway.url, 'tools/call', { params: { name: 'up__echo', ...params } });

/** The result of a call to which the upstream answers with a result of this text. */
async function resultOf(text: string): Promise<RpcMessage['result']> {
  answer = ({ id }) =>
    new Response(`{"jsonrpc":"2.0","id":${id},"result":${text}}`, {
      headers: { 'content-type': 'application/json' },
    });
  const { status, answer: answered } = await call();
  expect(status).toBe(200);
  return answered.result;
}

test('a long result of a modern server that has nothing of its own is complete', async () => {
  const _meta = { 'io.modelcontextprotocol/serverInfo': { name: 'x'.repeat(200_000), version: '1' } };
  await using modern = await fakeModern({
    onPost: ({ id, method }) =>
      method === 'tools/call' ? rpcResult(id, { resultType: 'complete', _meta }) : undefined,
  });
  await using front = await startGateway({ servers: [{ name: 'up', url: modern.url }] });
  await front.connected();
  const { answer: answered } = await askModern(front.url, 'tools/call', { params: { name: 'up__echo' } });
  expect(answered.result).toEqual({ resultType: 'complete', _meta: serverInfo });
});

describe('a result of a legacy server', () => {
  test.each([
    ['{}', {}],
    ['{ }', {}],
    ['{"content":[]}', { content: [] }],
    ['{"content":[{"_meta":{"a":1},"resultType":"x"}]}', { content: [{ _meta: { a: 1 }, resultType: 'x' }] }],
  ])('is complete and names the gateway: %s', async (text, members) => {
    expect(await resultOf(text)).toEqual({ ...members, resultType: 'complete', _meta: serverInfo });
  });

  test('keeps its own _meta, and loses what only a modern server may say', async () => {
    const text =
      '{"resultType":"task","_meta":{"a":1,"io.modelcontextprotocol/serverInfo":{"name":"x"}},"content":[],"n":12345678901234567890}';
    expect(await resultOf(text)).toEqual({
      resultType: 'complete',
      _meta: { a: 1, ...serverInfo },
      content: [],
      n: Number('12345678901234567890'),
    });
  });

  test.each([20_000, 200_000])('is complete if it has no member in %p characters', async (chars) => {
    expect(await resultOf(`{${' '.repeat(chars)}}`)).toEqual({ resultType: 'complete', _meta: serverInfo });
  });

  test('is complete if it is long, too, with or without an own _meta', async () => {
    for (const [own, meta] of [
      ['', serverInfo],
      [',"_meta":{"a":1}', { a: 1 }],
    ] as const) {
      for (const chars of [20_000, 200_000, 2_000_000]) {
        const data = 'x'.repeat(chars);
        const isShort = chars < 65_536;
        const result = await resultOf(`{"content":[{"type":"text","text":"${data}"}]${own}}`);
        expect(result.content[0].text.length).toBe(chars);
        expect(result.resultType).toBe('complete');
        expect(result._meta).toEqual(isShort ? { ...meta, ...serverInfo } : meta);
      }
    }
  });

  test.each([
    ['_meta', 'result'],
    ['data', 'error'],
  ])('that has too many members in its %s becomes an error', async (member, kind) => {
    const many = `{${'"":1,'.repeat(10_000)}"":1}`;
    answer = ({ id }) =>
      new Response(
        `{"jsonrpc":"2.0","id":${id},"${kind}":{"code":-32002,"message":"no","${member}":${many}}}`,
        { headers: { 'content-type': 'application/json' } },
      );
    const { status, answer: answered } = await call({ uri: 'test://a' });
    expect([status, answered.error]).toEqual([
      200,
      {
        code: -32603,
        message: 'upstream "up": answered with more than 10000 members in an object',
        data: { server: 'up', reason: 'upstream_protocol_error' },
      },
    ]);
  });

  test('may be an error of its tool', async () => {
    const result = await resultOf('{"content":[],"isError":true}');
    expect(result).toEqual({ content: [], isError: true, resultType: 'complete', _meta: serverInfo });
  });

  test('keeps its own _meta in an error of its tool, too, however the names are escaped', async () => {
    const text = String.raw`{"isError":true,"\u005fmeta":{"a":1},"result\u0054ype":"odd","content":[]}`;
    answer = ({ id }) =>
      new Response(`{"jsonrpc":"2.0","id":${id},"result":${text}}`, {
        headers: { 'content-type': 'application/json' },
      });
    const answered = await (
      await postModern(gateway.url, 'tools/call', { params: { name: 'up__echo' } })
    ).text();
    expect(answered).not.toContain('"odd"');
    expect(JSON.parse(answered).result).toEqual({
      isError: true,
      _meta: { a: 1, ...serverInfo },
      resultType: 'complete',
      content: [],
    });
  });
});

describe('a result of a modern server', () => {
  const named = (name: string) => `"io.modelcontextprotocol/serverInfo":{"name":"${name}","version":"1"}`;
  const complete = '"resultType":"complete"';
  const big = '"big":12345678901234567890';

  test.each([
    [`{${complete},"_meta":{${named('a')}},"content":[]}`, { content: [] }, {}],
    [`{${complete},"_meta":{${named('a')}},"content":[]}`, { content: [] }, {}],
    [`{"content":[],"_meta":{${named('b')}},${complete}}`, { content: [] }, {}],
    [`{ "content" : [] , "_meta" : { ${named('a')} , "x" : 1 } , ${complete} }`, { content: [] }, { x: 1 }],
    [`{"content":[],"_meta":{"x":1},${complete}}`, { content: [] }, { x: 1 }],
    [`{"content":[],${complete}}`, { content: [] }, {}],
    [`{"_meta":7,"content":[],"resultType":"odd",${complete}}`, { content: [] }, {}],
    [`{"\\u005fmeta":{${named('a')}},"_meta":{${named('b')}},"content":[],${complete}}`, { content: [] }, {}],
    [
      `{"content":[{"_meta":{${named('a')}}}],${complete}}`,
      { content: [{ _meta: JSON.parse(`{${named('a')}}`) }] },
      {},
    ],
  ])('names the gateway in place of it: %s', async (text, members, meta) => {
    await using modern = await fakeModern({
      onPost: ({ id, method }) =>
        method === 'tools/call'
          ? new Response(`{"jsonrpc":"2.0","id":${id},"result":${text.slice(0, -1)},${big}}}`, {
              headers: { 'content-type': 'application/json' },
            })
          : undefined,
    });
    await using before = await startGateway({ servers: [{ name: 'up', url: modern.url }] });
    await before.connected();
    // The second answer is like the first.
    for (let i = 0; i < 2; i++) {
      const response = await postModern(before.url, 'tools/call', { params: { name: 'up__echo' } });
      const answered = await response.text();
      expect(answered).toContain(big);
      expect(answered.match(/"resultType":"complete"/g)).toHaveLength(1);
      const { big: _, ...result } = JSON.parse(answered).result;
      expect(result).toEqual({ ...members, resultType: 'complete', _meta: { ...meta, ...serverInfo } });
    }
    await using session = await RawSession.open(before.url);
    const { answer: legacy } = await session.request('tools/call', { name: 'up__echo' });
    const { big: _, _meta = {}, ...rest } = legacy.result;
    expect([rest, _meta === 7 ? {} : _meta]).toEqual([members, meta]);
  });

  const manyMembers = Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`k${i}`, 1]));
  const tooMany = 'answered with more than 10000 members in an object';

  test('that has too many members in its _meta fails the calls of clients of both eras', async () => {
    await using modern = await fakeModern({
      onPost: ({ id, method }) =>
        method === 'tools/call'
          ? rpcResult(id, { resultType: 'complete', content: [], _meta: manyMembers })
          : undefined,
    });
    await using before = await startGateway({ servers: [{ name: 'up', url: modern.url }] });
    await before.connected();
    const failure = {
      message: `upstream "up": ${tooMany}`,
      data: { server: 'up', reason: 'upstream_protocol_error' },
    };
    const params = { name: 'up__echo' };
    const { answer } = await askModern(before.url, 'tools/call', { params });
    expect(answer.error).toEqual({ code: -32603, ...failure });
    await using session = await RawSession.open(before.url);
    const { answer: legacy } = await session.request('tools/call', params);
    expect(legacy.error).toEqual({ code: -32000, ...failure });
  });

  test('that asks with too many members fails the calls of clients of both eras', async () => {
    const asked = { method: 'elicitation/create', ...manyMembers };
    await using modern = await fakeModern({
      onPost: ({ id, method }) =>
        method === 'tools/call'
          ? rpcResult(id, { resultType: 'input_required', inputRequests: { asked } })
          : undefined,
    });
    await using before = await startGateway({ servers: [{ name: 'up', url: modern.url }] });
    await before.connected();
    const message = `upstream "up": ${tooMany}`;
    const params = { name: 'up__echo' };
    const { answer } = await askModern(before.url, 'tools/call', { params });
    expect(answer.error).toMatchObject({ code: -32603, message });
    await using session = await RawSession.open(before.url);
    const { answer: legacy } = await session.request('tools/call', params);
    expect(legacy.error).toMatchObject({ code: -32000, message });
  });

  test('that has too many members in the _meta of its list makes its server fail, which says why', async () => {
    await using modern = await fakeModern({ listMembers: { _meta: manyMembers } });
    await using before = await startGateway({ servers: [{ name: 'up', url: modern.url }] });
    const { servers } = await before.waitFor(
      'the failure',
      (health) => health.servers[0]?.last_error !== null,
    );
    expect(servers[0]).toMatchObject({ connected: false, last_error: expect.stringContaining(tooMany) });
  });
});

describe('an error of a legacy server', () => {
  const errorOf = async (error: object, method = 'tools/call', params: object = { name: 'up__echo' }) => {
    answer = ({ id }) => Response.json({ jsonrpc: '2.0', id, error });
    const { status, answer: answered } = await askModern(gateway.url, method, { params: { ...params } });
    return { status, error: answered.error };
  };

  test('keeps its code, its message and its data', async () => {
    const error = { code: -32050, message: 'odd', data: { a: 1 } };
    expect(await errorOf(error)).toEqual({ status: 200, error });
  });

  test.each([-32020, -32021, -32022])(
    'keeps its message and its data, but no code that blames the request of the client: %d',
    async (code) => {
      const said = { message: 'odd', data: { a: 1 } };
      expect(await errorOf({ code, ...said })).toEqual({ status: 200, error: { code: -32603, ...said } });
    },
  );

  test('that a resource does not exist is of the modern code, and names the resource', async () => {
    const read = { uri: 'test://a' };
    for (const data of [undefined, { uri: 'test://a' }, { uri: 'test://other' }, 'text']) {
      const { status, error } = await errorOf(
        { code: -32002, message: 'gone', data },
        'resources/read',
        read,
      );
      expect([status, error]).toEqual([200, { code: -32602, message: 'gone', data: { uri: 'test://a' } }]);
    }
    const kept = await errorOf({ code: -32002, message: 'gone', data: { a: 1 } }, 'resources/read', read);
    expect(kept.error?.data).toEqual({ a: 1, uri: 'test://a' });
  });

  test('that the client lacks a capability is HTTP 400', async () => {
    const error = { code: -32021, message: 'no', data: { requiredCapabilities: { sampling: {} } } };
    expect(await errorOf(error)).toEqual({ status: 400, error });
  });

  test('that a method is unknown stays HTTP 200', async () => {
    const { status, error } = await errorOf({ code: -32601, message: 'no' });
    expect([status, error?.code]).toEqual([200, -32601]);
  });
});

describe('the own errors of the gateway', () => {
  test.each([
    ['an unknown tool', 'tools/call', { name: 'up__none' }, 200, -32602],
    ['an unknown prompt', 'prompts/get', { name: 'up__none' }, 200, -32602],
    ['a bad cursor', 'tools/list', { cursor: 'x' }, 200, -32602],
    ['a bad argument', 'tools/call', { name: 'up__echo', arguments: 7 }, 200, -32602],
  ])('have a code of the modern era: %s', async (_, method, params, status, code) => {
    const { status: answered, answer: message } = await askModern(gateway.url, method, { params });
    expect([answered, message.error?.code]).toEqual([status, code]);
  });

  test('name a resource that nobody has', async () => {
    const params = { uri: 'test://nobody' };
    const { status, answer: message } = await askModern(gateway.url, 'resources/read', { params });
    expect([status, message.error?.code, message.error?.data]).toEqual([
      200,
      -32602,
      { uri: 'test://nobody' },
    ]);
  });

  test('say which server failed, and why', async () => {
    answer = () => new Response('oops', { status: 500 });
    const { status, answer: message } = await call();
    expect([status, message.error?.code]).toEqual([200, -32603]);
    expect(message.error?.data).toMatchObject({ server: 'up', reason: 'upstream_protocol_error' });
  });
});

describe('a cacheable result', () => {
  test.each(['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'server/discover'])(
    'is fresh until its servers are asked again: %s',
    async (method) => {
      const { answer: message } = await askModern(gateway.url, method);
      expect(message.result.cacheScope).toBe('public');
      expect(message.result.ttlMs).toBeGreaterThan(50_000);
      expect(message.result.ttlMs).toBeLessThanOrEqual(100_000);
    },
  );

  test('of a resource is not to be cached, as its legacy server says nothing of it', async () => {
    answer = ({ id }) => rpcResult(id, { contents: [{ uri: 'test://a', text: 't' }] });
    const { answer: message } = await askModern(gateway.url, 'resources/read', {
      params: { uri: 'test://a' },
    });
    expect(message.result).toMatchObject({ ttlMs: 0, cacheScope: 'private', resultType: 'complete' });
  });

  test('is private if clients need a token', async () => {
    const config = { servers: [{ name: 'up', url: upstream.url }], mcp: { auth: { mode: 'bearer' } } };
    await using guarded = await startGateway(config, { MCPSTEAD_BEARER_TOKEN: 'secret-token-of-the-test' });
    const headers = { authorization: 'Bearer secret-token-of-the-test' };
    const { answer: message } = await askModern(guarded.url, 'tools/list', { headers });
    expect(message.result.cacheScope).toBe('private');
  });

  test('is stale at once while a server is out of reach', async () => {
    const unreachable = { name: 'down', url: 'http://127.0.0.1:1/mcp' };
    await using partly = await startGateway({ servers: [{ name: 'up', url: upstream.url }, unreachable] });
    await partly.connected('up');
    const { answer: message } = await askModern(partly.url, 'tools/list');
    expect(message.result.ttlMs).toBeLessThan(2_000);
  });

  test('has hints only where the specification wants them', async () => {
    answer = ({ id }) => rpcResult(id, { content: [] });
    const { answer: message } = await call();
    expect(Object.keys(message.result).sort()).toEqual(['_meta', 'content', 'resultType']);
  });
});

test('the gateway describes itself in the result of server/discover', async () => {
  const { status, answer: message } = await askModern(gateway.url, 'server/discover');
  expect(status).toBe(200);
  expect(message.result).toMatchObject({
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: {
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      completions: {},
      logging: {},
    },
    _meta: serverInfo,
  });
});

test('an upstream of the legacy era gets nothing that is of the modern one', async () => {
  answer = ({ id }) => rpcResult(id, { content: [] });
  const before = upstream.messages('tools/call').length;
  await call({ arguments: { a: 1 }, _meta: { traceparent: '00-1-2-01', progressToken: 'p' } });
  await call({ arguments: { a: 1 } });
  const [traced, plain] = upstream.messages('tools/call').slice(before);
  expect(traced?.params).toEqual({
    name: 'echo',
    arguments: { a: 1 },
    _meta: { traceparent: '00-1-2-01', progressToken: expect.any(Number) },
  });
  expect(plain?.params).toEqual({ name: 'echo', arguments: { a: 1 } });
});
