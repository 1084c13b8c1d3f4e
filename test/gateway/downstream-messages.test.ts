import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { rpcResult } from '../support/answers.ts';
import { type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { type RpcMessage, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  // The default answer would parse the arguments, which may be too deep for that here.
  upstream = await fakeUpstream({
    onPost: ({ method, id }) => (method === 'tools/call' ? rpcResult(id, { content: [] }) : undefined),
  });
  gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** The status and the text of the response to a body. */
async function post(body: unknown): Promise<[number, string]> {
  const response = await rawPost(gateway.url, body);
  return [response.status, await response.text()];
}

async function codeOf(body: unknown): Promise<[number, number | undefined]> {
  const [status, text] = await post(body);
  return [status, (JSON.parse(text) as RpcMessage).error?.code];
}

const ping = (id: unknown) => ({ jsonrpc: '2.0', id, method: 'ping' });
const notification = { jsonrpc: '2.0', method: 'notifications/initialized' };
const pong = (idText: string) => `{"jsonrpc":"2.0","id":${idText},"result":{}}`;

describe('an id comes back as it was sent', () => {
  test.each([
    '0',
    '-1',
    '1.5',
    '1.0',
    '1e2',
    '12345678901234567890',
    '""',
    '"a"',
    String.raw`"\u00e9\/\ud800"`,
    '"1"',
    `"${'x'.repeat(1_022)}"`,
  ])('%.40s', async (idText) => {
    const text = `{"id":${idText},"jsonrpc":"2.0","method":"ping"}`;
    expect(await post(text)).toEqual([200, pong(idText)]);
  });

  test.each(['null', 'true', '[]', '{}', '[1]', '1e999'])('but %s is refused', async (idText) => {
    const [status, text] = await post(`{"jsonrpc":"2.0","id":${idText},"method":"ping"}`);
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ id: null, error: { code: -32600 } });
  });

  test('also with an error', async () => {
    const [, text] = await post('{"jsonrpc":"2.0","id":12345678901234567890,"method":"nothing"}');
    expect(text).toBe(
      '{"jsonrpc":"2.0","id":12345678901234567890,"error":{"code":-32601,"message":"Method not found: \\"nothing\\""}}',
    );
  });
});

describe('malformed JSON gets -32700', () => {
  test.each([
    '',
    ' ',
    '{',
    '}',
    '{"jsonrpc":"2.0","id":1,"method":"ping"',
    `${JSON.stringify(ping(1))}${JSON.stringify(ping(2))}`,
    "{'id':1}",
    '{"id":01}',
    '[1,]',
    '{"a":1,}',
    'undefined',
    'NaN',
    '"\t"',
    '"\\x"',
    '// comment\n1',
    '[[[[[',
    '\u00a01',
  ])('%p', async (text) => {
    expect(await codeOf(text)).toEqual([400, -32700]);
  });

  test('and the id null', async () => {
    const [, text] = await post('{"jsonrpc":"2.0","id":1,');
    expect(text).toBe(
      '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error: the body is not valid JSON"}}',
    );
  });
});

describe('JSON other than a request gets -32600', () => {
  test.each([
    '5',
    'null',
    'true',
    '"ping"',
    '{}',
    '{"jsonrpc":"2.0"}',
    '{"jsonrpc":"1.0","id":1,"method":"ping"}',
    '{"id":1,"method":"ping"}',
    '{"jsonrpc":2,"id":1,"method":"ping"}',
    '{"jsonrpc":["2.0"],"id":1,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1,"method":5}',
    '{"jsonrpc":"2.0","id":1,"method":null}',
    '{"jsonrpc":"2.0","id":1,"method":["ping"]}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","method":5}',
    '{"__proto__":{"jsonrpc":"2.0","id":1,"method":"ping"}}',
    '{"jsonrpc":"2.0","__proto__":{"method":"ping"},"id":1}',
  ])('%s', async (text) => {
    expect(await codeOf(text)).toEqual([400, -32600]);
  });
});

describe('a request with params other than an object gets -32602', () => {
  test.each(['5', '"x"', 'true', '[]', '[{}]'])('%s', async (params) => {
    expect(await codeOf(`{"jsonrpc":"2.0","id":1,"method":"ping","params":${params}}`)).toEqual([
      200, -32602,
    ]);
  });
});

test.each([
  '',
  'nothing',
  'tools',
  'Ping',
  '__proto__',
  'toString',
  'listen',
  '\ud800',
  'x'.repeat(1_000_000),
])('the unknown method %.20p gets -32601', async (method) => {
  const [status, text] = await post({ ...ping(1), method });
  expect(status).toBe(200);
  expect(JSON.parse(text)).toMatchObject({ id: 1, error: { code: -32601 } });
  expect(text.length).toBeLessThan(2_000);
});

