import type { Signal } from '../runtime/abort.ts';
import { type Deadline, deadlines } from '../runtime/deadlines.ts';
import { nextTurn } from '../runtime/event-loop.ts';
import { LinkedList, LinkedNode } from '../runtime/linked-list.ts';
import { HttpConnection, type HttpConnectionEvents } from './connection.ts';
import { HttpFailure, toHttpFailure } from './http-failure.ts';
import { IdleLimit } from './idle-limit.ts';
import type { ByteSocket } from './socket.ts';

/** The most connections to one upstream; requests beyond them wait for one, each within its own deadline. */
const maxConnections = 8_192;
/** A connection that has been idle for less is used without a look at whether its end has come: hardly a server is so quick. */
const freshMs = 250;
/** After a pause of this length it matters how long the server keeps idle connections: hardly one keeps them for less. */
const pauseMs = 500;
/** A server that serves one connection at a time does not answer on others while one is idle: it is let go after this. */
const maxSilenceMs = 2_000;
/** How often connections are looked for that have been idle for too long. */
const sweepIntervalMs = 1_000;

/** The bytes of bodies. */
export interface ByteCounts {
  sent: number;
  received: number;
}

/** A request that waits for a connection. */
class Waiter extends LinkedNode {
  readonly #connection = Promise.withResolvers<HttpConnection>();
  readonly #signal: Signal;
  readonly #waiters: LinkedList<Waiter>;
  readonly #onAbort = () => this.fail(this.#signal.reason);

  constructor(waiters: LinkedList<Waiter>, signal: Signal) {
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
export class ConnectionPool implements HttpConnectionEvents {
  readonly #dial: () => Promise<ByteSocket>;
  readonly #bytes: ByteCounts;
  readonly #connections = new Set<HttpConnection>();
  /** Some may have closed meanwhile; they are passed over. */
  #idle: HttpConnection[] = [];
  readonly #waiters = new LinkedList<Waiter>();
  readonly #isPlain: boolean;
  readonly #idleLimit = new IdleLimit();
  /** An idle connection that is not used any more, for its server to close: that tells how long the others may be idle. */
  #witness: HttpConnection | null = null;
  #dialing = 0;
  /** How many connections are looked at before they are used. */
  #looking = 0;
  #sweep: Deadline | null = null;
  #keepsIdle = true;

  /**
   * @param dial makes a new connection to the origin, or rejects with what `toHttpFailure` understands
   * @param bytes what is received is added here
   * @param isPlain whether requests go to the origin itself, without TLS
   */
  constructor(dial: () => Promise<ByteSocket>, bytes: ByteCounts, isPlain: boolean) {
    this.#dial = dial;
    this.#isPlain = isPlain;
    this.#bytes = bytes;
  }

  /** A connection that was used just now and is idle, or undefined. */
  takeIdle(): HttpConnection | undefined {
    const nowMs = performance.now();
    const connection = this.#popIdle(nowMs);
    if (connection === undefined) return undefined;
    if (connection.idleMsAt(nowMs) < Math.min(freshMs, this.#idleLimit.usableMs)) return connection;
    this.#idle.push(connection);
    return undefined;
  }

  /** The first connection that becomes free, be it a new one. Rejects with an {@link HttpFailure} or the signal's reason. */
  wait(signal: Signal): Promise<HttpConnection> {
    const { connection } = new Waiter(this.#waiters, signal);
    const idle = this.#takeOld();
    if (idle) void this.#lookAt(idle);
    else this.#dialForWaiters();
    return connection;
  }

  /** The idle connection that was used last. */
  #popIdle(nowMs: number): HttpConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.usableAt(nowMs)) return connection;
      connection.close();
    }
  }

  /** A connection that has been idle for a while, but not so long that its server may be about to close it. */
  #takeOld(): HttpConnection | undefined {
    const nowMs = performance.now();
    const connection = this.#popIdle(nowMs);
    if (connection === undefined) return undefined;
    const idleMs = connection.idleMsAt(nowMs);
    if (idleMs < this.#idleLimit.usableMs && (idleMs < pauseMs || this.#isLimitKnown(connection)))
      return connection;
    // All others have been idle for longer.
    this.#idle.push(connection);
    this.#witness ??= this.#idle.shift() ?? null;
    if (idleMs < this.#idleLimit.usableMs) return this.#idle.pop();
    for (const stale of this.#idle) stale.close();
    this.#idle = [];
    return undefined;
  }

  /** Whether there is something to go by. */
  #isLimitKnown(connection: HttpConnection): boolean {
    return this.#idleLimit.isKnown || this.#witness !== null || connection.saysItsLimit;
  }

  /** Has a connection used that was idle for a while, unless its end has come and was not seen yet. */
  async #lookAt(connection: HttpConnection): Promise<void> {
    this.#looking++;
    // What this turn of the event loop still has to tell, and what the next one finds.
    await nextTurn();
    await nextTurn();
    this.#looking--;
    if (connection.isClosed) this.#dialForWaiters();
    else this.onFree(connection);
  }

  /** Closes what is idle now, and everything else as soon as it is. Last words can still be sent. */
  close(): void {
    this.#keepsIdle = false;
    this.#sweep?.clear();
    for (const connection of this.#idle) connection.close();
    this.#idle = [];
    this.#witness?.close();
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

  onIdleEnd(idleMs: number): void {
    this.#idleLimit.closedAfter(idleMs);
  }

  onClosed(connection: HttpConnection): void {
    if (connection === this.#witness) this.#witness = null;
    this.#connections.delete(connection);
    this.#dialForWaiters();
  }

  /** Each waiter gets an attempt of its own, so that one that fails ends the wait of one. */
  #dialForWaiters(): void {
    while (
      this.#dialing + this.#looking < this.#waiters.size &&
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
      const connection = new HttpConnection(socket, this);
      this.#connections.add(connection);
      this.onFree(connection);
    } catch (error) {
      this.#dialing--;
      const { kind, message } = toHttpFailure(error);
      // Whatever it was, nothing was sent.
      this.#waiters.first?.fail(new HttpFailure(kind === 'broken' ? 'refused' : kind, message));
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
    if (this.#witness) this.#ask(this.#witness, nowMs);
    if (kept.length > 0 || this.#witness) this.#sweep = this.#nextSweep();
  }

  /** What it tells that `witness` still is there. */
  #ask(witness: HttpConnection, nowMs: number): void {
    this.#idleLimit.outlivedBy(witness.idleMsAt(nowMs));
    const isInTheWay = [...this.#connections].some((one) => one.silentMsAt(nowMs) > maxSilenceMs);
    if (witness.usableAt(nowMs) && !isInTheWay) return;
    this.#idleLimit.isKnown = true;
    witness.close();
  }

  #nextSweep(): Deadline {
    return deadlines.add(sweepIntervalMs, () => this.#dropStale());
  }
}
