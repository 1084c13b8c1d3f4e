import type { Signal } from '../../abort.ts';
import { type Deadline, deadlines } from '../../deadlines.ts';
import { LiveList } from '../../live-list.ts';
import { toFailure, UpstreamFailure } from '../failure.ts';
import { type ConnectionEvents, HttpConnection } from './connection.ts';
import type { ByteSocket } from './socket.ts';

/** The most connections to one upstream; requests beyond them wait for one, each within its own deadline. */
const maxConnections = 8_192;
/** How often connections are looked for that have been idle for too long. */
const sweepIntervalMs = 1_000;

interface Waiter {
  take(connection: HttpConnection): void;
  fail(error: unknown): void;
}

/** The connections to one origin, kept alive and used again, the one used last first. */
export class ConnectionPool implements ConnectionEvents {
  readonly #dial: () => Promise<ByteSocket>;
  readonly onReceived: (bytes: number) => void;
  readonly #connections = new Set<HttpConnection>();
  /** Some may have closed meanwhile; they are passed over. */
  #idle: HttpConnection[] = [];
  readonly #waiters = new LiveList<Waiter>();
  #dialing = 0;
  #sweep: Deadline | null = null;
  #keepsIdle = true;

  /** @param dial makes a new connection to the origin, or rejects with what `toFailure` understands */
  constructor(dial: () => Promise<ByteSocket>, onReceived: (bytes: number) => void) {
    this.#dial = dial;
    this.onReceived = onReceived;
  }

  /** A connection that is idle now, or undefined. */
  takeIdle(): HttpConnection | undefined {
    const nowMs = performance.now();
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.usableAt(nowMs)) return connection;
      connection.close();
    }
  }

  /** The first connection that becomes free, be it a new one. Rejects with an {@link UpstreamFailure} or the signal's reason. */
  wait(signal: Signal): Promise<HttpConnection> {
    const { promise, resolve, reject } = Promise.withResolvers<HttpConnection>();
    const settle = () => {
      this.#waiters.remove(place);
      signal.removeEventListener('abort', abort);
    };
    const waiter: Waiter = {
      take(connection) {
        settle();
        resolve(connection);
      },
      fail(error) {
        settle();
        reject(error);
      },
    };
    const abort = () => waiter.fail(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const place = this.#waiters.add(waiter);
    this.#dialForWaiters();
    return promise;
  }

  /** Closes what is idle now, and everything else as soon as it is. Last words can still be sent. */
  close(): void {
    this.#keepsIdle = false;
    this.#sweep?.clear();
    for (const connection of this.#idle) connection.close();
    this.#idle = [];
  }

  onFree(connection: HttpConnection): void {
    const waiter = this.#waiters.first;
    if (waiter) waiter.take(connection);
    else if (!this.#keepsIdle) connection.close();
    else {
      this.#idle.push(connection);
      this.#sweep ??= deadlines.add(sweepIntervalMs, () => this.#dropStale());
    }
  }

  onClosed(connection: HttpConnection): void {
    this.#connections.delete(connection);
    this.#dialForWaiters();
  }

  /** Each waiter gets an attempt of its own, so that one that fails ends the wait of one. */
  #dialForWaiters(): void {
    while (this.#dialing < this.#waiters.size && this.#connections.size + this.#dialing < maxConnections) {
      this.#dialing++;
      void this.#connect();
    }
  }

  async #connect(): Promise<void> {
    try {
      const socket = await this.#dial();
      this.#dialing--;
      const connection = new HttpConnection(socket, this);
      this.#connections.add(connection);
      this.onFree(connection);
    } catch (error) {
      this.#dialing--;
      const { kind, message } = toFailure(error);
      // Whatever it was, nothing was sent.
      this.#waiters.first?.fail(new UpstreamFailure(kind === 'broken' ? 'refused' : kind, message));
    }
  }

  #dropStale(): void {
    this.#sweep = null;
    const nowMs = performance.now();
    const kept: HttpConnection[] = [];
    for (const connection of this.#idle) {
      if (connection.usableAt(nowMs)) kept.push(connection);
      else connection.close();
    }
    this.#idle = kept;
    if (kept.length > 0) this.#sweep = deadlines.add(sweepIntervalMs, () => this.#dropStale());
  }
}
