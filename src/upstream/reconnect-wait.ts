import type { Clock } from '../runtime/deadlines.ts';

/** The wait for the next attempt to connect. */
export class ReconnectWait {
  readonly #clock: Clock;
  #cancelTimer: (() => void) | null = null;
  #startMs = 0;
  #ms = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The length of the last wait, in milliseconds. */
  get ms(): number {
    return this.#ms;
  }

  /** The rest of the wait, in milliseconds; null: none runs. */
  get leftMs(): number | null {
    return this.#cancelTimer ? Math.max(0, this.#startMs + this.#ms - this.#clock.nowMs()) : null;
  }

  /** Calls `onOver` in `ms`, instead of the function of an earlier wait. */
  start(ms: number, onOver: () => void): void {
    this.stop();
    this.#startMs = this.#clock.nowMs();
    this.#ms = ms;
    this.#cancelTimer = this.#clock.startTimer(() => {
      this.#cancelTimer = null;
      onOver();
    }, ms);
  }

  /** Ends the wait. Returns how long it lasted, in milliseconds: 0 if none ran. */
  stop(): number {
    if (!this.#cancelTimer) return 0;
    this.#cancelTimer();
    this.#cancelTimer = null;
    return Math.min(this.#ms, this.#clock.nowMs() - this.#startMs);
  }
}
