import { describe, expect, test } from 'bun:test';
import { Abort, type Signal } from '../../../../src/runtime/abort.ts';
import { httpClient, unaborted } from '../../../support/http-client.ts';
import { rawServer } from '../../../support/raw-server.ts';
import { failOnStrayErrors } from '../../../support/stray-errors.ts';
import { waitUntil, within } from '../../../support/wait.ts';

failOnStrayErrors();

const ok = 'HTTP/1.1 200 OK\r\n';
const reason = new Error('given up');

/** What a promise rejects with. */
const rejection = (outcome: unknown) =>
  within(
    'the rejection',
    Promise.resolve(outcome).then(
      () => 'no rejection',
      (error) => error,
    ),
  );

/** Both kinds of signal, each with what aborts it. */
const ways: [string, () => { signal: Signal; abort(reason: unknown): void }][] = [
  ['an AbortSignal', () => new AbortController()],
  [
    'an Abort',
    () => {
      const signal = new Abort();
      return { signal, abort: (why) => signal.abort(why) };
    },
  ],
];

describe.each(ways)('a request that is aborted by %s', (_name, create) => {
  test('before its start makes no connection', async () => {
    using server = await rawServer(() => {});
    await using client = httpClient(server.origin);
    const abort = create();
    abort.abort(reason);
    expect(await rejection(client.fetch({ method: 'GET', signal: abort.signal }))).toBe(reason);
    expect(server.connections()).toBe(0);
  });

  test('while it waits for a connection rejects at once, and the connection ends', async () => {
    // It does not speak TLS, and so there is no end to the wait.
    using server = await rawServer(() => {});
    const url = `https://127.0.0.1:${server.port}`;
    await using client = httpClient(url, { connectTimeoutMs: () => 500 });
    const abort = create();
    const request = rejection(client.fetch({ method: 'GET', signal: abort.signal }));
    await waitUntil('the connection', () => server.connections() === 1);
    abort.abort(reason);
    expect(await request).toBe(reason);
    await waitUntil('the end of the connection', () => server.open() === 0);
  });

  test('before its response ends the connection', async () => {
    using server = await rawServer(() => {});
    await using client = httpClient(server.origin);
    const abort = create();
    const request = rejection(client.fetch({ method: 'GET', signal: abort.signal }));
    await waitUntil('the request', () => server.requests.length === 1);
    abort.abort(reason);
    expect(await request).toBe(reason);
    await waitUntil('the end of the connection', () => server.open() === 0);
  });

  test('in the middle of a body ends the connection', async () => {
    using server = await rawServer(({ socket }) => void socket.write(`${ok}Content-Length: 9\r\n\r\nhalf`));
    await using client = httpClient(server.origin);
    const abort = create();
    const response = await client.fetch({ method: 'GET', signal: abort.signal });
    expect(Buffer.from((await response.read()) ?? []).toString()).toBe('half');
    const rest = rejection(response.read());
    abort.abort(reason);
    expect(await rest).toBe(reason);
    expect(await rejection(response.read())).toBe(reason);
    await waitUntil('the end of the connection', () => server.open() === 0);
  });

  test('in the middle of a compressed body rejects with the same reason', async () => {
    const half = Bun.gzipSync(Buffer.from('x'.repeat(1_000))).subarray(0, 15);
    using server = await rawServer(({ socket }) => {
      socket.write(`${ok}Content-Encoding: gzip\r\nContent-Length: 99\r\n\r\n`);
      socket.write(half);
    });
    await using client = httpClient(server.origin);
    const abort = create();
    const response = await client.fetch({ method: 'GET', signal: abort.signal });
    const text = rejection(response.text());
    abort.abort(reason);
    expect(await text).toBe(reason);
    await waitUntil('the end of the connection', () => server.open() === 0);
  });

  test('while it is sent ends the connection', async () => {
    using server = await rawServer(() => {}, { onHead: () => true });
    await using client = httpClient(server.origin);
    const abort = create();
    const body = 'x'.repeat(20_000_000);
    const request = rejection(client.fetch({ method: 'POST', body, signal: abort.signal }));
    await waitUntil('the connection', () => server.connections() === 1);
    abort.abort(reason);
    expect(await request).toBe(reason);
  });

  test('after its response does not affect the connection, which serves another one by now', async () => {
    using server = await rawServer(({ socket, target }) => {
      if (target === '/first') socket.write(`${ok}Content-Length: 5\r\n\r\nfirst`);
      else setTimeout(() => socket.write(`${ok}Content-Length: 6\r\n\r\nsecond`), 50);
    });
    await using client = httpClient(server.origin);
    const abort = create();
    const url = `${server.origin}/first`;
    const first = await client.fetch({ method: 'GET', url, signal: abort.signal });
    expect(await first.text()).toBe('first');
    const second = client.fetch({ method: 'GET', url: `${server.origin}/second`, signal: unaborted });
    await waitUntil('the second request', () => server.requests.length === 2);
    abort.abort(reason);
    expect(await (await second).text()).toBe('second');
    expect(server.connections()).toBe(1);
  });
});

test('a cancelled body ends its connection unless it was complete', async () => {
  using server = await rawServer(({ socket, target }) => {
    socket.write(`${ok}Content-Length: ${target === '/whole' ? 4 : 9}\r\n\r\nhalf`);
  });
  await using client = httpClient(server.origin);
  const fetch = (path: string) =>
    client.fetch({ method: 'GET', url: `${server.origin}${path}`, signal: unaborted });
  (await fetch('/half')).cancel();
  await waitUntil('the end of the connection', () => server.open() === 0);
  const whole = await fetch('/whole');
  await whole.text();
  whole.cancel();
  await fetch('/whole');
  expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2, 2]);
});
