import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { once } from 'node:events';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { type RawConnection, rawConnection } from '../support/raw-http.ts';
import { messagesOf, type RpcMessage, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();

const maxBytes = 100_000;
const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
const pong = '{"jsonrpc":"2.0","id":1,"result":{}}';

let gateway: TestGateway;
let hostLine: string;
beforeAll(async () => {
  gateway = await startGateway({ servers: [], mcp: { max_request_bytes: maxBytes } });
  hostLine = `Host: ${new URL(gateway.origin).host}`;
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** The head of a POST to /mcp. */
const head = (...headers: string[]) =>
  ['POST /mcp HTTP/1.1', hostLine, 'Content-Type: application/json', ...headers, '', ''].join('\r\n');
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const sized = (body: string) => head(`Content-Length: ${Buffer.byteLength(body)}`) + body;

/** A ping of exactly `bytes` bytes. */
const pingOf = (bytes: number) => ping.padEnd(bytes, ' ');

async function errorOf(response: Response): Promise<[number, number | undefined]> {
  return [response.status, ((await response.json()) as RpcMessage).error?.code];
}

/** Sends `piece` again and again until the server closes the connection or took 64 MiB. Returns the number of bytes sent. */
async function pour(connection: RawConnection, piece: string): Promise<number> {
  const { socket } = connection;
  const closed = once(socket, 'close');
  let poured = 0;
  while (!socket.closed && poured < 64 * 2 ** 20) {
    poured += piece.length;
    if (socket.write(piece)) await Bun.sleep(0);
    else await Promise.race([once(socket, 'drain'), closed]);
  }
  return poured;
}

describe('the content type', () => {
  test.each([
    'application/json',
    'APPLICATION/Json',
    'application/json; charset=utf-8',
    'application/json;x="y"',
  ])('%s is accepted', async (type) => {
    expect((await rawPost(gateway.url, ping, { 'content-type': type })).status).toBe(200);
  });

  test.each([
    'text/plain',
    'application/jsonp',
    'application/json-rpc',
    'application/x-www-form-urlencoded',
    'x',
  ])('%s gets 415', async (type) => {
    expect(await errorOf(await rawPost(gateway.url, ping, { 'content-type': type }))).toEqual([415, -32000]);
  });

  test('no content type gets 415, too', async () => {
    using connection = await rawConnection(gateway.origin);
    connection.write(`POST /mcp HTTP/1.1\r\n${hostLine}\r\nContent-Length: ${ping.length}\r\n\r\n${ping}`);
    expect((await connection.answer()).status).toBe(415);
  });
});

describe('of the types that a client accepts', () => {
  test.each([
    ['application/json', 'application/json'],
    ['application/json, text/event-stream', 'application/json'],
    ['text/event-stream', 'text/event-stream'],
    ['text/event-stream, application/json;q=0', 'text/event-stream'],
    ['TEXT/EVENT-STREAM', 'text/event-stream'],
    ['*/*', 'application/json'],
    ['text/html, application/*;q=0.8', 'application/json'],
  ])('%s the response is %s', async (accept, type) => {
    const response = await rawPost(gateway.url, ping, { accept });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type]);
    const messages = await Array.fromAsync(messagesOf(response));
    expect(messages).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }]);
  });

  test.each(['text/html', 'application/json;q=0', 'image/*'])('%s the response is 406', async (accept) => {
    expect(await errorOf(await rawPost(gateway.url, ping, { accept }))).toEqual([406, -32000]);
  });

  test('JSON is the choice without an Accept header', async () => {
    using connection = await rawConnection(gateway.origin);
    connection.write(sized(ping));
    const answer = await connection.answer();
    expect([answer.headers.get('content-type'), answer.body]).toEqual(['application/json', pong]);
  });
});

describe('a connection', () => {
  test('serves one request after another, whatever their responses', async () => {
    using connection = await rawConnection(gateway.origin);
    const refused = `POST /mcp HTTP/1.1\r\n${hostLine}\r\nContent-Length: 5\r\n\r\n12345`;
    const missed = `POST /nothing HTTP/1.1\r\n${hostLine}\r\nContent-Length: 5\r\n\r\n12345`;
    const statuses: number[] = [];
    for (const request of [sized(ping), refused, sized('nonsense'), missed, sized('[]'), sized(ping)]) {
      connection.write(request);
      statuses.push((await connection.answer()).status);
    }
    expect(statuses).toEqual([200, 415, 400, 404, 400, 200]);
  });

  test('may bring a body in pieces, chunked or not', async () => {
    using connection = await rawConnection(gateway.origin);
    for (const pieces of [
      [head(`Content-Length: ${ping.length}`), ping.slice(0, 7), ping.slice(7)],
      [head('Transfer-Encoding: chunked'), chunk(ping.slice(0, 7)), chunk(ping.slice(7)), '0\r\n\r\n'],
    ]) {
      for (const piece of pieces) {
        connection.write(piece);
        await Bun.sleep(5); // Lets each piece leave on its own, without a guarantee.
      }
      expect((await connection.answer()).body).toBe(pong);
    }
  });

  test('may wait for "100 Continue" before its body', async () => {
    using connection = await rawConnection(gateway.origin);
    connection.write(head(`Content-Length: ${ping.length}`, 'Expect: 100-continue'));
    await connection.received('HTTP/1.1 100 Continue');
    connection.write(ping);
    expect((await connection.answer()).body).toBe(pong);
  });

  test.each([
    ['a negative length', ['Content-Length: -1']],
    ['a length that is no number', ['Content-Length: ten']],
    ['two lengths', ['Content-Length: 1', 'Content-Length: 2']],
    ['a length and chunks at once', ['Content-Length: 1', 'Transfer-Encoding: chunked']],
  ])(
    'with %s is refused, and its connection closed, since the next request has no clear start',
    async (_name, headers) => {
      using connection = await rawConnection(gateway.origin);
      connection.write(`${head(...headers)}0\r\n\r\n`);
      expect((await connection.answer()).status).toBe(400);
      await connection.closed();
    },
  );

  test('with nonsense for a chunk is refused and closed', async () => {
    using connection = await rawConnection(gateway.origin);
    connection.write(`${head('Transfer-Encoding: chunked')}nonsense\r\n\r\n`);
    expect((await connection.answer()).status).toBe(400);
    await connection.closed();
  });

  test('that ends in the middle of a body does not disturb the next', async () => {
    using connection = await rawConnection(gateway.origin);
    connection.write(head('Content-Length: 100') + ping);
    connection.socket.end();
    await connection.closed();
    expect((await rawPost(gateway.url, ping)).status).toBe(200);
  });
});

