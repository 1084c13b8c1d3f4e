import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Certificate } from './tls.ts';

/** A request that a raw server received. */
export interface RawRequest {
  readonly method: string;
  /** The target of the request line. */
  readonly target: string;
  readonly headers: Headers;
  readonly body: Buffer;
  /** Requests of one connection have the same number; the first connection has 1. */
  readonly connection: number;
  /** The socket to write the response to. */
  readonly socket: Socket;
}

/** An HTTP server whose answers a test writes byte by byte. */
interface RawServer extends Disposable {
  readonly port: number;
  readonly origin: string;
  readonly requests: readonly RawRequest[];
  /** The number of connections since the start. */
  connections(): number;
  /** The number of open connections. */
  open(): number;
}

interface RawServerOptions {
  tls?: Certificate;
  /** Gets a request after its head; if it returns true, the body is not read and `answer` is not called. */
  onHead?(request: RawRequest): boolean;
  /** Gets each connection before its first read. */
  onConnection?(socket: Socket): void;
}

/** Starts a server that reads requests, with a `Content-Length` or without a body, and leaves the rest to `answer`. */
export async function rawServer(
  answer: (request: RawRequest) => void | Promise<void>,
  options: RawServerOptions = {},
): Promise<RawServer> {
  const requests: RawRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;

  const serve = (socket: Socket) => {
    const connection = ++connections;
    sockets.add(socket);
    socket.setNoDelay(true);
    // An error is followed by `close`.
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    options.onConnection?.(socket);
    let unread: Buffer[] = [];
    let wanted = 0;
    let announced = false;
    socket.on('data', (bytes: Buffer) => {
      unread.push(bytes);
      wanted -= bytes.length;
      if (wanted > 0) return;
      let all = Buffer.concat(unread);
      for (;;) {
        unread = [all];
        const parsed = parseHead(all);
        if (parsed === null) return;
        const { bodyStart, bodyLength } = parsed;
        const request = { ...parsed.request, connection, socket };
        if (!announced && options.onHead?.({ ...request, body: all.subarray(bodyStart) })) {
          socket.pause();
          return;
        }
        announced = true;
        wanted = bodyStart + bodyLength - all.length;
        if (wanted > 0) return;
        announced = false;
        const end = bodyStart + bodyLength;
        const whole = { ...request, body: all.subarray(bodyStart, end) };
        all = all.subarray(end);
        requests.push(whole);
        void answer(whole);
      }
    });
  };

  const server = options.tls ? createTlsServer(options.tls, serve) : createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    port,
    origin: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    connections: () => connections,
    open: () => sockets.size,
    [Symbol.dispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function parseHead(bytes: Buffer) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const [method = '', target = ''] = first.split(' ');
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const bodyLength = Number(headers.get('content-length') ?? 0);
  return { request: { method, target, headers }, bodyStart: end + 4, bodyLength };
}
