import type { Socket } from 'bun';
import { hangUp } from './answers.ts';

/** A TCP peer that is not HTTP. `onBytes` returns what to write back, or `hangUp`. */
export function tcpUpstream(onBytes: (bytes: Uint8Array) => Uint8Array | string | typeof hangUp | undefined) {
  const listener = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data(socket, bytes) {
        const reply = onBytes(bytes);
        if (reply === hangUp) socket.terminate();
        else if (reply !== undefined) socket.write(reply);
      },
    },
  });
  return {
    url: `http://127.0.0.1:${listener.port}/mcp`,
    [Symbol.dispose]: () => listener.stop(true),
  };
}

/** A TCP peer that accepts connections and never writes. */
export const silentUpstream = () => tcpUpstream(() => undefined);

/** A TCP relay in front of a server, which can break connections that the server would keep. */
interface TcpProxy extends Disposable {
  readonly port: number;
  /** The number of connections since the start. */
  connections(): number;
  /** Breaks every connection; new ones are still accepted. */
  cut(): void;
  /** Breaks every connection and refuses new ones. */
  close(): void;
  /** Accepts connections again, on the same port. */
  open(): void;
}

interface Link {
  peer: Socket<Link> | null;
  /** Bytes that wait for the peer's socket. */
  unsent: Uint8Array[];
}

/** Relays TCP to `targetPort` of the loopback interface. */
export function tcpProxy(targetPort: number): TcpProxy {
  const sockets = new Set<Socket<Link>>();
  let connections = 0;

  const forward = (to: Socket<Link> | null, bytes: Uint8Array) => {
    if (!to) return;
    if (to.data.unsent.length > 0) return void to.data.unsent.push(bytes);
    const written = Math.max(0, to.write(bytes));
    if (written < bytes.length) to.data.unsent.push(bytes.subarray(written));
  };
  const handlers: Bun.SocketHandler<Link> = {
    data: (socket, bytes) => forward(socket.data.peer, new Uint8Array(bytes)),
    drain(socket) {
      const waiting = socket.data.unsent.splice(0);
      for (const bytes of waiting) forward(socket, bytes);
    },
    close(socket) {
      sockets.delete(socket);
      socket.data.peer?.end();
    },
    error() {},
  };

  const listen = (port: number) =>
    Bun.listen<Link>({
      hostname: '127.0.0.1',
      port,
      socket: {
        ...handlers,
        async open(client) {
          connections++;
          client.data = { peer: null, unsent: [] };
          sockets.add(client);
          client.pause();
          try {
            const data: Link = { peer: client, unsent: [] };
            const server = await Bun.connect<Link>({
              hostname: '127.0.0.1',
              port: targetPort,
              data,
              socket: handlers,
            });
            sockets.add(server);
            client.data.peer = server;
            client.resume();
          } catch {
            client.terminate();
          }
        },
      },
    });
  let listener: Bun.TCPSocketListener<Link> | null = listen(0);
  const { port } = listener;

  const cut = () => {
    for (const socket of sockets) socket.terminate();
    sockets.clear();
  };
  const close = () => {
    listener?.stop(true);
    listener = null;
    cut();
  };
  return {
    port,
    connections: () => connections,
    cut,
    close,
    open() {
      listener ??= listen(port);
    },
    [Symbol.dispose]: close,
  };
}
