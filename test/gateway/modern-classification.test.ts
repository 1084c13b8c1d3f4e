import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { askModern, modernMeta, postModern } from '../support/modern-rpc.ts';
import { type RpcMessage, rawPost } from '../support/rpc.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();

const stack = new AsyncDisposableStack();
let gateway: TestGateway;
beforeAll(async () => {
  const server = stack.use(await startSdkV1());
  gateway = stack.use(await startGateway({ servers: [{ name: 'up', url: server.url }] }));
  await gateway.connected();
});
afterAll(() => stack.disposeAsync());

const meta = (key: string) => `io.modelcontextprotocol/${key}`;
const version = meta('protocolVersion');
const request = (params: object, method = 'tools/list') => ({ jsonrpc: '2.0', id: 7, method, params });

/** The status, the code of the error, and the id of the response to a body. */
async function refusal(body: unknown, headers: Record<string, string> = {}) {
  const response = await rawPost(gateway.url, body, headers);
  const { error, id } = (await response.json()) as RpcMessage;
  return { status: response.status, code: error?.code, id, data: error?.data };
}

const modern = { 'mcp-protocol-version': '2026-07-28' };
const withMethod = { ...modern, 'mcp-method': 'tools/list' };

describe('a modern request is refused', () => {
  test('if its _meta has no clientCapabilities', async () => {
    const without = { [version]: '2026-07-28', [meta('clientInfo')]: { name: 'n', version: '1' } };
    expect(await refusal(request({ _meta: without }), withMethod)).toEqual({
      status: 400,
      code: -32602,
      id: 7,
      data: { missing: ['io.modelcontextprotocol/clientCapabilities'] },
    });
  });

  test.each([
    ['protocolVersion', 7],
    ['clientCapabilities', []],
    ['clientInfo', 'x'],
    ['logLevel', 'loud'],
  ])('if its %s is %p', async (key, value) => {
    const _meta = { ...modernMeta, [meta(key)]: value };
    const { status, code } = await refusal(request({ _meta }), withMethod);
    expect([status, code]).toEqual([400, -32602]);
  });

  test('if the version of its header is another one, even an unknown one', async () => {
    for (const other of ['2025-11-25', '2099-01-01']) {
      const headers = { ...withMethod, 'mcp-protocol-version': other };
      const { status, code } = await refusal(request({ _meta: modernMeta }), headers);
      expect([status, code]).toEqual([400, -32020]);
    }
  });

  test('if its version is unknown, whatever headers it lacks', async () => {
    const _meta = { ...modernMeta, [version]: '2099-01-01' };
    const refused = await refusal(request({ _meta }), { 'mcp-protocol-version': '2099-01-01' });
    expect(refused).toMatchObject({
      status: 400,
      code: -32022,
      data: { supported: ['2026-07-28'], requested: '2099-01-01' },
    });
  });

  test('if it has no MCP-Protocol-Version header', async () => {
    const { status, code } = await refusal(request({ _meta: modernMeta }), { 'mcp-method': 'tools/list' });
    expect([status, code]).toEqual([400, -32020]);
  });

  test.each([
    ['no Mcp-Method', { 'mcp-method': null }],
    ['another Mcp-Method', { 'mcp-method': 'prompts/list' }],
    ['an Mcp-Method in other case', { 'mcp-method': 'Tools/Call' }],
    ['no Mcp-Name', { 'mcp-name': null }],
    ['another Mcp-Name', { 'mcp-name': 'up__count' }],
    ['an Mcp-Name in other case', { 'mcp-name': 'UP__echo' }],
    ['an Mcp-Name without padding', { 'mcp-name': '=?base64?dXBfX2VjaG8?=' }],
    ['an Mcp-Name in bad Base64', { 'mcp-name': '=?base64?dXBf!2VjaG8=?=' }],
    ['an Mcp-Name encoded in another way', { 'mcp-name': '=?BASE64?dXBfX2VjaG8=?=' }],
  ])('if it has %s', async (_, headers) => {
    const params = { name: 'up__echo', arguments: { message: 'm' } };
    const { status, answer } = await askModern(gateway.url, 'tools/call', { params, headers });
    expect([status, answer.error?.code]).toEqual([400, -32020]);
  });

  test('if only its header is modern', async () => {
    expect(await refusal(request({}), withMethod)).toMatchObject({ status: 400, code: -32602, id: 7 });
    expect(await refusal(request({}, 'initialize'), modern)).toMatchObject({
      status: 400,
      code: -32020,
      id: 7,
    });
  });

  test('if it is in a batch', async () => {
    const batch = [request({}), request({ _meta: modernMeta })];
    expect(await refusal(batch)).toMatchObject({ status: 400, code: -32600, id: null });
    expect(await refusal([request({})], modern)).toMatchObject({ status: 400, code: -32600, id: null });
  });

  test('if its params are no object', async () => {
    expect(await refusal({ ...request({}), params: [] }, withMethod)).toMatchObject({
      status: 400,
      code: -32602,
      id: 7,
    });
  });

  test.each([
    'initialize',
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'resources/unsubscribe',
    'no/such',
  ])('if its method is %s', async (method) => {
    const { status, answer } = await askModern(gateway.url, method);
    expect([status, answer.error?.code, answer.id]).toEqual([404, -32601, 1]);
  });
});

