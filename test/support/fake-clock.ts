import type { Deadlines } from '../../src/runtime/deadlines.ts';

type Clock = Deadlines['clock'];

/** A clock that stands still until a test advances it. */
export class FakeClock implements Clock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];
  /** The number of timers started so far. */
  started = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  startTimer(run: () => void, afterMs: number): () => void {
    const timer = { atMs: this.#nowMs + afterMs, run };
    this.#timers.push(timer);
    this.started++;
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  /** Lets `ms` pass, and runs the timers that are due, each at its time. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const [next] = this.#timers.toSorted((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#nowMs = next.atMs;
      next.run();
    }
    this.#nowMs = untilMs;
  }
}
