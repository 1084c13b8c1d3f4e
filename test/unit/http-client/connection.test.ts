import { describe, expect, test } from 'bun:test';
import { HttpConnection } from '../../../src/http-client/connection.ts';
import type { HttpFailure } from '../../../src/http-client/http-failure.ts';
import type { HttpResponse } from '../../../src/http-client/response.ts';
import type { ByteSocket, SocketOwner } from '../../../src/http-client/socket.ts';
import type { Signal } from '../../../src/runtime/abort.ts';
import { bodyBudget, Holding, OverBudgetError } from '../../../src/runtime/byte-budget.ts';
import { nextTurn } from '../../../src/runtime/event-loop.ts';
import { SendBatch } from '../../../src/runtime/send-batch.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { unaborted } from '../../support/http-client.ts';

/** A socket that a test plays, with the connection on it. */
function playedConnection({
  takes = Number.POSITIVE_INFINITY,
  batch = new SendBatch(),
  clock = new FakeClock(),
} = {}) {
  const written: Buffer[] = [];
  const told: string[] = [];
  let paused = false;
  let ended: string | null = null;
  const end = (how: string) => {
    if (ended !== null) return;
    ended = how;
    // Bun calls back within the call.
    socket.data.owner.closed(null);
  };
  const socket: ByteSocket = {
    data: { owner: { received() {}, drained() {}, closed() {} } as SocketOwner },
    write(bytes) {
      if (ended !== null) return -1;
      const taken = Buffer.from(bytes).subarray(0, takes);
      written.push(taken);
      return taken.byteLength;
    },
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
    },
    close: () => end('closed'),
    terminate: () => end('terminated'),
  };
  const events = {
    hintOfSilence: '',
    onFree: () => void told.push('free'),
    onClosed: () => void told.push('closed'),
    onIdleEnd() {},
    onReceived() {},
  };
  const connection = new HttpConnection(socket, events, clock, batch);
  return {
    connection,
    request(text: string, signal: Signal = unaborted): Promise<HttpResponse> {
      const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
      connection.request(text, signal, { resolve, reject });
      return promise;
    },
    told,
    written: () => Buffer.concat(written).toString(),
    paused: () => paused,
    ended: () => ended,
    receive: (text: string) => connection.received(Buffer.from(text)),
  };
}

const ok = 'HTTP/1.1 200 OK\r\n';

