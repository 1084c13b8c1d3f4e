import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { Socket } from 'node:net';
import { httpClient, unaborted } from '../../../support/http-client.ts';
import { rawServer } from '../../../support/raw-server.ts';
import { failOnStrayErrors } from '../../../support/stray-errors.ts';
import { selfSignedCertificate } from '../../../support/tls.ts';
import { waitUntil, within } from '../../../support/wait.ts';

failOnStrayErrors();
setDefaultTimeout(30_000);

const ok = 'HTTP/1.1 200 OK\r\n';
const tls = selfSignedCertificate();

/** Lets a socket read on for a moment only every few milliseconds. */
function readSlowly(socket: Socket): void {
  socket.on('data', () => {
    socket.pause();
    setTimeout(() => socket.resume(), 2);
  });
}

/** Writes all of `bytes`, again and again while `more()`, no faster than they are taken; tells what was taken. */
async function writeAll(socket: Socket, bytes: Buffer, more: () => boolean, taken: (bytes: number) => void) {
  while (more() && !socket.destroyed) {
    const written = socket.write(bytes);
    if (!written) {
      await new Promise<void>((resolve) => {
        const done = () => {
          socket.off('drain', done).off('close', done);
          resolve();
        };
        socket.on('drain', done).on('close', done);
      });
    }
    taken(bytes.length);
  }
}

