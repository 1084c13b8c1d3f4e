import type { Socket, SocketHandler } from 'bun';
import { deadlines } from '../runtime/deadlines.ts';
import { descriptors } from '../runtime/descriptors.ts';
import { nodeNet } from '../runtime/node-modules.ts';
import { closedTooSoon, connectFailure, connectTimeout } from './connect-failure.ts';
import { HttpFailure } from './http-failure.ts';
import type { ConnectTarget, OriginRoute } from './origin-route.ts';
import type { ByteSocket, SocketOwner } from './socket.ts';
import { dialTunnel } from './tunnel.ts';

/** The most attempts during a shortage of file descriptors. */
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
 * Establishes a connection, with TLS and through a tunnel if the route has them. Rejects within `timeoutMs` with an
 * {@link HttpFailure}; nothing has been sent to the origin then.
 */
export async function dial({ target, problem }: OriginRoute, timeoutMs: number): Promise<ByteSocket> {
  if (problem !== null) throw new HttpFailure('refused', problem);
  for (let attempts = 1; ; attempts++) {
    // The name lookup may need some, too.
    descriptors.lend(attempts);
    try {
      if (target.tunnel) return await dialTunnel(target, target.tunnel, timeoutMs);
      return await new Dialing(target, timeoutMs).socket;
    } catch (error) {
      // Bun reports a shortage as a refused connection.
      if (!descriptors.areExhausted()) throw error;
      if (attempts === maxAttempts)
        throw new HttpFailure('exhausted', `not asked, the gateway is ${descriptors.problem()}`);
    }
  }
}

class Dialing implements SocketOwner {
  readonly #target: ConnectTarget;
  readonly #result = Promise.withResolvers<ByteSocket>();
  readonly #deadline;
  #settled = false;
  #socket: Socket<DialData> | null = null;

  constructor(target: ConnectTarget, timeoutMs: number) {
    this.#target = target;
    const { hostname, port, tls } = target;
    this.#deadline = deadlines.add(timeoutMs, () => this.#fail(connectTimeout(timeoutMs, target)));
    Bun.connect<DialData>({
      hostname,
      port,
      data: { owner: this, dialing: this },
      socket: handlers,
      // An IP address is not a server name (RFC 6066, 3); it is verified against the certificate anyway.
      ...(tls && {
        tls: { rejectUnauthorized: tls.verify, serverName: nodeNet().isIP(hostname) ? '' : hostname },
      }),
    }).catch((error) => this.#fail(error));
  }

  get socket(): Promise<ByteSocket> {
    return this.#result.promise;
  }

  opened(socket: Socket<DialData>): void {
    // Bun cannot abort a connection attempt.
    if (this.#settled) return void socket.terminate();
    this.#socket = socket;
    if (this.#target.tls === null) this.#succeed(socket);
  }

  encrypted(socket: Socket<DialData>, ok: boolean, error: Error | null): void {
    // Without verification any certificate is accepted, but not a failed handshake.
    const isSecure = this.#target.tls?.verify ? ok : ok || socket.getPeerCertificate() !== null;
    if (isSecure) this.#succeed(socket);
    else this.#fail(error);
  }

  received(): void {
    this.#fail(new HttpFailure('refused', 'sent data before any request'));
  }

  drained(): void {
    // Nothing has been written yet.
  }

  closed(error: Error | null): void {
    this.#fail(error ?? closedTooSoon(this.#target));
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
    this.#result.reject(connectFailure(error, this.#target));
    this.#socket?.terminate();
  }
}
