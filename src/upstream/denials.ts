/** For how long a session is denied to each call before that is believed, in milliseconds. */
const minDeniedMs = 1_000;
/** How long nothing of the kind is believed again, at first and at most, in milliseconds. */
const minPauseMs = 60_000;
const maxPauseMs = 60 * 60_000;

/**
 * An upstream that does not know a session may say so in answer to calls alone, and list its tools to anyone: then the
 * check of the session passes, and all calls fail. A tool whose own error sounds the same is told from it by what else
 * goes on: in a session that lives, other calls go well. Where there are no others, it costs a session now and then.
 */
export class Denials {
  readonly #nowMs: () => number;
  #session: object | null = null;
  /** Since when no call went well in that session. */
  #sinceMs = 0;
  #believedMs = Number.NEGATIVE_INFINITY;
  #pauseMs = minPauseMs;

  /** @param nowMs the time, in milliseconds from any moment on */
  constructor(nowMs = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * The answer to a call denies that there is this session, whose check passes: whether that is to be believed.
   *
   * @param session whose `hasServed` says whether a call went well, and is taken back here
   */
  believed(session: { hasServed: boolean }): boolean {
    const nowMs = this.#nowMs();
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
