// The least gateway possible on Bun: it compares the token and passes bodies on unread over a raw socket. Its CPU time
// beyond nginx's is Bun's; mcpstead's CPU time beyond it is ours. It relies on the benchmark's upstream, whose responses
// have a length.
// Usage: bun bench/bare-proxy.ts PORT UPSTREAM_PORT, with the token in BARE_TOKEN.

import type { Socket } from 'bun';
import { sendBatch } from '../src/runtime/send-batch.ts';

interface Upstream {
  /** Sends the response to the client; null while idle. */
  answer: ((response: Response) => void) | null;
  /** The pieces of the upstream's response so far. */
  readonly pieces: Buffer[];
  bytes: number;
  /** The last head, which nearly always repeats, and its parsed values. */
  head: string;
  status: number;
  length: number;
}

const [port, upstreamPort] = process.argv.slice(2).map(Number) as [number, number];
const authorization = `Bearer ${process.env.BARE_TOKEN}`;
const json = new Response(null, { headers: { 'content-type': 'application/json' } });
const requestHead =
  'POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json, text/event-stream\r\n' +
  'content-type: application/json\r\n';
const idle: Socket<Upstream>[] = [];

function take(socket: Socket<Upstream>, chunk: Buffer): void {
  const upstream = socket.data;
  upstream.pieces.push(chunk);
  upstream.bytes += chunk.length;
  const first = upstream.pieces[0] as Buffer;
  const headEnd = first.indexOf('\r\n\r\n');
  if (headEnd < 0) throw new Error('incomplete response head');
  const head = first.toString('latin1', 0, headEnd);
  if (head !== upstream.head) {
    upstream.head = head;
    upstream.status = Number(head.slice(9, 12));
    upstream.length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
  }
  if (upstream.bytes < headEnd + 4 + upstream.length) return;
  const whole = upstream.pieces.length === 1 ? first : Buffer.concat(upstream.pieces, upstream.bytes);
  const body = whole.toString('utf8', headEnd + 4);
  const { status } = upstream;
  const response = status === 200 ? new Response(body, json) : new Response(body || null, { status });
  const answer = upstream.answer as (response: Response) => void;
  upstream.pieces.length = 0;
  upstream.bytes = 0;
  idle.push(socket);
  sendBatch.requestEnded();
  sendBatch.add({ send: () => answer(response) });
}

function connect(): Promise<Socket<Upstream>> {
  const data: Upstream = { answer: null, pieces: [], bytes: 0, head: '', status: 0, length: 0 };
  return Bun.connect<Upstream>({ hostname: '127.0.0.1', port: upstreamPort, data, socket: { data: take } });
}

Bun.serve({
  hostname: '127.0.0.1',
  port,
  development: false,
  fetch(request) {
    if (request.headers.get('authorization') !== authorization) return new Response(null, { status: 401 });
    sendBatch.requestStarted();
    const { promise, resolve } = Promise.withResolvers<Response>();
    request.text().then(async (body) => {
      const socket = idle.pop() ?? (await connect());
      socket.data.answer = resolve;
      const message = `${requestHead}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
      sendBatch.add({ send: () => void socket.write(message) });
    });
    return promise;
  },
});
