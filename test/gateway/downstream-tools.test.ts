import { describe, expect, test } from 'bun:test';
import { sse } from '../support/answers.ts';
import { type FakeAnswer, type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestConfig } from '../support/gateway.ts';
import { refusedBy } from '../support/refused.ts';
import { type RpcMessage, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { freePort } from '../support/wait.ts';

failOnStrayErrors();

const json = { headers: { 'content-type': 'application/json' } };

/** An upstream that answers this method with this text; `ID` in it is replaced by the id of the request. */
function answering(texts: Record<string, string>, stream = false): Promise<FakeUpstream> {
  return fakeUpstream({
    onPost({ id, method }): FakeAnswer {
      const text = texts[method ?? '']?.replace('ID', String(id));
      if (text === undefined) return undefined;
      return stream ? sse(`data: ${text.replaceAll('\n', '\ndata: ')}\n\n`) : new Response(text, json);
    },
  });
}

/** A gateway in front of these upstreams, in their order, once all are connected. */
async function gatewayTo(upstreams: Record<string, FakeUpstream>, more: Partial<TestConfig> = {}) {
  const servers = Object.entries(upstreams).map(([name, { url }]) => ({ name, url }));
  const gateway = await startGateway({ servers, ...more });
  await gateway.waitFor('all', (health) => health.servers.every((server) => server.connected));
  const post = async (body: string) => (await rawPost(gateway.url, body)).text();
  return Object.assign(gateway, {
    post,
    async call(name: string, args: object = {}): Promise<RpcMessage> {
      const params = { name, arguments: args };
      return JSON.parse(await post(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })));
    },
  });
}

const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
/** The JSON text of a tool of that name. */
const tool = (name: string, more = '') => `{"name":"${name}"${more},"inputSchema":{"type":"object"}}`;
const listOf = (tools: string) => `{"jsonrpc":"2.0","id":ID,"result":{"tools":[${tools}]}}`;
/** Everything that a parser and a serializer would change. Bun rewrites such characters in a raw template, so they are inserted. */
const odd = String.raw`"b":12345678901234567890,"a" : 1.0, "e":1E2,"":-0,"esc":"\u00e9\/\ud800${'é😀'}","__proto__":{"x":[ ]},"10":1,"2":2`;

describe('tools/list', () => {
  test.each([false, true])(
    'passes on every byte of a tool but its name and halves of characters (streamed: %p)',
    async (stream) => {
      const text = `{ "title":"T",${odd}, "name" : "t", "inputSchema":{"type":"object",${odd}},"_meta":{${odd}} }`;
      await using upstream = await answering({ 'tools/list': listOf(text) }, stream);
      await using gateway = await gatewayTo({ up: upstream });
      const expected = text.replace('"name" : "t"', '"name" : "up__t"').replaceAll('\\ud800', '\\ufffd');
      expect(await gateway.post(list)).toBe(`{"jsonrpc":"2.0","id":1,"result":{"tools":[${expected}]}}`);
    },
  );

  test('has the servers in the order of the file and the tools in that of their server', async () => {
    await using first = await answering({ 'tools/list': listOf(`${tool('z')},${tool('a')}`) });
    await using second = await answering({ 'tools/list': listOf(`${tool('m')},${tool('a')}`) });
    await using gateway = await gatewayTo({ zoo: first, ant: second });
    const { result } = JSON.parse(await gateway.post(list)) as RpcMessage;
    expect(result.tools.map(({ name }: { name: string }) => name)).toEqual([
      'zoo__z',
      'zoo__a',
      'ant__m',
      'ant__a',
    ]);
  });

  test('leaves out tools that cannot be called: without a name, or with the name of another', async () => {
    const tools = `{"title":"none"},${tool('')},{"name":5},null,${tool('t', ',"title":"1"')},${tool('t', ',"title":"2"')}`;
    await using upstream = await answering({ 'tools/list': listOf(tools) });
    await using gateway = await gatewayTo({ up: upstream });
    expect(await gateway.post(list)).toBe(
      `{"jsonrpc":"2.0","id":1,"result":{"tools":[${tool('up__t', ',"title":"1"')}]}}`,
    );
  });

  test('has names too long for some clients, with one warning in the log', async () => {
    const name = 'n'.repeat(128);
    await using upstream = await answering({ 'tools/list': listOf(tool(name)) });
    await using gateway = await gatewayTo({ up: upstream });
    expect(await gateway.post(list)).toContain(`"up__${name}"`);
    expect((await gateway.call(`up__${name}`, { a: 1 })).result.content[0].text).toBe('{"a":1}');
    const warnings = gateway.logs.filter((line) =>
      line.includes('has over 64 characters, which many clients refuse'),
    );
    expect(warnings).toHaveLength(1);
  });

  test('is empty while there is nothing to list', async () => {
    await using gateway = await startGateway({ servers: [] });
    expect(await (await rawPost(gateway.url, list)).text()).toBe(
      '{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}',
    );
  });
});