describe('a connection', () => {
  test('serves one request after another', async () => {
    const { request, receive, told, written } = playedConnection();
    const first = request('A');
    receive(`${ok}Content-Length: 1\r\n\r\na`);
    expect(await (await first).text()).toBe('a');
    const second = request('B');
    receive(`${ok}Content-Length: 1\r\n\r\nb`);
    expect(await (await second).text()).toBe('b');
    expect(written()).toBe('AB');
    expect(told).toEqual(['free', 'free']);
  });

  test('counts a request of more than 64 KiB against the budget until the socket has accepted it', () => {
    const before = bodyBudget.bytes;
    const { connection, request } = playedConnection({ takes: 150_000 });
    void request('x'.repeat(200_000)).catch(() => {});
    expect(bodyBudget.bytes - before).toBe(200_000);
    connection.drained();
    expect(bodyBudget.bytes).toBe(before);
  });

  test('fails a request that exceeds the budget, and ends', async () => {
    const other = new Holding();
    other.force(1024 * 1024 * 1024);
    try {
      const { request, ended } = playedConnection({ takes: 10 });
      await expect(request('x'.repeat(100_000))).rejects.toBeInstanceOf(OverBudgetError);
      expect(ended()).toBe('terminated');
    } finally {
      other.release();
    }
  });

  test('sends the rest when the socket accepts more, in whole bytes', async () => {
    const { connection, request, written } = playedConnection({ takes: 2 });
    void request('aé€😀b');
    expect(written()).toBe('a\ufffd');
    for (let round = 0; round < 10; round++) connection.drained();
    expect(written()).toBe('aé€😀b');
  });

  test('is not reused if the response came before the whole request was sent', async () => {
    const { request, receive, told, ended } = playedConnection({ takes: 2 });
    const answer = request('abcdef');
    receive('HTTP/1.1 413 \r\nContent-Length: 1\r\n\r\na');
    expect(await (await answer).text()).toBe('a');
    expect(told).toEqual(['closed']);
    expect(ended()).toBe('closed');
  });

  test('is reused after a request that took several writes', async () => {
    const { connection, request, receive, told } = playedConnection({ takes: 4 });
    void request('abcdef');
    connection.drained();
    receive(`${ok}Content-Length: 0\r\n\r\n`);
    expect(told).toEqual(['free']);
  });

  test('applies back-pressure while much is unread', async () => {
    const { request, receive, paused } = playedConnection();
    const answer = request('A');
    receive(`${ok}Content-Length: 1000000\r\n\r\n`);
    const response = await answer;
    const piece = 'x'.repeat(100_000);
    receive(piece);
    receive(piece);
    expect(paused()).toBe(false);
    receive(piece);
    expect(paused()).toBe(true);
    await response.read();
    expect(paused()).toBe(false);
  });

  // What ends in the piece that made the sender wait leaves nothing that would let it go on.
  test.each([
    ['by its length', `Content-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`],
    [
      'in chunks',
      `Transfer-Encoding: chunked\r\n\r\n${`fa0\r\n${'x'.repeat(4_000)}\r\n`.repeat(75)}0\r\n\r\n`,
    ],
  ])(
    'does not let the sender wait any more when an unread body that is framed %s has ended',
    async (_name, rest) => {
      const { request, receive, told, paused } = playedConnection();
      const answer = request('A');
      receive(ok + rest);
      const response = await answer;
      expect(told).toEqual(['free']);
      expect(paused()).toBe(false);
      const next = request('B');
      expect((await response.text()).length).toBe(300_000);
      expect(paused()).toBe(false);
      receive(`${ok}Content-Length: 1\r\n\r\nb`);
      expect(await (await next).text()).toBe('b');
    },
  );

  test('sends nothing for an aborted signal', async () => {
    const { request, written, told } = playedConnection();
    const reason = new Error('given up');
    const answer = request('A', AbortSignal.abort(reason));
    const outcome = await Promise.race([answer.catch((error) => error), Bun.sleep(100)]);
    expect(outcome).toBe(reason);
    expect(written()).toBe('');
    // It can serve another request.
    expect(told).toEqual(['free']);
  });

  test('hands a response over after the chunk with its head was parsed', async () => {
    const { connection, receive } = playedConnection();
    const bodies: unknown[] = [];
    const resolve = (response: HttpResponse) => void bodies.push(response.whole());
    connection.request('A', unaborted, { resolve, reject() {} });
    receive(`${ok}Content-Length: 3\r\n\r\nabc`);
    expect(bodies).toEqual(['abc']);
  });

  test('hands a response over even if its body is invalid within the same chunk', async () => {
    const { request, receive } = playedConnection();
    const answer = request('A');
    receive(`${ok}Transfer-Encoding: chunked\r\n\r\nno size\r\n`);
    const response = await answer;
    expect(response.status).toBe(200);
    expect(await response.text().catch((error: HttpFailure) => error.kind)).toBe('protocol');
  });

  test('that is closed fails a request at once', async () => {
    const { connection, request } = playedConnection();
    connection.closed(null);
    const answer = request('A');
    const outcome = await Promise.race([answer.catch((error: HttpFailure) => error.kind), Bun.sleep(100)]);
    expect(outcome).toBe('broken');
  });

  test('is closed once, whatever the cause', async () => {
    const { connection, request, receive, told } = playedConnection();
    const answer = request('A');
    receive(`${ok}\r\nuntil the end`);
    connection.closed(null);
    expect(await (await answer).text()).toBe('until the end');
    expect(told).toEqual(['closed']);
  });

  test('treats a reset as a failure of a response without a length', async () => {
    const { connection, request, receive } = playedConnection();
    const answer = request('A');
    receive(`${ok}\r\nhalf`);
    connection.closed(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    await expect((await answer).text()).rejects.toMatchObject({
      kind: 'broken',
      message: 'connection closed unexpectedly',
    });
  });

  test('is terminated by data without a request', () => {
    const { receive, told, ended } = playedConnection();
    receive(`${ok}Content-Length: 0\r\n\r\n`);
    expect(told).toEqual(['closed']);
    expect(ended()).toBe('terminated');
  });
});

describe('a request that waits in the batch, because several are in flight,', () => {
  const busyConnection = () => {
    const batch = new SendBatch();
    batch.requestStarted();
    batch.requestStarted();
    return playedConnection({ batch });
  };
  test('is sent at the end of the turn, and answered', async () => {
    const { request, receive, written } = busyConnection();
    const answer = request('A');
    expect(written()).toBe('');
    await nextTurn();
    expect(written()).toBe('A');
    receive(`${ok}Content-Length: 1\r\n\r\na`);
    expect(await (await answer).text()).toBe('a');
  });

  test('is not sent if it was aborted before, and its connection is not reused', async () => {
    const { request, written, told } = busyConnection();
    const client = new AbortController();
    const answer = request('A', client.signal);
    const reason = new Error('given up');
    client.abort(reason);
    expect(await answer.catch((error) => error)).toBe(reason);
    await nextTurn();
    expect(written()).toBe('');
    expect(told).toEqual(['closed']);
  });

  test('fails if its connection is closed before', async () => {
    const { connection, request, written } = busyConnection();
    const answer = request('A');
    connection.closed(null);
    expect(await answer.catch((error: HttpFailure) => error.kind)).toBe('broken');
    await nextTurn();
    expect(written()).toBe('');
  });

  test('is not answered by data that came before it was sent', async () => {
    const { request, receive, written, ended } = busyConnection();
    const answer = request('A');
    receive(`${ok}Content-Length: 1\r\n\r\na`);
    expect(await answer.catch((error: HttpFailure) => error.message)).toBe('sent data without a request');
    await nextTurn();
    expect(written()).toBe('');
    expect(ended()).toBe('terminated');
  });
});

describe('an idle connection is kept', () => {
  const afterAnswer = (header: string) => {
    const { connection, request, receive } = playedConnection();
    void request('A');
    receive(`${ok}Content-Length: 0\r\n${header}\r\n`);
    /** Whether it is usable for `ms`, and not for longer. */
    return (ms: number) => [connection.isUsableAt(ms - 1), connection.isUsableAt(ms)];
  };

  test.each([
    ['for 30 s', '', 30_000],
    ['for a second less than by the server', 'Keep-Alive: timeout=5, max=100\r\n', 4_000],
    ['for half as long as by a server with a short limit', 'Keep-Alive: timeout=1\r\n', 500],
    ['not for longer than 30 s', 'Keep-Alive: timeout=600\r\n', 30_000],
    ['as long as the header says in any case and place', 'keep-alive: MAX=5 ,\tTimeout=9\r\n', 8_000],
    ['for 30 s if the header is invalid', 'Keep-Alive: timeout=soon\r\n', 30_000],
    ['for 30 s if the header has another parameter', 'Keep-Alive: x-timeout=5\r\n', 30_000],
  ])('%s', (_name, header, ms) => {
    expect(afterAnswer(header)(ms)).toEqual([true, false]);
  });

  test('not at all if the server does not keep it', () => {
    const { connection, request, receive } = playedConnection();
    void request('A');
    receive(`${ok}Content-Length: 0\r\nKeep-Alive: timeout=0\r\n\r\n`);
    expect(connection.isUsableAt(0)).toBe(false);
  });
});
