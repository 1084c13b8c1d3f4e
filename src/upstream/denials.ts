import { type Clock, deadlines } from '../runtime/deadlines.ts';

/** How long all calls must be told that the session is unknown before that is believed. */
const minDeniedMs = 1_000;
/** How long it is not believed again: at first and at most. */
const minPauseMs = 60_000;
const maxPauseMs = 60 * 60_000;

/**
 * Some upstreams list their tools to anyone and know sessions in calls only. If they lose a session, its check passes and all
 * calls fail. A tool whose own error sounds the same differs in that other calls succeed. If there are none, the error costs a
 * session now and then.
 */
export class Denials {
  readonly #clock: Pick<Clock, 'nowMs'>;
  #session: object | null = null;
  /** Since when no call has succeeded in that session. */
  #sinceMs = 0;
  #believedMs = Number.NEGATIVE_INFINITY;
  #pauseMs = minPauseMs;

  constructor(clock: Pick<Clock, 'nowMs'> = deadlines.clock) {
    this.#clock = clock;
  }

  /**
   * The answer to a call says that the upstream does not know a session whose check passes. Returns whether to believe it.
   * Resets `hasServed`, which tells whether a call has succeeded since.
   */
  believed(session: { hasServed: boolean }): boolean {
    const nowMs = this.#clock.nowMs();
    if (session.hasServed) {
      session.hasServed = false;
      this.#session = session;
      this.#sinceMs = nowMs;
      return false;
    }
    const sinceMs = nowMs - this.#believedMs;
    if (session !== this.#session || nowMs - this.#sinceMs < minDeniedMs || sinceMs < this.#pauseMs)
      return false;
    this.#pauseMs = sinceMs <= 2 * this.#pauseMs ? Math.min(2 * this.#pauseMs, maxPauseMs) : minPauseMs;
    this.#believedMs = nowMs;
    this.#session = null;
    return true;
  }
}
