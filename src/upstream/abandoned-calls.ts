import type { Caller } from '../protocol/caller.ts';

/** How long an upstream may go on to work on a call that nobody waits for: the usual deadline of a call. */
const abandonedMs = 300_000;
/** The most calls that are remembered. */
const maxCalls = 1_000;

interface AbandonedCall {
  readonly id: number;
  readonly caller: Caller;
  readonly untilMs: number;
}

/**
 * Calls that ended without the upstream's answer. Some upstreams do not heed cancellations: what they ask or log for such a call on
 * a shared stream must not be taken for another client's.
 */
export class AbandonedCalls {
  /** The oldest first. */
  readonly #calls: AbandonedCall[] = [];
  /** Until when calls that had no place here may go on. */
  #unknownUntilMs = Number.NEGATIVE_INFINITY;

  add(id: number, caller: Caller, nowMs: number): void {
    this.#calls.push({ id, caller, untilMs: nowMs + abandonedMs });
    if (this.#calls.length > maxCalls)
      this.#unknownUntilMs = this.#calls.shift()?.untilMs ?? this.#unknownUntilMs;
  }

  /** The upstream has answered all the same. */
  answered(id: number): void {
    const at = this.#calls.findIndex((call) => call.id === id);
    if (at >= 0) this.#calls.splice(at, 1);
  }

  /** Whether there may be one of another client than `caller`. Without sessions, equal callers may be different clients. */
  hasOthers(caller: Caller | null, nowMs: number): boolean {
    while ((this.#calls[0]?.untilMs ?? Number.POSITIVE_INFINITY) <= nowMs) this.#calls.shift();
    if (this.#unknownUntilMs > nowMs) return true;
    return this.#calls.some((call) => call.caller !== caller || call.caller.sessionId === null);
  }
}
