import type { Clock } from '../../runtime/deadlines.ts';
import { nextTurn } from '../../runtime/event-loop.ts';

/** The longest wait for further questions. */
const maxWaitMs = 50;

/** The wait for further questions, before a client is asked all of them together. */
export class Gathering {
  readonly #clock: Clock;
  readonly #onQuiet: () => void;
  /** Null while nothing is awaited. */
  #cancel: (() => void) | null = null;
  #endMs = 0;

  /** @param onQuiet called when no further question is awaited */
  constructor(clock: Clock, onQuiet: () => void) {
    this.#clock = clock;
    this.#onQuiet = onQuiet;
  }

  /** Waits until nothing else comes for `quietMs`, or for the end of the turn of the event loop if that is 0. */
  extend(quietMs: number): void {
    const nowMs = this.#clock.nowMs();
    if (this.#cancel === null) this.#endMs = nowMs + maxWaitMs;
    else this.#cancel();
    const waitMs = Math.min(quietMs, this.#endMs - nowMs);
    // A timer would take a millisecond at least.
    this.#cancel = waitMs > 0 ? this.#clock.startTimer(() => this.#end(), waitMs) : this.#endNextTurn();
  }

  cancel(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #end(): void {
    this.#cancel = null;
    this.#onQuiet();
  }

  #endNextTurn(): () => void {
    let isCancelled = false;
    void nextTurn().then(() => {
      if (!isCancelled) this.#end();
    });
    return () => {
      isCancelled = true;
    };
  }
}
