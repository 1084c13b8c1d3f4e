import type { Signal } from '../runtime/abort.ts';
import { type Deadline, type Deadlines, deadlines as processDeadlines } from '../runtime/deadlines.ts';
import { nextTurn } from '../runtime/event-loop.ts';
import { LinkedList, LinkedNode } from '../runtime/linked-list.ts';
import { HttpConnection, type HttpConnectionEvents } from './connection.ts';
import { HttpFailure, toHttpFailure } from './http-failure.ts';
import { IdleLimit } from './idle-limit.ts';
import type { ByteSocket } from './socket.ts';

/** The most connections to one origin; further requests wait for one, each within its own deadline. */
const maxConnections = 8_192;
/** A connection that was idle for less is used unchecked: hardly any server closes it so soon. */
const freshMs = 250;
/** From this length on it matters how long the server keeps idle connections: hardly any keeps them for less. */
const pauseMs = 500;
/** The probe is closed after this: while it is idle, a server that serves one connection at a time answers on no other. */
const maxSilenceMs = 2_000;
/** How often idle connections are checked for their limit. */
const sweepIntervalMs = 1_000;

/** The bytes of bodies. */
export interface ByteCounts {
  sent: number;
  received: number;
}

/** A request that waits for a connection. */
class ConnectionWaiter extends LinkedNode {
  readonly #connection = Promise.withResolvers<HttpConnection>();
  readonly #signal: Signal;
  readonly #waiters: LinkedList<ConnectionWaiter>;
  readonly #onAbort = () => this.fail(this.#signal.reason);

