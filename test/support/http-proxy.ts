import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { hangUp } from './answers.ts';
import type { Certificate } from './tls.ts';

/** A request to a proxy. */
interface ProxyRequest {
  readonly method: string;
  /** The target of the request line. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

interface HttpProxy extends AsyncDisposable {
  readonly port: number;
  readonly received: readonly ProxyRequest[];
  /** The number of open connections of clients. */
  open(): number;
  /** The number of connections of clients since the start. */
  connections(): number;
  /** Breaks all connections. */
  cut(): void;
}

interface HttpProxyOptions {
  tls?: Certificate;
  /** The bytes that it writes in place of its service; `hangUp` closes the connection, null writes nothing. */
  answer?: string | typeof hangUp | null;
  /** Its response to a CONNECT that succeeded. */
  tunnelAnswer?: string;
}

/** A proxy that connects every host name to this machine, on the same port. */
export async function httpProxy(options: HttpProxyOptions = {}): Promise<HttpProxy> {
  const received: ProxyRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;

  /** Records the request. Returns whether the options answered it. */
  const take = ({ method = '', url = '', headers, socket }: IncomingMessage): boolean => {
    received.push({ method, target: url, headers: headers as ProxyRequest['headers'] });
    if (options.answer === undefined) return false;
    if (options.answer === hangUp) socket.destroy();
    else if (options.answer !== null) socket.write(options.answer);
    return true;
  };

  const forward = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    if (take(incoming)) return;
    const { pathname, search, port } = new URL(incoming.url ?? '');
    // Headers of its own connection are not passed on. RFC 9110, 7.6.1 and 11.7.2.
    const { 'proxy-authorization': _, connection: __, ...headers } = incoming.headers;
    const onward = request(
      { host: '127.0.0.1', port: Number(port), method: incoming.method, path: pathname + search, headers },
      (response) => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        outgoing.flushHeaders();
        response.pipe(outgoing);
      },
    );
    onward.on('error', () => incoming.socket.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  };

  const tunnel = (incoming: IncomingMessage, client: Socket, head: Buffer) => {
    if (take(incoming)) {
      // The stream is not read elsewhere, and its end has to be answered.
      client.on('end', () => client.destroy()).resume();
      return;
    }
    const { port } = new URL(`http://${incoming.url}`);
    const server = connect(Number(port), '127.0.0.1', () => {
      client.write(options.tunnelAnswer ?? 'HTTP/1.1 200 Connection established\r\n\r\n');
      server.write(head);
      server.pipe(client);
      client.pipe(server);
    });
    for (const [one, other] of [
      [server, client],
      [client, server],
    ] as const) {
      one.on('error', () => {}).on('close', () => other.destroy());
    }
  };

  const server = options.tls ? createTlsServer(options.tls, forward) : createServer(forward);
  server.on('connect', tunnel);
  server.on(options.tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    received,
    open: () => sockets.size,
    connections: () => connections,
    cut,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
