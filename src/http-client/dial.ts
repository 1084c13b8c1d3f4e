import type { Socket, SocketHandler } from 'bun';
import { deadlines } from '../runtime/deadlines.ts';
import { descriptors } from '../runtime/descriptors.ts';
import { nodeNet } from '../runtime/node-modules.ts';
import { closedTooSoon, connectFailure, connectTimeout } from './connect-failure.ts';
import { HttpFailure } from './http-failure.ts';
import type { Route, Way } from './origin-route.ts';
import type { ByteSocket, SocketOwner } from './socket.ts';
import { dialTunnel } from './tunnel.ts';

/** How often a connection is tried in a shortage of file descriptors. */
const maxAttempts = 3;

interface DialData {
  owner: SocketOwner;
  readonly dialing: Dialing;
}

const handlers: SocketHandler<DialData> = {
  open: (socket) => socket.data.dialing.opened(socket),
  handshake: (socket, ok, error) => socket.data.dialing.encrypted(socket, ok, error),
  data: (socket, bytes) => socket.data.owner.received(bytes),
  drain: (socket) => socket.data.owner.drained(),
  close: (socket, error) => socket.data.owner.closed(error ?? null),
};

/**
 * Makes a connection, with TLS and through a tunnel where the route has them, ready to be written to. Rejects within
 * `timeoutMs` with an {@link HttpFailure}; nothing has been sent to the origin then.
 */
export async function dial({ route, problem }: Way, timeoutMs: number): Promise<ByteSocket> {
  if (problem !== null) throw new HttpFailure('refused', problem);
  for (let attempts = 1; ; attempts++) {
    // The search for an address may take some, too.
    descriptors.lend(attempts);
    try {
      if (route.tunnel) return await dialTunnel(route, route.tunnel, timeoutMs);
      return await new Dialing(route, timeoutMs).socket;
    } catch (error) {
      // Bun says that the connection was refused.
      if (!descriptors.areExhausted()) throw error;
      if (attempts === maxAttempts)
        throw new HttpFailure('exhausted', `not asked, the gateway is ${descriptors.problem()}`);
    }
  }
}

class Dialing implements SocketOwner {
  readonly #route: Route;
  readonly #result = Promise.withResolvers<ByteSocket>();
  readonly #deadline;
  #settled = false;
  #socket: Socket<DialData> | null = null;

  constructor(route: Route, timeoutMs: number) {
    this.#route = route;
    const { hostname, port, tls } = route;
    this.#deadline = deadlines.add(timeoutMs, () => this.#fail(connectTimeout(timeoutMs, route)));
    Bun.connect<DialData>({
      hostname,
      port,
      data: { owner: this, dialing: this },
      socket: handlers,
      // An IP address is no server name (RFC 6066, 3); it is checked against the certificate all the same.
      ...(tls && {
        tls: { rejectUnauthorized: tls.verify, serverName: nodeNet().isIP(hostname) ? '' : hostname },
      }),
    }).catch((error) => this.#fail(error));
  }

  get socket(): Promise<ByteSocket> {
    return this.#result.promise;
  }

  opened(socket: Socket<DialData>): void {
    // Bun cannot give up a connection that is still coming about.
    if (this.#settled) return void socket.terminate();
    this.#socket = socket;
    if (this.#route.tls === null) this.#succeed(socket);
  }

  encrypted(socket: Socket<DialData>, ok: boolean, error: Error | null): void {
    // Without verification a certificate of whatever kind will do, but not a handshake that came to nothing.
    const secured = this.#route.tls?.verify ? ok : ok || socket.getPeerCertificate() !== null;
    if (secured) this.#succeed(socket);
    else this.#fail(error);
  }

  received(): void {
    this.#fail(new HttpFailure('refused', 'answered before it was asked'));
  }

  drained(): void {
    // Nothing was written yet.
  }

  closed(error: Error | null): void {
    this.#fail(error ?? closedTooSoon(this.#route));
  }

  #succeed(socket: Socket<DialData>): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#deadline.clear();
    this.#result.resolve(socket);
  }

  #fail(error: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#deadline.clear();
    this.#result.reject(connectFailure(error, this.#route));
    this.#socket?.terminate();
  }
}