describe('the limit of a body', () => {
  test('is exact to the byte, whether the length is declared or not', async () => {
    using connection = await rawConnection(gateway.origin);
    connection.write(sized(pingOf(maxBytes)));
    expect((await connection.answer()).body).toBe(pong);
    connection.write(`${head('Transfer-Encoding: chunked')}${chunk(pingOf(maxBytes))}0\r\n\r\n`);
    expect((await connection.answer()).body).toBe(pong);
    connection.write(`${head('Transfer-Encoding: chunked')}${chunk(pingOf(maxBytes + 1))}0\r\n\r\n`);
    expect((await connection.answer()).status).toBe(413);
  });

  test('is reported before the body if its declared length is too large, and the connection is closed', async () => {
    using connection = await rawConnection(gateway.origin);
    connection.write(head(`Content-Length: ${maxBytes + 1}`));
    const answer = await connection.answer();
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.body)).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: { code: -32000, message: 'the body is larger than mcp.max_request_bytes (100000)' },
    });
    await connection.closed();
  });

  test('holds for impossible lengths', async () => {
    for (const length of ['2000000000', '99999999999999999999']) {
      using connection = await rawConnection(gateway.origin);
      connection.write(head(`Content-Length: ${length}`));
      expect((await connection.answer()).status).toBeOneOf([400, 413]);
      await connection.closed();
    }
  });

  test('cuts off a body without an end', async () => {
    using connection = await rawConnection(gateway.origin);
    connection.write(head('Transfer-Encoding: chunked'));
    expect(await pour(connection, chunk('x'.repeat(50_000)))).toBeLessThan(64 * 2 ** 20);
    await connection.closed();
  });

  test.each([
    ['nobody serves', 'POST /nothing', []],
    ['has the wrong type', 'POST /mcp', ['Content-Type: text/plain']],
    ['has the wrong method', 'PUT /mcp', []],
    ['comes from elsewhere', 'POST /mcp', ['Origin: http://evil.example']],
    ['needs no body', 'GET /livez', []],
  ])('cuts off a body without an end on a request that %s', async (_name, line, headers) => {
    using connection = await rawConnection(gateway.origin);
    const lines = [`${line} HTTP/1.1`, hostLine, ...headers, 'Transfer-Encoding: chunked', '', ''];
    connection.write(lines.join('\r\n'));
    expect(await pour(connection, chunk('x'.repeat(50_000)))).toBeLessThan(64 * 2 ** 20);
  });

  test('may be changed by a reload', async () => {
    await using reloaded = await startGateway({ servers: [] });
    const post = async () => (await rawPost(reloaded.url, pingOf(101))).status;
    expect(await post()).toBe(200);
    await reloaded.reload({ servers: [], mcp: { max_request_bytes: 100 } });
    expect(await post()).toBe(413);
  });
});

describe('a body', () => {
  test('that is not UTF-8 is not JSON', async () => {
    using connection = await rawConnection(gateway.origin);
    connection.write(head('Content-Length: 3'));
    connection.write(new Uint8Array([0x22, 0xff, 0x22]));
    const answer = await connection.answer();
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body).error).toEqual({
      code: -32700,
      message: 'Parse error: the body is not valid UTF-8',
    });
  });

  test('may begin with a byte order mark', async () => {
    expect(await (await rawPost(gateway.url, `\ufeff${ping}`)).text()).toBe(pong);
  });

  test('that is absent is not JSON', async () => {
    using connection = await rawConnection(gateway.origin);
    connection.write(head());
    const answer = await connection.answer();
    expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([400, -32700]);
  });
});

test('a request that is refused before it is parsed counts as invalid', async () => {
  await using counted = await startGateway({ servers: [], mcp: { max_request_bytes: 100 } });
  await rawPost(counted.url, ping, { 'content-type': 'text/plain' });
  await rawPost(counted.url, ping, { accept: 'text/html' });
  await rawPost(counted.url, pingOf(101));
  await rawPost(counted.url, '{');
  const labels = { method: 'invalid', result: 'error' };
  expect((await counted.metrics()).value('mcpstead_mcp_requests_total', labels)).toBe(4);
});