describe.each([
  ['TCP', {}],
  ['TLS', { tls }],
])('over %s', (_name, options) => {
  test('a large request arrives unchanged, however slowly it is read', async () => {
    // Partial writes end within characters, too.
    const body = 'a€é😀'.repeat(419_430);
    expect(Buffer.byteLength(body)).toBe(4_194_300);
    using server = await rawServer(
      ({ socket, body: received }) => {
        socket.write(
          `${ok}Content-Length: 5\r\n\r\n${received.equals(Buffer.from(body)) ? 'equal' : 'other'}`,
        );
      },
      { ...options, onConnection: readSlowly },
    );
    await using client = httpClient(server.origin, { tlsSkipVerify: true });
    for (let round = 0; round < 2; round++) {
      const response = await client.fetch({ method: 'POST', body, signal: unaborted });
      expect(await response.text()).toBe('equal');
    }
    expect(server.connections()).toBe(1);
  });

  test.each([
    ['of known length', (body: Buffer) => [`Content-Length: ${body.length}\r\n\r\n`, body]],
    [
      'in chunks',
      (body: Buffer) => [
        'Transfer-Encoding: chunked\r\n\r\n',
        ...Array.from({ length: Math.ceil(body.length / 70_001) }, (_, index) => {
          const chunk = body.subarray(index * 70_001, (index + 1) * 70_001);
          return [`${chunk.length.toString(16)}\r\n`, chunk, '\r\n'];
        }).flat(),
        '0\r\n\r\n',
      ],
    ],
  ])('a large response %s arrives unchanged', async (_kind, framed) => {
    const body = Buffer.from(Uint8Array.from({ length: 1_000_003 }, (_, index) => index % 251));
    const whole = Buffer.concat(Array<Buffer>(20).fill(body));
    using server = await rawServer(({ socket }) => {
      socket.write(Buffer.concat([Buffer.from(ok), ...framed(whole).map((part) => Buffer.from(part))]));
    }, options);
    const bytes = { sent: 0, received: 0 };
    await using client = httpClient(server.origin, { tlsSkipVerify: true, bytes });
    for (let round = 1; round <= 2; round++) {
      const response = await client.fetch({ method: 'GET', signal: unaborted });
      const pieces: Uint8Array[] = [];
      for (let piece = await response.read(); piece; piece = await response.read()) pieces.push(piece);
      expect(Buffer.concat(pieces).equals(whole)).toBe(true);
      expect(bytes.received).toBe(round * 20_000_060);
    }
    expect(server.connections()).toBe(1);
  });

  test('an unread response applies back-pressure, and continues when it is read', async () => {
    const piece = Buffer.from(`10000\r\n${'x'.repeat(65_536)}\r\n`);
    let sent = 0;
    let more = true;
    using server = await rawServer(async ({ socket }) => {
      socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n`);
      await writeAll(
        socket,
        piece,
        () => more && sent < 512 * 1024 * 1024,
        (bytes) => {
          sent += bytes;
        },
      );
      socket.write('0\r\n\r\n');
    }, options);
    await using client = httpClient(server.origin, { tlsSkipVerify: true });
    const response = await client.fetch({ method: 'GET', signal: unaborted });
    let before = -1;
    await waitUntil('the sender to wait', async () => {
      before = sent;
      await Bun.sleep(200);
      return sent === before && sent > 0;
    });
    // What the system holds on both sides, and what we do.
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    let received = 0;
    const wanted = sent + 32 * 1024 * 1024;
    for (let part = await response.read(); part; part = await response.read()) {
      received += part.byteLength;
      if (received > wanted) more = false;
    }
    expect(received).toBe((sent / piece.length) * 65_536);
  });

  test.each([
    ['a few long chunks', 3, 140_000],
    ['many short chunks', 420, 1_000],
    ['very many of one byte', 300_000, 1],
  ])(
    'an answer in %s, all there before they are read, keeps no connection from the next one',
    async (_kind, count, size) => {
      const chunk = `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;
      const chunks = `${chunk.repeat(count)}0\r\n\r\n`;
      using server = await rawServer(({ socket, target }) => {
        socket.write(
          `${ok}${target === '/small' ? 'Content-Length: 2\r\n\r\nhi' : `Transfer-Encoding: chunked\r\n\r\n${chunks}`}`,
        );
      }, options);
      await using client = httpClient(`${server.origin}/`, { tlsSkipVerify: true });
      for (let round = 0; round < 5; round++) {
        const response = await client.fetch({ method: 'GET', signal: unaborted });
        const text = await within('the text', Promise.resolve(response.text()));
        expect(text.length).toBe(count * size);
        const next = client.fetch({ method: 'GET', url: `${server.origin}/small`, signal: unaborted });
        expect(await (await within('the next answer', next)).text()).toBe('hi');
      }
    },
  );
});

test('a response before the whole request was sent is used, and its connection is not reused', async () => {
  using server = await rawServer(({ socket }) => void socket.write(`${ok}Content-Length: 2\r\n\r\nhi`), {
    onHead({ headers, socket }) {
      if (headers.get('content-length') !== '20000000') return false;
      socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nlong');
      return true;
    },
  });
  await using client = httpClient(server.origin);
  const body = 'x'.repeat(20_000_000);
  const refused = await client.fetch({ method: 'POST', body, signal: unaborted });
  expect([refused.status, await refused.text()]).toEqual([413, 'long']);
  const next = await client.fetch({ method: 'POST', body: '{}', signal: unaborted });
  expect(await next.text()).toBe('hi');
  expect(server.connections()).toBe(2);
});

describe('a response is a failure', () => {
  test.each<[string, string, (socket: Socket) => void, string]>([
    ['that is shorter than its length', 'Content-Length: 9\r\n\r\nhalf', (socket) => socket.end(), 'broken'],
    [
      'in chunks that do not end',
      'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
      (socket) => socket.end(),
      'broken',
    ],
    [
      'whose last chunk came, but not its end',
      'Transfer-Encoding: chunked\r\n\r\n0\r\n',
      (socket) => socket.end(),
      'broken',
    ],
    ['that ends with a reset', '\r\nhalf', (socket) => socket.resetAndDestroy(), 'broken'],
    ['whose chunks have no size', 'Transfer-Encoding: chunked\r\n\r\nhalf\r\n', () => {}, 'protocol'],
  ])('%s', async (_name, rest, end, kind) => {
    using server = await rawServer(({ socket }) => {
      socket.write(ok + rest);
      setTimeout(() => end(socket), 20);
    });
    await using client = httpClient(server.origin);
    const text = async () => (await client.fetch({ method: 'GET', signal: unaborted })).text();
    await expect(within('the failure', text())).rejects.toMatchObject({ kind });
    await waitUntil('the end of the connection', () => server.open() === 0);
  });

  test('that is larger than 64 MiB, and is not read to its end', async () => {
    const piece = Buffer.alloc(1024 * 1024, 'x');
    using server = await rawServer(async ({ socket }) => {
      socket.write(`${ok}\r\n`);
      await writeAll(
        socket,
        piece,
        () => true,
        () => {},
      );
    });
    await using client = httpClient(server.origin);
    const response = await client.fetch({ method: 'GET', signal: unaborted });
    await expect(Promise.resolve(response.text())).rejects.toMatchObject({
      kind: 'protocol',
      message: 'answered with more than 67108864 bytes',
    });
    await waitUntil('the end of the connection', () => server.open() === 0);
  });

  test('that says to be larger than 64 MiB', async () => {
    using server = await rawServer(
      ({ socket }) => void socket.write(`${ok}Content-Length: 67108865\r\n\r\nx`),
    );
    await using client = httpClient(server.origin);
    const response = await client.fetch({ method: 'GET', signal: unaborted });
    await expect(Promise.resolve(response.text())).rejects.toMatchObject({ kind: 'protocol' });
    await waitUntil('the end of the connection', () => server.open() === 0);
  });

  test.each([
    [
      'to another origin',
      'http://other.example/',
      'redirects to another origin (HTTP 307), which is not followed: http://other.example/',
    ],
    ['to no URL', 'http://[/', 'redirects to an invalid URL (HTTP 307)'],
  ])('that redirects %s, and its connection ends with the rest', async (_name, location, message) => {
    using server = await rawServer(({ socket }) => {
      socket.write(`HTTP/1.1 307 \r\nLocation: ${location}\r\nContent-Length: 1000000\r\n\r\nhalf`);
    });
    await using client = httpClient(server.origin);
    await expect(client.fetch({ method: 'GET', signal: unaborted })).rejects.toMatchObject({
      kind: 'protocol',
      message,
    });
    await waitUntil('the end of the connection', () => server.open() === 0);
  });
});