describe('wrong params get -32602', () => {
  test.each([
    ['tools/call without params', 'tools/call', undefined, 'tools/call: "name" must be a string'],
    ['tools/call of a number', 'tools/call', { name: 5 }, 'tools/call: "name" must be a string'],
    [
      'arguments that are an array',
      'tools/call',
      { name: 'up__echo', arguments: [] },
      'tools/call: "arguments" must be an object',
    ],
    [
      'arguments that are a text',
      'tools/call',
      { name: 'up__echo', arguments: 'a' },
      'tools/call: "arguments" must be an object',
    ],
    [
      'a tool that the server does not have',
      'tools/call',
      { name: 'up__nothing' },
      'Unknown tool: "up__nothing"',
    ],
    ['a server that there is not', 'tools/call', { name: 'down__echo' }, 'Unknown tool: "down__echo"'],
    ['a tool without its server', 'tools/call', { name: 'echo' }, 'Unknown tool: "echo"'],
    [
      'a tool that only looks like one',
      'tools/call',
      { name: 'up__toString' },
      'Unknown tool: "up__toString"',
    ],
    ['the name of a server', 'tools/call', { name: 'up__' }, 'Unknown tool: "up__"'],
    [
      'a cursor that was never given',
      'tools/list',
      { cursor: 'x' },
      'tools/list: unknown cursor; list again without one',
    ],
  ])('%s', async (_name, method, params, message) => {
    const [status, text] = await post({ ...ping(1), method, params });
    expect([status, JSON.parse(text)]).toEqual([
      200,
      { jsonrpc: '2.0', id: 1, error: { code: -32602, message } },
    ]);
  });

  test('and a long name is quoted only in part', async () => {
    const name = 'x'.repeat(1_000_000);
    const [, text] = await post({ ...ping(1), method: 'tools/call', params: { name } });
    expect((JSON.parse(text) as RpcMessage).error.message).toBe(`Unknown tool: "${'x'.repeat(200)}…"`);
  });
});

