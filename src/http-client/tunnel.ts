import type { Duplex } from 'node:stream';
import { hostInUrl } from '../config/hosts.ts';
import { deadlines } from '../runtime/deadlines.ts';
import { nodeNet, nodeTls } from '../runtime/node-modules.ts';
import {
  closedTooSoon,
  connectFailure,
  connectTimeout,
  nameOf,
  type Peer,
  proxyRefusal,
} from './connect-failure.ts';
import { HttpFailure } from './http-failure.ts';
import type { ConnectTarget, Tunnel } from './origin-route.ts';
import { HttpFramingError, type ResponseHead } from './response-head.ts';
import { ResponseParser } from './response-parser.ts';
import type { ByteSocket, SocketOwner } from './socket.ts';

/**
 * Connects to a proxy, requests a tunnel, and starts TLS with its far end (RFC 9110, 9.3.6). Uses Node's sockets because
 * Bun's do not support TLS in TLS, which a proxy at an https URL needs. Rejects as `dial` does.
 */
export async function dialTunnel(
  target: ConnectTarget,
  tunnel: Tunnel,
  timeoutMs: number,
): Promise<ByteSocket> {
  const opened: Duplex[] = [];
  const expired = Promise.withResolvers<never>();
  let peer: Peer = target;
  const deadline = deadlines.add(timeoutMs, () => expired.reject(connectTimeout(timeoutMs, peer)));
  const within = <T>(wait: Promise<T>) => Promise.race([wait, expired.promise]);
  try {
    const proxy = target.tls
      ? nodeTls().connect({ ...tlsOptions(target.hostname, true), port: target.port })
      : nodeNet().connect(target.port, target.hostname);
    opened.push(proxy);
    await within(event(proxy, target.tls ? 'secureConnect' : 'connect', peer));
    await within(requestTunnel(proxy, target, tunnel));
    peer = { hostname: tunnel.hostname, port: tunnel.port, proxyVariable: null };
    const secure = nodeTls().connect({ ...tlsOptions(tunnel.hostname, tunnel.verify), socket: proxy });
    opened.push(secure);
    await within(event(secure, 'secureConnect', peer));
    return new NodeSocket(secure);
  } catch (error) {
    for (const socket of opened) socket.on('error', () => {}).destroy();
    throw connectFailure(error, peer);
  } finally {
    deadline.clear();
  }
}

function tlsOptions(hostname: string, verify: boolean) {
  return {
    host: hostname,
    ...(nodeNet().isIP(hostname) === 0 && { servername: hostname }),
    rejectUnauthorized: verify,
  };
}

/** Resolves at the event; rejects at an error or the close of the socket. */
function event(socket: Duplex, name: string, peer: Peer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const closed = () => reject(closedTooSoon(peer));
  socket.once(name, resolve).once('error', reject).once('close', closed);
  return promise.finally(() => socket.off(name, resolve).off('error', reject).off('close', closed));
}

/** Sends CONNECT, and resolves when the proxy has established the tunnel. */
async function requestTunnel(proxy: Duplex, target: ConnectTarget, tunnel: Tunnel): Promise<void> {
  const authority = `${hostInUrl(tunnel.hostname)}:${tunnel.port}`;
  const authorization =
    tunnel.authorization === null ? '' : `Proxy-Authorization: ${tunnel.authorization}\r\n`;
  const answered = Promise.withResolvers<ResponseHead>();
  const refuse = (what: string) => answered.reject(new HttpFailure('refused', `${nameOf(target)} ${what}`));
  const closed = () => refuse('closed the connection');
  const parser = new ResponseParser({ onHead: answered.resolve, onData() {}, onEnd() {} });
  const take = (bytes: Buffer) => {
    try {
      parser.push(bytes);
    } catch (error) {
      if (!(error instanceof HttpFramingError)) throw error;
      refuse(error.message);
    }
  };
  parser.expect();
  proxy.on('data', take).on('error', closed).on('close', closed);
  try {
    proxy.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`);
    const { status } = await answered.promise;
    if (status < 200 || status > 299)
      throw new HttpFailure('refused', proxyRefusal(status, target, authority));
  } finally {
    proxy.off('data', take).off('error', closed).off('close', closed);
  }
}

/** A Node stream as a {@link ByteSocket}. It buffers what is written, which is one request at most. */
class NodeSocket implements ByteSocket {
  readonly #stream: Duplex;
  readonly data: { owner: SocketOwner } = { owner: { received() {}, drained() {}, closed() {} } };
  #error: Error | null = null;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream
      .on('data', (bytes: Buffer) => this.data.owner.received(bytes))
      .on('error', (error: Error) => {
        this.#error = error;
      })
      .on('close', () => this.data.owner.closed(this.#error));
  }

  write(bytes: string | Buffer): number {
    if (this.#stream.destroyed) return -1;
    this.#stream.write(bytes);
    return Buffer.byteLength(bytes);
  }
  pause(): void {
    this.#stream.pause();
  }
  resume(): void {
    this.#stream.resume();
  }
  close(): void {
    this.#stream.destroy();
  }
  terminate(): void {
    this.#stream.destroy();
  }
}