describe('tools/call passes on', () => {
  test('the params to the byte, but for the name of the tool', async () => {
    await using upstream = await fakeUpstream();
    await using gateway = await gatewayTo({ up: upstream });
    const params = `{ "x-unknown":{${odd}},"name" : "up__echo", "arguments":{${odd}} ,"_meta":{${odd}}}`;
    await gateway.post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params": ${params} }`);
    const sent = upstream.received.find(({ message }) => message.method === 'tools/call')?.body;
    expect(sent).toEndWith(`"method":"tools/call","params":${params.replace('up__echo', 'echo')}}`);
  });

  test("its own progress token in place of the client's, with the rest of _meta unchanged", async () => {
    await using upstream = await fakeUpstream();
    await using gateway = await gatewayTo({ up: upstream });
    const params = `{"name":"up__echo","_meta":{${odd}, "progressToken" : "mine","after":1.0}}`;
    await gateway.post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`);
    const request = upstream.received.find(({ message }) => message.method === 'tools/call');
    const { id } = request?.message ?? {};
    expect(request?.body).toEndWith(
      `"params":{"name":"echo","_meta":{${odd}, "progressToken" : ${id},"after":1.0}}}`,
    );
  });

  test.each([false, true])('a result to the byte (streamed: %p)', async (stream) => {
    const result = `{ "content":[],"structuredContent":{${odd}},"_meta":{${odd}},"x-unknown":{${odd}} }`;
    const text = `{"jsonrpc":"2.0","result": ${result} ,"id":ID}`;
    await using upstream = await answering({ 'tools/call': text }, stream);
    await using gateway = await gatewayTo({ up: upstream });
    const call = '{"jsonrpc":"2.0","id":"i","method":"tools/call","params":{"name":"up__echo"}}';
    expect(await gateway.post(call)).toBe(`{"jsonrpc":"2.0","id":"i","result":${result}}`);
  });

  test('a result of many lines over a stream, as the same JSON', async () => {
    const text = '{"jsonrpc":"2.0",\n\n"result": {\r\n"content":\r[]},"id":ID}';
    await using upstream = await answering({ 'tools/call': text });
    await using gateway = await gatewayTo({ up: upstream });
    const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__echo"}}';
    const response = await rawPost(gateway.url, call, { accept: 'text/event-stream' });
    const [, data = ''] = /^event: message\ndata: (.*)\n\n$/.exec(await response.text()) ?? [];
    expect(JSON.parse(data)).toEqual({ jsonrpc: '2.0', id: 1, result: { content: [] } });
  });

  test("an upstream's own error, with its code, message and data to the byte", async () => {
    const error = `{"code":-32042,"message":"no \\u00e9","data":{${odd}}, "x-unknown":1.0}`;
    const text = `{"jsonrpc":"2.0","id":ID,"error":${error}}`;
    await using upstream = await answering({ 'tools/call': text });
    await using gateway = await gatewayTo({ up: upstream });
    const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__echo"}}';
    expect(await gateway.post(call)).toBe(`{"jsonrpc":"2.0","id":1,"error":${error}}`);
    const labels = { server: 'up', tool: 'echo', reason: 'upstream_returned_error' };
    expect((await gateway.metrics()).value('mcpstead_tool_call_errors_total', labels)).toBe(1);
  });

  test('a result that says it is an error, as a result', async () => {
    const text = '{"jsonrpc":"2.0","id":ID,"result":{"content":[],"isError":true}}';
    await using upstream = await answering({ 'tools/call': text });
    await using gateway = await gatewayTo({ up: upstream });
    expect(await gateway.call('up__echo')).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: { content: [], isError: true },
    });
  });

  test('a result of 20 MB', async () => {
    const big = 'x'.repeat(20_000_000);
    await using upstream = await answering({
      'tools/call': `{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"${big}"}]}}`,
    });
    await using gateway = await gatewayTo({ up: upstream });
    expect((await gateway.call('up__echo')).result.content[0].text).toHaveLength(20_000_000);
  });
});

test('a tool with the separator in its name is called by its whole name', async () => {
  await using upstream = await answering({ 'tools/list': listOf(`${tool('a__b')},${tool('_c')}`) });
  await using gateway = await gatewayTo({ up: upstream });
  await gateway.call('up__a__b');
  await gateway.call('up___c');
  expect([upstream.executions('a__b'), upstream.executions('_c')]).toEqual([1, 1]);
});

test('equal tool names of two servers are kept apart', async () => {
  await using first = await fakeUpstream();
  await using second = await fakeUpstream();
  await using gateway = await gatewayTo({ one: first, two: second });
  await gateway.call('two__echo');
  expect([first.executions('echo'), second.executions('echo')]).toEqual([0, 1]);
});

describe('a call without an answer gets -32000 and the reason', () => {
  const failing = async (
    reason: string,
    upstream: FakeUpstream,
    server: Record<string, unknown> = {},
  ): Promise<void> => {
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, ...server }] });
    await gateway.connected();
    const params = { name: 'up__echo' };
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
    const response = await rawPost(gateway.url, body);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: {
        code: -32000,
        message: expect.stringMatching(/^upstream "up": /),
        data: { server: 'up', reason },
      },
    });
    const metrics = await gateway.metrics();
    const tool = { server: 'up', tool: 'echo' };
    expect(metrics.value('mcpstead_tool_call_errors_total', { ...tool, reason })).toBe(1);
    expect(metrics.value('mcpstead_tool_calls_total', tool)).toBe(1);
    const labels = { method: 'tools/call', result: 'error' };
    expect(metrics.value('mcpstead_mcp_requests_total', labels)).toBe(1);
  };

  test('upstream_protocol_error', async () => {
    await using upstream = await answering({ 'tools/call': '{"not":"JSON-RPC"}' });
    await failing('upstream_protocol_error', upstream);
  });

  test('upstream_timeout', async () => {
    await using upstream = await fakeUpstream({
      onPost: ({ method }) => (method === 'tools/call' ? new Promise<never>(() => {}) : undefined),
    });
    await failing('upstream_timeout', upstream, { timeouts: { request_seconds: 0.05 } });
  });

  test('upstream_auth_failed', async () => {
    await using upstream = await fakeUpstream({
      onPost: ({ method }) => (method === 'tools/call' ? new Response('secret', { status: 401 }) : undefined),
    });
    await failing('upstream_auth_failed', upstream);
  });

  test('upstream_disconnected, at once, when the upstream is down and its tools not even known', async () => {
    const url = `http://127.0.0.1:${freePort()}/mcp`;
    await using gateway = await startGateway({ servers: [{ name: 'down', url }] });
    await gateway.waitFor('a failed attempt', ({ servers }) => servers[0]?.last_error !== null);
    const params = { name: 'down__anything' };
    const response = await rawPost(gateway.url, { jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    const { error } = (await response.json()) as RpcMessage;
    expect(error.message).toStartWith(`upstream "down": not connected: ${refusedBy(url)}; `);
    expect(error).toEqual({
      code: -32000,
      message: expect.stringMatching(/; next attempt in [12] s$/),
      data: { server: 'down', reason: 'upstream_disconnected' },
    });
  });
});
