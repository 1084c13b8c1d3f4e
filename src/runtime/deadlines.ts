import type { Signal } from './abort.ts';
import { throwLater } from './event-loop.ts';
import { LinkedList, LinkedNode } from './linked-list.ts';

/** How long it is at least between two looks for expiry, in milliseconds: a deadline is met at most this much late. */
const sweepIntervalMs = 50;

/** A wait that ends by itself. */
export abstract class Deadline extends LinkedNode {
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
 * Ends waits that last too long. One timer serves them all: a timer per request would cost more than the rest of a
 * request's bookkeeping. It wakes the process when the first wait may be over, not before.
 */
class Deadlines {
  readonly #waits = new LinkedList<Deadline>();
  #timer: Timer | null = null;
  /** When expiry is looked for next. */
  #sweepAtMs = Number.POSITIVE_INFINITY;

  /** Calls `expire` once, `afterMs` from now, unless cleared before. */
  add(afterMs: number, expire: () => void): Deadline {
    const deadline = new Timeout(expire);
    this.start(deadline, afterMs);
    return deadline;
  }

  /** Has `deadline`, which is not under way, expire `afterMs` from now, unless cleared before. */
  start(deadline: Deadline, afterMs: number): void {
    const nowMs = performance.now();
    deadline.atMs = nowMs + afterMs;
    this.#waits.add(deadline);
    this.#sweepBy(deadline.atMs, nowMs);
  }

  end(deadline: Deadline): void {
    this.#waits.remove(deadline);
  }

  /** Looks for expiry at `atMs`, if not earlier; never at once, so that what ends soon ends together. */
  #sweepBy(atMs: number, nowMs: number): void {
    const sweepAtMs = Math.max(atMs, nowMs + sweepIntervalMs);
    if (sweepAtMs >= this.#sweepAtMs) return;
    this.#sweepAtMs = sweepAtMs;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#sweep(), Math.ceil(sweepAtMs - nowMs));
  }

  #sweep(): void {
    this.#timer = null;
    this.#sweepAtMs = Number.POSITIVE_INFINITY;
    const nowMs = performance.now();
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

/** Waits until `promise` is settled, either way, or the signal is aborted, or `timeoutMs` have passed where it is given. */
export function settledOrAborted(
  promise: Promise<unknown>,
  signal: Signal,
  timeoutMs?: number,
): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const deadline = timeoutMs === undefined ? undefined : deadlines.add(timeoutMs, () => done());
    const done = () => {
      deadline?.clear();
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    promise.then(done, done);
  });
}
