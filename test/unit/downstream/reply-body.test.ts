import { describe, expect, test } from 'bun:test';
import { bodyOf, type Content } from '../../../src/downstream/reply-body.ts';
import { OwnedBytes, SharedBytes, textOf } from '../../../src/runtime/owned-bytes.ts';
import { rawConnection } from '../../support/raw-http.ts';
import { waitUntil } from '../../support/wait.ts';

/** A server that answers with `content`, not at once, as a reply that had to wait for an upstream. */
function serving(content: Content) {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch() {
      await Bun.sleep(1);
      return new Response(bodyOf(content), { headers: { 'content-type': 'application/json' } });
    },
  });
  return { origin: server.url.origin, [Symbol.asyncDispose]: () => server.stop(true) };
}

const own = (text: string) => new OwnedBytes(Buffer.from(new TextEncoder().encode(text).buffer));

describe('a body', () => {
  test('that is short is sent in one piece, with its length', async () => {
    await using server = serving(['{"a":', new SharedBytes(Buffer.from('"é"')), '}']);
    const response = await fetch(server.origin);
    expect(response.headers.get('content-length')).toBe('10');
    expect(await response.text()).toBe('{"a":"é"}');
  });

  test.each([
    ['a text', 'x'.repeat(15 * 1024)],
    ['a text beyond Latin-1', '€'.repeat(15 * 1024)],
    ['pieces of both kinds', ['{"a":"', new SharedBytes(Buffer.from('é'.repeat(20_000))), '"}']],
    [
      'a long piece after a long one',
      ['é'.repeat(20_000), 'x'.repeat(20_000), new SharedBytes(Buffer.alloc(20_000, 'y'))],
    ],
    ['an empty piece among others', ['', 'x'.repeat(20_000), '', new SharedBytes(Buffer.alloc(0))]],
  ] as [string, Content][])('that is long arrives as it is: %s', async (_what, content) => {
    await using server = serving(content);
    const parts = typeof content === 'string' ? [content] : content;
    const expected = Buffer.concat(parts.map((part) => Buffer.from(textOf(part))));
    for (let round = 0; round < 2; round++) {
      const received = Buffer.from(await (await fetch(server.origin)).arrayBuffer());
      expect(received.equals(expected)).toBe(true);
    }
  });

  test('is never split within a character', async () => {
    // Of two code units each: some slice would end between them.
    for (const start of ['', 'x']) {
      const text = start + '😀'.repeat(1_500_000);
      await using server = serving(text);
      expect((await (await fetch(server.origin)).text()) === text).toBe(true);
    }
  });

  test('that is long reaches a client of HTTP/1.0, which knows no chunks', async () => {
    await using server = serving(['{"a":"', 'x'.repeat(100_000), '"}']);
    using connection = await rawConnection(server.origin);
    connection.write('GET / HTTP/1.0\r\n\r\n');
    const { headers, body } = await connection.answer();
    expect(headers.get('transfer-encoding')).toBeNull();
    expect(body).toBe(`{"a":"${'x'.repeat(100_000)}"}`);
  });
});

describe('bytes that pass through', () => {
  test('are freed when they are sent, and not before', async () => {
    const text = 'x'.repeat(10_000_000);
    const bytes = own(text);
    await using server = serving(['"', bytes, '"']);
    expect(bytes.length).toBe(10_000_000);
    expect((await (await fetch(server.origin)).text()) === `"${text}"`).toBe(true);
    expect(bytes.length).toBe(0);
  });

  test('are freed when the client disconnects', async () => {
    const bytes = own('x'.repeat(60_000_000));
    await using server = serving(['"', bytes, '"']);
    using connection = await rawConnection(server.origin);
    connection.socket.pause();
    connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await Bun.sleep(200);
    expect(bytes.length).toBe(60_000_000);
    connection.socket.destroy();
    await waitUntil('the end', () => bytes.length === 0);
  });

  test('can be a part of a buffer, which is freed with them', () => {
    const bytes = own('{"a":"é"}');
    const part = bytes.part(5, 9);
    expect(part.toString()).toBe('"é"');
    part.free();
    expect(bytes.length).toBe(0);
  });

  test('are joined with others if they are short', async () => {
    await using server = serving(['[', own('1'), ']']);
    expect(await (await fetch(server.origin)).text()).toBe('[1]');
  });
});
