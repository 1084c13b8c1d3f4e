import type { Signal } from './abort.ts';
import { throwLater } from './event-loop.ts';
import { LinkedList, LinkedNode } from './linked-list.ts';

/** The shortest time between two sweeps, and so the most that a deadline can be late. */
const sweepIntervalMs = 50;

/** Monotonic time and timers; tests inject their own. */
export interface Clock {
  nowMs(): number;
  /** Calls `run` once. Returns a function that cancels the timer. */
  startTimer(run: () => void, afterMs: number): () => void;
}

const systemClock: Clock = {
  nowMs: () => performance.now(),
  startTimer(run, afterMs) {
    const timer = setTimeout(run, afterMs);
    return () => clearTimeout(timer);
  },
};

/** A wait with a time limit. */
export abstract class Deadline extends LinkedNode {
  /** The time of expiry, by the clock of its {@link Deadlines}. */
  atMs = 0;

  /** Called once, when the time limit has passed. */
  abstract expire(): void;

  /** Ends the wait. May be called again. */
  clear(): void {
    this.unlink();
  }
}

class Timeout extends Deadline {
  readonly expire: () => void;

  constructor(expire: () => void) {
    super();
    this.expire = expire;
  }
}

/**
 * Deadlines that share one timer, which fires when the first of them may have passed. A timer per request would cost more
 * than the rest of a request's bookkeeping (docs/performance.md#one-deadline-timer).
 */
export class Deadlines {
  readonly clock: Clock;
  readonly #waits = new LinkedList<Deadline>();
  #cancelTimer: (() => void) | null = null;
  #sweepAtMs = Number.POSITIVE_INFINITY;

  constructor(clock = systemClock) {
    this.clock = clock;
  }

  /** Calls `expire` once, `afterMs` from now, unless the deadline is cleared before. */
  add(afterMs: number, expire: () => void): Deadline {
    const deadline = new Timeout(expire);
    this.start(deadline, afterMs);
    return deadline;
  }

  /** Starts a deadline that is not running. */
  start(deadline: Deadline, afterMs: number): void {
    const nowMs = this.clock.nowMs();
    deadline.atMs = nowMs + afterMs;
    this.#waits.add(deadline);
    this.#sweepBy(deadline.atMs, nowMs);
  }

  /** Schedules a sweep at `atMs` unless one comes earlier; not at once, so that close deadlines share one. */
  #sweepBy(atMs: number, nowMs: number): void {
    const sweepAtMs = Math.max(atMs, nowMs + sweepIntervalMs);
    if (sweepAtMs >= this.#sweepAtMs) return;
    this.#sweepAtMs = sweepAtMs;
    this.#cancelTimer?.();
    this.#cancelTimer = this.clock.startTimer(() => this.#sweep(), Math.ceil(sweepAtMs - nowMs));
  }

  #sweep(): void {
    this.#cancelTimer = null;
    this.#sweepAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.clock.nowMs();
    let firstMs = Number.POSITIVE_INFINITY;
    for (const deadline of this.#waits) {
      if (deadline.atMs <= nowMs) {
        deadline.clear();
        try {
          deadline.expire();
        } catch (error) {
          throwLater(error);
        }
      } else firstMs = Math.min(firstMs, deadline.atMs);
    }
    if (firstMs < Number.POSITIVE_INFINITY) this.#sweepBy(firstMs, nowMs);
  }
}

/** The deadlines of the process. */
export const deadlines = new Deadlines();

/** Waits `ms` milliseconds or until the signal is aborted. Resolves to whether the whole time passed. */
export function sleep(ms: number, signal: Signal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve(true);
    }, ms);
    const stop = () => {
      clearTimeout(timer);
      resolve(false);
    };
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** Waits until `promise` settles, the signal is aborted, or `timeoutMs` (default: no limit) have passed. */
export function settledOrAborted(
  promise: Promise<unknown>,
  signal: Signal,
  timeoutMs?: number,
  timers = deadlines,
): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const deadline = timeoutMs === undefined ? undefined : timers.add(timeoutMs, () => done());
    const done = () => {
      deadline?.clear();
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    promise.then(done, done);
  });
}