describe('null means absent', () => {
  test.each([
    ['ping', 'null'],
    ['ping', '{"_meta":null}'],
    ['tools/list', 'null'],
    ['tools/list', '{"cursor":null}'],
    ['tools/list', '{"_meta":null,"cursor":null}'],
    ['tools/list', '{"cursor":"x","cursor":null}'],
  ])('%s with params %s', async (method, params) => {
    const [status, text] = await post(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`);
    expect([status, (JSON.parse(text) as RpcMessage).error]).toEqual([200, undefined]);
  });

  test.each([
    ['{"name":"up__echo","arguments":null}', '{"name":"echo"}'],
    ['{"arguments" : null ,"name":"up__echo"}', '{"name":"echo"}'],
    ['{"name":"up__echo","_meta":null,"arguments":{"a":null}}', '{"name":"echo","arguments":{"a":null}}'],
    ['{"name":"up__echo","\\u005fmeta":null,"task":null}', '{"name":"echo"}'],
    ['{"name":"up__echo","arguments":{"a":1},"arguments":null}', '{"name":"echo"}'],
    ['{"name":"up__echo","_meta":{"progressToken":null,"a":1}}', '{"name":"echo","_meta":{"a":1}}'],
    // An unknown member may have a meaning.
    ['{"name":"up__echo","x":null}', '{"name":"echo","x":null}'],
  ])('tools/call with params %s reaches the upstream as %s', async (params, forwarded) => {
    const text = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;
    expect(await post(text)).toEqual([200, '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}']);
    expect(upstream.received.at(-1)?.body).toEndWith(`"params":${forwarded}}`);
  });

  test.each(['null', '{"_meta":null}', '{"requestId":null,"reason":null}'])(
    'a notification with params %s',
    async (params) => {
      for (const method of ['notifications/initialized', 'notifications/cancelled', 'nothing']) {
        expect(await post(`{"jsonrpc":"2.0","method":"${method}","params":${params}}`)).toEqual([202, '']);
      }
    },
  );

  test('but a tool has to be named', async () => {
    expect(await codeOf('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":null}')).toEqual([
      200, -32602,
    ]);
    const unnamed = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":null}}';
    expect(await codeOf(unnamed)).toEqual([200, -32602]);
  });

  test('in a batch, too', async () => {
    const [, text] = await post('[{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":null}}]');
    expect((JSON.parse(text) as RpcMessage[])[0]?.error).toBeUndefined();
  });
});

describe('a notification gets 202 and no body', () => {
  test.each(['notifications/initialized', 'notifications/cancelled', 'nothing', 'ping', 'tools/call'])(
    '%s',
    async (method) => {
      expect(await post({ ...notification, method })).toEqual([202, '']);
    },
  );

  test('and so does a response to no request', async () => {
    expect(await post({ jsonrpc: '2.0', id: 1, result: {} })).toEqual([202, '']);
    expect(await post({ jsonrpc: '2.0', id: 1, error: { code: 1, message: 'm' } })).toEqual([202, '']);
  });
});

describe('a batch', () => {
  test('is answered message by message, each by its own id; notifications are not', async () => {
    const [status, text] = await post([
      ping(1),
      notification,
      { ...ping('b'), method: 'nothing' },
      5,
      [],
      { jsonrpc: '2.0', id: 3 },
      { jsonrpc: '2.0', id: 9, result: {} },
      { ...ping(4), method: 'tools/call', params: { name: 'up__echo' } },
      { ...ping(5), method: 'initialize', params: { protocolVersion: '2025-03-26' } },
    ]);
    expect(status).toBe(200);
    const byId = (JSON.parse(text) as RpcMessage[])
      .map(({ id, error }) => `${id} ${error?.code ?? 'ok'}`)
      .toSorted();
    expect(byId).toEqual(['1 ok', '3 -32600', '4 ok', '5 -32600', 'b -32601', 'null -32600', 'null -32600']);
  });

  test('of notifications only gets 202 and no body', async () => {
    expect(await post([notification, notification])).toEqual([202, '']);
  });

  test('of one request is answered by an array of one', async () => {
    expect(await post([ping(1)])).toEqual([200, `[${pong('1')}]`]);
  });

  test('of 100 requests is answered, with equal ids too', async () => {
    const [status, text] = await post(Array.from({ length: 100 }, () => ping(1)));
    expect([status, text]).toEqual([200, `[${Array.from({ length: 100 }, () => pong('1')).join(',')}]`]);
  });

  test.each([
    ['no message', [], 'Invalid request: a batch must not be empty'],
    [
      '101 messages',
      Array.from({ length: 101 }, () => ping(1)),
      'Invalid request: more than 100 messages in a batch',
    ],
    [
      'two million messages',
      new Array(2_000_000).fill(1),
      'Invalid request: more than 100 messages in a batch',
    ],
  ])('of %s is refused as a whole', async (_name, batch, message) => {
    const [status, text] = await post(batch);
    expect(status).toBe(400);
    expect(JSON.parse(text)).toEqual({ jsonrpc: '2.0', id: null, error: { code: -32600, message } });
  });

  test('does not open a session', async () => {
    const initialize = { ...ping(1), method: 'initialize', params: { protocolVersion: '2025-03-26' } };
    const response = await rawPost(gateway.url, [initialize]);
    expect(response.headers.get('mcp-session-id')).toBeNull();
  });

  test('of invalid messages only still gets one answer each', async () => {
    const [status, text] = await post('[1, null, "x"]');
    expect([status, (JSON.parse(text) as RpcMessage[]).map(({ error }) => error.code)]).toEqual([
      200,
      [-32600, -32600, -32600],
    ]);
  });
});

describe('JSON of the greatest depth that fits into a body', () => {
  const levels = 2_000_000;
  const deep = '['.repeat(levels) + ']'.repeat(levels);

  test('in arguments is passed on', async () => {
    const before = upstream.executions('echo');
    const params = `{"name":"up__echo","arguments":{"deep":${deep}}}`;
    const [status, text] = await post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`);
    expect([status, text]).toEqual([200, '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}']);
    expect(upstream.executions('echo')).toBe(before + 1);
    const call = upstream.received.findLast(({ message }) => message.method === 'tools/call');
    expect(call?.body).toContain(`{"name":"echo","arguments":{"deep":${deep}}}`);
  });

  test.each([
    ['a message', deep],
    ['an id', `{"jsonrpc":"2.0","id":${deep},"method":"ping"}`],
    ['a method', `{"jsonrpc":"2.0","id":1,"method":${deep}}`],
    ['the name of a tool', `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${deep}}}`],
    [
      'what is cancelled',
      `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${deep}}}`,
    ],
    ['an unfinished one', '{"a":'.repeat(800_000)],
  ])('in place of %s does no harm', async (_name, text) => {
    const [status] = await post(text);
    expect(status).toBeOneOf([200, 202, 400]);
    expect(await post(ping(1))).toEqual([200, pong('1')]);
  });
});