  constructor(waiters: LinkedList<ConnectionWaiter>, signal: Signal) {
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

/**
 * The keep-alive connections to one origin; the most recently used is reused first.
 *
 * Why not fetch, and what this saves: docs/performance.md#http-client.
 */
export class ConnectionPool implements HttpConnectionEvents {
  readonly #dial: () => Promise<ByteSocket>;
  readonly #bytes: ByteCounts;
  readonly #connections = new Set<HttpConnection>();
  /** In order of last use. Closed ones are skipped when they are taken. */
  #idle: HttpConnection[] = [];
  readonly #waiters = new LinkedList<ConnectionWaiter>();
  readonly #isPlain: boolean;
  readonly #deadlines: Deadlines;
  readonly #idleLimit = new IdleLimit();
  /** An idle connection left for the server to close, which teaches how long others may be idle. */
  #probe: HttpConnection | null = null;
  #dialing = 0;
  /** The number of connections in {@link #verify}. */
  #verifying = 0;
  #sweep: Deadline | null = null;
  #keepsIdle = true;

  /**
   * @param dial connects to the origin, or rejects with an error for `toHttpFailure`
   * @param bytes counts what is received
   * @param isPlain whether requests go to the origin itself, without TLS
   */
  constructor(
    dial: () => Promise<ByteSocket>,
    bytes: ByteCounts,
    isPlain: boolean,
    deadlines = processDeadlines,
  ) {
    this.#dial = dial;
    this.#isPlain = isPlain;
    this.#bytes = bytes;
    this.#deadlines = deadlines;
  }

  /** An idle connection that was used a moment ago, or undefined. */
  takeIdle(): HttpConnection | undefined {
    const nowMs = this.#deadlines.clock.nowMs();
    const connection = this.#popIdle(nowMs);
    if (connection === undefined) return undefined;
    if (connection.idleMsAt(nowMs) < Math.min(freshMs, this.#idleLimit.usableMs)) return connection;
    this.#idle.push(connection);
    return undefined;
  }

  /** Waits for the first free connection, new or not. Rejects with an {@link HttpFailure} or the signal's reason. */
  wait(signal: Signal): Promise<HttpConnection> {
    const { connection } = new ConnectionWaiter(this.#waiters, signal);
    const idle = this.#takeReusable();
    if (idle) void this.#verify(idle);
    else this.#dialForWaiters();
    return connection;
  }

  /** The most recently used idle connection, or undefined. */
  #popIdle(nowMs: number): HttpConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.isUsableAt(nowMs)) return connection;
      connection.close();
    }
  }

  /** A connection that was idle for a while, but not so long that its server may be about to close it. */
  #takeReusable(): HttpConnection | undefined {
    const nowMs = this.#deadlines.clock.nowMs();
    const connection = this.#popIdle(nowMs);
    if (connection === undefined) return undefined;
    const idleMs = connection.idleMsAt(nowMs);
    if (idleMs < this.#idleLimit.usableMs && (idleMs < pauseMs || this.#isLimitKnown(connection)))
      return connection;
    // All others were idle for longer.
    this.#idle.push(connection);
    this.#probe ??= this.#idle.shift() ?? null;
    if (idleMs < this.#idleLimit.usableMs) return this.#idle.pop();
    for (const stale of this.#idle) stale.close();
    this.#idle = [];
    return undefined;
  }

  /** Whether the limit is known, announced, or being learned. */
  #isLimitKnown(connection: HttpConnection): boolean {
    return this.#idleLimit.isKnown || this.#probe !== null || connection.announcesLimit;
  }

  /** Hands a connection out after two turns, in which the event loop reports a close that has already arrived. */
  async #verify(connection: HttpConnection): Promise<void> {
    this.#verifying++;
    await nextTurn();
    await nextTurn();
    this.#verifying--;
    if (connection.isClosed) this.#dialForWaiters();
    else this.onFree(connection);
  }

  /** Closes idle connections now, and all others as soon as they are idle. Requests can still be sent. */
  close(): void {
    this.#keepsIdle = false;
    this.#sweep?.clear();
    for (const connection of this.#idle) connection.close();
    this.#idle = [];
    this.#probe?.close();
  }

  get hintOfSilence(): string {
    const mayBeTls = this.#isPlain && this.#bytes.received === 0;
    return mayBeTls ? ', without an answer; if it speaks TLS, its URL must begin with https://' : '';
  }

  /** Whether requests wait for the first connection. */
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

  onIdleEnd(idleMs: number): void {
    this.#idleLimit.closedAfter(idleMs);
  }

  onClosed(connection: HttpConnection): void {
    if (connection === this.#probe) this.#probe = null;
    this.#connections.delete(connection);
    this.#dialForWaiters();
  }

  /** Each waiter gets its own attempt, so that a failed one ends a single wait. */
  #dialForWaiters(): void {
    while (
      this.#dialing + this.#verifying < this.#waiters.size &&
      this.#connections.size + this.#dialing < maxConnections
    ) {
      this.#dialing++;
      void this.#connect();
    }
  }

  async #connect(): Promise<void> {
    try {
      const socket = await this.#dial();
      this.#dialing--;
      const connection = new HttpConnection(socket, this, this.#deadlines.clock);
      this.#connections.add(connection);
      this.onFree(connection);
    } catch (error) {
      this.#dialing--;
      const { kind, message } = toHttpFailure(error);
      // Whatever failed, nothing was sent.
      this.#waiters.first?.fail(new HttpFailure(kind === 'broken' ? 'refused' : kind, message));
    }
  }

  /** Closes idle connections that have reached their limit. */
  #closeStale(): void {
    this.#sweep = null;
    const nowMs = this.#deadlines.clock.nowMs();
    const kept: HttpConnection[] = [];
    for (const connection of this.#idle) {
      if (connection.isUsableAt(nowMs)) kept.push(connection);
      else connection.close();
    }
    this.#idle = kept;
    if (this.#probe) this.#checkProbe(this.#probe, nowMs);
    if (kept.length > 0 || this.#probe) this.#sweep = this.#nextSweep();
  }

  /** Learns from an open probe, and closes it if it blocks other connections or has reached its limit. */
  #checkProbe(probe: HttpConnection, nowMs: number): void {
    this.#idleLimit.outlivedBy(probe.idleMsAt(nowMs));
    const isBlocking = [...this.#connections].some((one) => one.silentMsAt(nowMs) > maxSilenceMs);
    if (probe.isUsableAt(nowMs) && !isBlocking) return;
    this.#idleLimit.isKnown = true;
    probe.close();
  }

  #nextSweep(): Deadline {
    return this.#deadlines.add(sweepIntervalMs, () => this.#closeStale());
  }
}
