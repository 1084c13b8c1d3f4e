import type { Caller } from '../protocol/caller.ts';
import type { Signal } from '../runtime/abort.ts';
import { type Clock, settledOrAborted } from '../runtime/deadlines.ts';
import { UpstreamFailure } from './failure.ts';
import { OnDemandKeeper, type OnDemandParts } from './on-demand-keeper.ts';

/** The longest and the shortest time between two looks for idle sessions. */
const maxSweepMs = 60_000;
const minSweepMs = 50;

interface ClientSessionsParts extends OnDemandParts {
  /** How many there may be. */
  readonly max: () => number;
  /** A session that no call uses ends after this time. */
  readonly idleTtlMs: number;
}

/** A client's session with the upstream. */
interface ClientSession {
  readonly keeper: OnDemandKeeper;
  /** When it was last used; while a call runs in it, a time in the future. */
  usedMs: number;
}

/**
 * The sessions of an upstream with `isolation: session`: one for each client session, opened on its first call in that client's
 * own words. Clients without sessions that describe themselves in the same words share one.
 */
export class ClientSessions {
  readonly #parts: ClientSessionsParts;
  readonly #clock: Clock;
  readonly #sessions = new Map<string, ClientSession>();
  /** The ends of sessions whose calls or processes still run. */
  readonly #ends = new Set<Promise<void>>();
  #cancelSweep: (() => void) | null = null;

  constructor(parts: ClientSessionsParts) {
    this.#parts = parts;
    this.#clock = parts.context.deadlines.clock;
  }

  /** The sessions that are open, or are being opened. */
  get size(): number {
    return this.#sessions.size;
  }

  /** The keeper of the caller's session. Throws an {@link UpstreamFailure} if there are too many. */
  of(caller: Caller): OnDemandKeeper {
    const key = keyOf(caller);
    let session = this.#sessions.get(key);
    if (session === undefined) {
      const max = this.#parts.max();
      if (this.#sessions.size >= max) throw tooMany(max);
      const { clientInfo, capabilities, channel } = caller;
      const parts = { ...this.#parts, reachable: (signal: Signal) => this.#room(signal) };
      session = { keeper: new OnDemandKeeper(parts, { clientInfo, capabilities, channel }), usedMs: 0 };
      this.#sessions.set(key, session);
      this.#cancelSweep ??= this.#scheduleSweep();
    }
    session.usedMs = this.#clock.nowMs();
    return session.keeper;
  }

  /** The keeper of the caller's session, if there is one. */
  find(caller: Caller): OnDemandKeeper | undefined {
    return this.#sessions.get(keyOf(caller))?.keeper;
  }

  /** Ends the session of a client session that has ended. */
  release(sessionId: string): void {
    const key = sessionKey(sessionId);
    const session = this.#sessions.get(key);
    if (session !== undefined) void this.#end(key, session);
  }

  /** Gives up the sessions as if they were lost; their next calls open others. */
  drop(failure: UpstreamFailure): void {
    for (const { keeper } of this.#sessions.values()) keeper.drop(failure);
  }

  /** Ends all of them when their running calls have ended. */
  async close(): Promise<void> {
    this.#cancelSweep?.();
    this.#cancelSweep = null;
    await Promise.all([...this.#sessions].map(([key, session]) => this.#end(key, session)));
  }

  #end(key: string, { keeper }: ClientSession): Promise<void> {
    this.#sessions.delete(key);
    const end = keeper.close().finally(() => this.#ends.delete(end));
    this.#ends.add(end);
    return end;
  }

  /** Waits until the upstream can be reached, and the end of others leaves room for one more. */
  async #room(signal: Signal): Promise<void> {
    await this.#parts.reachable(signal);
    while (
      this.#ends.size > 0 &&
      this.#sessions.size + this.#ends.size > this.#parts.max() &&
      !signal.aborted
    )
      await settledOrAborted(Promise.race(this.#ends), signal);
  }

  get #sweepMs(): number {
    return Math.min(maxSweepMs, Math.max(minSweepMs, this.#parts.idleTtlMs / 4));
  }

  #scheduleSweep(): () => void {
    return this.#clock.startTimer(() => this.#sweep(), this.#sweepMs);
  }

  #sweep(): void {
    const nowMs = this.#clock.nowMs();
    const expiredMs = nowMs - this.#parts.idleTtlMs;
    // A running call may end just before the next look, so that its session is in use until then.
    for (const [key, session] of this.#sessions)
      if (session.keeper.isBusy) session.usedMs = nowMs + this.#sweepMs;
      else if (session.usedMs <= expiredMs) void this.#end(key, session);
    this.#cancelSweep = this.#sessions.size > 0 ? this.#scheduleSweep() : null;
  }
}

/** Requests outside a session are of one client if nothing tells them apart. */
function keyOf({ sessionId, principal, clientInfo, capabilities }: Caller): string {
  return sessionId === null ? JSON.stringify([principal, clientInfo, capabilities]) : sessionKey(sessionId);
}

function sessionKey(sessionId: string): string {
  return `session ${sessionId}`;
}

function tooMany(max: number): UpstreamFailure {
  return new UpstreamFailure(
    'overloaded',
    `has ${max} sessions of clients, which is its "isolation_max": end some, or raise it`,
  );
}
