import type { Signal } from './abort.ts';
import { Listed, LiveList } from './live-list.ts';

/** How often expiry is looked for, in milliseconds: a deadline is met at most this much late. */
const sweepIntervalMs = 50;

/** A wait that ends by itself. */
export abstract class Deadline extends Listed {
  /** When it ends, by `performance.now()`. */
  atMs = 0;

  /** Called once, when it has lasted too long. */
  abstract expire(): void;

  /** Ends the wait: what was awaited has come. */
  clear(): void {
    deadlines.end(this);
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
 * Ends waits that last too long. One timer serves them all, and none runs while nothing is awaited: a timer per
 * request would cost more than the rest of a request's bookkeeping.
 */
class Deadlines {
  readonly #waits = new LiveList<Deadline>();
  #timer: ReturnType<typeof setInterval> | null = null;

  /** Calls `expire` once, `afterMs` from now, unless cleared before. */
  add(afterMs: number, expire: () => void): Deadline {
    const deadline = new Timeout(expire);
    this.start(deadline, afterMs);
    return deadline;
  }

  /** Has `deadline`, which is not under way, expire `afterMs` from now, unless cleared before. */
  start(deadline: Deadline, afterMs: number): void {
    deadline.atMs = performance.now() + afterMs;
    this.#waits.add(deadline);
    this.#timer ??= setInterval(() => this.#sweep(), sweepIntervalMs);
  }

  end(deadline: Deadline): void {
    this.#waits.remove(deadline);
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const deadline of this.#waits) {
      if (deadline.atMs > nowMs) continue;
      deadline.clear();
      deadline.expire();
    }
    if (this.#waits.size === 0 && this.#timer) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }
}

/** The process's deadlines. */
export const deadlines = new Deadlines();

/** Waits `ms` milliseconds, or until the signal is aborted; tells whether the whole time went by. */
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

/** Waits until `promise` is settled, either way, or the signal is aborted. */
export function settledOrAborted(promise: Promise<unknown>, signal: Signal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    promise.then(done, done);
  });
}
