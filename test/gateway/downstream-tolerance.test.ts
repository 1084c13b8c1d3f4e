import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { rawRequest } from '../support/raw-http.ts';
import { RawSession, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();

// Requests that the servers of both SDKs (1.32 and 2.4) accept, and further harmless ones.

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ servers: [] });
});
afterAll(() => gateway[Symbol.asyncDispose]());

const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

/** The answer to a POST in a session, or without one, with these header lines in place of the usual ones. */
async function post(body: string, headers: Record<string, string | null> = {}, withSession = true) {
  await using session = await RawSession.open(gateway.url);
  const lines: Record<string, string | null> = {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    'MCP-Protocol-Version': '2025-11-25',
    'Mcp-Session-Id': withSession ? session.id : null,
    ...headers,
  };
  const head = [
    'POST /mcp HTTP/1.1',
    `Host: ${new URL(gateway.origin).host}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(lines).flatMap(([name, value]) =>
      value === null ? [] : [`${name}: ${value.replace('<id>', session.id)}`],
    ),
  ];
  const { status, body: text } = await rawRequest(gateway.origin, head, body);
  return { status, text };
}

describe('a request is answered', () => {
  test.each<[string, Record<string, string | null>]>([
    ['no Accept', { Accept: null }],
    ['Accept */*', { Accept: '*/*' }],
    ['Accept */* among others', { Accept: 'text/html, */*;q=0.8' }],
    ['Accept in another case', { Accept: 'Application/JSON' }],
    ['a charset', { 'Content-Type': 'application/json; charset=utf-8' }],
    ['a content type in another case', { 'Content-Type': 'Application/JSON;Charset="UTF-8"' }],
    ['a content type that ends in a semicolon', { 'Content-Type': 'application/json;' }],
    ['blanks around the content type', { 'Content-Type': '  application/json  ' }],
    ['no protocol version', { 'MCP-Protocol-Version': null }],
    ['an empty protocol version', { 'MCP-Protocol-Version': '' }],
    ['another protocol version than the session has', { 'MCP-Protocol-Version': '2024-11-05' }],
    ['blanks around the session id', { 'Mcp-Session-Id': '  <id>  ' }],
    ['header names in another case', { 'Mcp-Session-Id': null, 'MCP-SESSION-ID': '<id>' }],
  ])('with %s', async (_, headers) => {
    expect(await post(ping, headers)).toEqual({ status: 200, text: '{"jsonrpc":"2.0","id":1,"result":{}}' });
  });

  test.each([
    ['a byte order mark', `\uFEFF${ping}`, '1'],
    ['line breaks around it', `\r\n ${ping}\n\n`, '1'],
    ['an id that is a fraction', ping.replace('1,', '1.5,'), '1.5'],
    ['a big id', ping.replace('1,', '98765432109876543210,'), '98765432109876543210'],
    ['a negative id', ping.replace('1,', '-1,'), '-1'],
    ['an empty id', ping.replace('1,', '"",'), '""'],
    ['members that nobody knows', ping.replace('}', ',"x":null,"params":{"y":[]}}'), '1'],
  ])('with %s', async (_, body, id) => {
    expect(await post(body)).toEqual({ status: 200, text: `{"jsonrpc":"2.0","id":${id},"result":{}}` });
  });

  test('with an empty cursor, which means the first page', async () => {
    const { text } = await post('{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":""}}');
    expect(text).toBe('{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}');
  });
});

describe('initialize opens a session', () => {
  test.each([
    ['without capabilities and client info', '{"protocolVersion":"2025-06-18"}'],
    ['with null in their place', '{"protocolVersion":"2025-06-18","capabilities":null,"clientInfo":null}'],
    [
      'with null in them',
      '{"protocolVersion":"2025-06-18","capabilities":{"roots":null},"clientInfo":{"name":null,"version":5}}',
    ],
    [
      'with a client name that is no Unicode',
      '{"protocolVersion":"2025-06-18","clientInfo":{"name":"\\ud800"}}',
    ],
  ])('%s', async (_, params) => {
    const body = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":${params}}`;
    const { status, text } = await post(body, {}, false);
    expect([status, (JSON.parse(text) as RpcMessage).result.protocolVersion]).toEqual([200, '2025-06-18']);
  });
});

describe('a notification is accepted', () => {
  test.each([
    ['that nobody knows', '{"jsonrpc":"2.0","method":"x/y","params":{"a":1}}'],
    ['with null for params', '{"jsonrpc":"2.0","method":"notifications/initialized","params":null}'],
    ['that cancels nothing', '{"jsonrpc":"2.0","method":"notifications/cancelled"}'],
  ])('%s', async (_, body) => {
    expect(await post(body)).toEqual({ status: 202, text: '' });
  });

  test('but not in an unknown session', async () => {
    const body = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
    expect((await post(body, { 'Mcp-Session-Id': 'unknown' })).status).toBe(404);
  });
});

describe('a client that accepts a stream gets that of the session', () => {
  test.each([
    'text/event-stream',
    'Text/Event-Stream',
    'text/event-stream;charset=utf-8',
    'text/event-stream, */*',
  ])('%s', async (accept) => {
    await using session = await RawSession.open(gateway.url);
    const headers = { accept, 'mcp-session-id': session.id, 'mcp-protocol-version': '' };
    const response = await fetch(gateway.url, { headers });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    await response.body?.cancel();
  });
});
