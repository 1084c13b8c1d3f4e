import type { Signal } from './abort.ts';
import { LiveList, type Place } from './live-list.ts';

/** How often expiry is looked for, in milliseconds: a deadline is met at most this much late. */
const sweepIntervalMs = 50;

/** A wait that ends by itself. `clear` it when what was awaited has come. */
export interface Deadline {
  clear(): void;
}

class Entry implements Deadline {
  readonly atMs: number;
  readonly expire: () => void;
  readonly #place: Place<Entry>;
  readonly #list: LiveList<Entry>;

  constructor(list: LiveList<Entry>, afterMs: number, expire: () => void) {
    this.atMs = performance.now() + afterMs;
    this.expire = expire;
    this.#list = list;
    this.#place = list.add(this);
  }

  clear(): void {
    this.#list.remove(this.#place);
  }
}

/**
 * Ends waits that last too long. One timer serves them all, and none runs while nothing is awaited: a timer per
 * request would cost more than the rest of a request's bookkeeping.
 */
class Deadlines {
  readonly #entries = new LiveList<Entry>();
  #timer: ReturnType<typeof setInterval> | null = null;

  /** Calls `expire` once, `afterMs` from now, unless cleared before. */
  add(afterMs: number, expire: () => void): Deadline {
    const entry = new Entry(this.#entries, afterMs, expire);
    this.#timer ??= setInterval(() => this.#sweep(), sweepIntervalMs);
    return entry;
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const entry of this.#entries) {
      if (entry.atMs > nowMs) continue;
      entry.clear();
      entry.expire();
    }
    if (this.#entries.size === 0 && this.#timer) {
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
