import type { Signal } from '../../abort.ts';
import { type Deadline, deadlines } from '../../deadlines.ts';
import { Listed, LiveList } from '../../live-list.ts';
import type { ByteCounts } from '../../observability/upstream-metrics.ts';
import { toFailure, UpstreamFailure } from '../failure.ts';
import { type ConnectionEvents, HttpConnection } from './connection.ts';
import { RecentHead } from './recent-head.ts';
import type { ByteSocket } from './socket.ts';

/** The most connections to one upstream; requests beyond them wait for one, each within its own deadline. */
const maxConnections = 8_192;
/** How often connections are looked for that have been idle for too long. */
const sweepIntervalMs = 1_000;

/** A request that waits for a connection. */
class Waiter extends Listed {
  readonly #connection = Promise.withResolvers<HttpConnection>();
  readonly #signal: Signal;
  readonly #waiters: LiveList<Waiter>;
  readonly #onAbort = () => this.fail(this.#signal.reason);

  constructor(waiters: LiveList<Waiter>, signal: Signal) {
    super();
    this.#waiters = waiters;
    this.#signal = signal;
    waiters.add(this);
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  get connection(): Promise<HttpConnection> {
    return this.#connection.promise;
  }

  take(connection: HttpConnection): void {
    this.#end();
    this.#connection.resolve(connection);
  }

  fail(error: unknown): void {
    this.#end();
    this.#connection.reject(error);
  }

  #end(): void {
    this.#waiters.remove(this);
    this.#signal.removeEventListener('abort', this.#onAbort);
  }
}

/** The connections to one origin, kept alive and used again, the one used last first. */
export class ConnectionPool implements ConnectionEvents {
  readonly #dial: () => Promise<ByteSocket>;
  readonly #bytes: ByteCounts;
  readonly #connections = new Set<HttpConnection>();
  /** Some may have closed meanwhile; they are passed over. */
  #idle: HttpConnection[] = [];
  readonly #waiters = new LiveList<Waiter>();
  readonly #recent = new RecentHead();
  readonly #isPlain: boolean;
  #dialing = 0;
  #sweep: Deadline | null = null;
  #keepsIdle = true;

  /**
   * @param dial makes a new connection to the origin, or rejects with what `toFailure` understands
   * @param bytes what is received is added here
   * @param isPlain whether requests go to the origin itself, without TLS
   */
  constructor(dial: () => Promise<ByteSocket>, bytes: ByteCounts, isPlain: boolean) {
    this.#dial = dial;
    this.#isPlain = isPlain;
    this.#bytes = bytes;
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
    const { connection } = new Waiter(this.#waiters, signal);
    this.#dialForWaiters();
    return connection;
  }

  /** Closes what is idle now, and everything else as soon as it is. Last words can still be sent. */
  close(): void {
    this.#keepsIdle = false;
    this.#sweep?.clear();
    for (const connection of this.#idle) connection.close();
    this.#idle = [];
  }

  get hintOfSilence(): string {
    const isStrange = this.#isPlain && this.#bytes.received === 0;
    return isStrange ? ', without an answer; if it speaks TLS, its URL must begin with https://' : '';
  }

  /** Whether none of its connections has come about while requests wait for one. */
  get isUnreached(): boolean {
    return this.#dialing > 0 && this.#connections.size === 0;
  }

  onFree(connection: HttpConnection): void {
    const waiter = this.#waiters.first;
    if (waiter) waiter.take(connection);
    else if (!this.#keepsIdle) connection.close();
    else {
      this.#idle.push(connection);
      this.#sweep ??= this.#nextSweep();
    }
  }

  onReceived(bytes: number): void {
    this.#bytes.received += bytes;
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
      const connection = new HttpConnection(socket, this, this.#recent);
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
    if (kept.length > 0) this.#sweep = this.#nextSweep();
  }

  #nextSweep(): Deadline {
    return deadlines.add(sweepIntervalMs, () => this.#dropStale());
  }
}