describe('a modern request is served', () => {
  const params = { name: 'up__echo', arguments: { message: 'm' } };

  test.each([
    ['an encoded Mcp-Name', { 'mcp-name': '=?base64?dXBfX2VjaG8=?=' }],
    ['blanks around its headers', { 'mcp-name': ' up__echo\t', 'mcp-method': '\ttools/call ' }],
    ['a session id and an event id, which it ignores', { 'mcp-session-id': 'unknown', 'last-event-id': '7' }],
  ])('with %s', async (_, headers) => {
    const {
      status,
      answer,
      headers: answered,
    } = await askModern(gateway.url, 'tools/call', { params, headers });
    expect(status).toBe(200);
    expect(answer.result.content).toEqual([{ type: 'text', text: 'm' }]);
    expect(answered.get('mcp-session-id')).toBeNull();
  });

  test('without clientInfo', async () => {
    const _meta = { [meta('clientInfo')]: undefined };
    const { status } = await askModern(gateway.url, 'tools/call', { params: { ...params, _meta } });
    expect(status).toBe(200);
  });
});

test('a notification with a modern header or claim is accepted, whatever headers it has', async () => {
  const notification = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
  const claimed = { ...notification, params: { _meta: modernMeta } };
  for (const response of [
    await rawPost(gateway.url, notification, modern),
    await rawPost(gateway.url, claimed),
  ]) {
    expect(response.status).toBe(202);
    expect(await response.text()).toBe('');
  }
});

test('requests of both eras are served side by side', async () => {
  const legacy = rawPost(gateway.url, { jsonrpc: '2.0', id: 1, method: 'tools/list' });
  const response = await postModern(gateway.url, 'tools/list');
  const { result } = (await response.json()) as RpcMessage;
  const { result: legacyResult } = (await (await legacy).json()) as RpcMessage;
  expect(result).toEqual({
    tools: legacyResult.tools,
    resultType: 'complete',
    ttlMs: expect.any(Number),
    cacheScope: expect.stringMatching(/^(?:public|private)$/),
    _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'mcpstead', version: expect.any(String) } },
  });
});

test('a POST that is refused before its body is read has a code of the era that its header names', async () => {
  const text = { 'content-type': 'text/plain' };
  const none = { accept: 'text/html' };
  const codes = async (headers: Record<string, string>, body: unknown = request({})) => {
    const { status, code } = await refusal(body, headers);
    return [status, code];
  };
  expect([await codes(text), await codes({ ...text, ...modern })]).toEqual([
    [415, -32000],
    [415, -32603],
  ]);
  expect([await codes(none), await codes({ ...none, ...modern })]).toEqual([
    [406, -32000],
    [406, -32603],
  ]);
  expect(await codes(modern, '{')).toEqual([400, -32700]);
});
