import type { Socket } from 'bun';

/** What one run of the load generator saw. */
export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  /** Latencies in milliseconds, sorted. */
  readonly latenciesMs: Float64Array;
}

export interface LoadOptions {
  readonly port: number;
  /** The JSON text of the request to send, again and again. */
  readonly body: string;
  /** How many connections ask at the same time, each one request after another. */
  readonly concurrency: number;
  readonly seconds: number;
  /** What every answer must contain; one that does not fails the run. */
  readonly expect: string;
}

interface Connection {
  received: Buffer[];
  bytes: number;
  /** The length of the whole answer, once its head was read. */
  wanted: number;
  sentMs: number;
}

/** How long after the run's end an answer may still come. */
const answerTimeoutMs = 10_000;

const headEnd = Buffer.from('\r\n\r\n');

/** Sends requests over raw keep-alive sockets, closed loop, and checks every answer. Rejects on a wrong one. */
export async function load({ port, body, concurrency, seconds, expect }: LoadOptions): Promise<LoadResult> {
  const request = Buffer.from(
    `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
      `Accept: application/json, text/event-stream\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  const expected = Buffer.from(expect);
  const latencies: number[] = [];
  const done = Promise.withResolvers<void>();
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  let open = concurrency;

  const send = (socket: Socket<Connection>) => {
    socket.data.received = [];
    socket.data.bytes = 0;
    socket.data.wanted = -1;
    socket.data.sentMs = performance.now();
    socket.write(request);
  };
  const take = (socket: Socket<Connection>, chunk: Buffer) => {
    const state = socket.data;
    state.received.push(Buffer.from(chunk));
    state.bytes += chunk.length;
    if (state.wanted < 0) {
      const head = Buffer.concat(state.received);
      const end = head.indexOf(headEnd);
      if (end < 0) return;
      const text = head.toString('latin1', 0, end);
      const length = /content-length: (\d+)/i.exec(text);
      if (!text.startsWith('HTTP/1.1 200') || !length) throw new Error(`unexpected answer: ${text}`);
      state.wanted = end + headEnd.length + Number(length[1]);
    }
    if (state.bytes < state.wanted) return;
    if (Buffer.concat(state.received).indexOf(expected) < 0) throw new Error('an answer is wrong');
    const nowMs = performance.now();
    latencies.push(nowMs - state.sentMs);
    if (nowMs < endMs) send(socket);
    else socket.end();
  };

  for (let i = 0; i < concurrency; i++) {
    await Bun.connect<Connection>({
      hostname: '127.0.0.1',
      port,
      data: { received: [], bytes: 0, wanted: -1, sentMs: 0 },
      socket: {
        open: send,
        data(socket, chunk) {
          try {
            take(socket, chunk);
          } catch (error) {
            done.reject(error);
          }
        },
        close() {
          open--;
          if (open === 0) done.resolve();
        },
        error(_, error) {
          done.reject(error);
        },
      },
    });
  }
  const timer = setTimeout(
    () => done.reject(new Error('answers are missing')),
    seconds * 1000 + answerTimeoutMs,
  );
  await done.promise;
  clearTimeout(timer);
  const elapsed = (performance.now() - startMs) / 1000;
  return { requests: latencies.length, seconds: elapsed, latenciesMs: Float64Array.from(latencies).sort() };
}
