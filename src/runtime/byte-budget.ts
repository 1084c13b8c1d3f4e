import { type Deadline, deadlines } from './deadlines.ts';

/** As much may the bodies of the process take together; what is made of one for a moment comes on top. */
const defaultMaxBytes = 256 * 1024 * 1024;
/** As much of that is for the one that waits longest, which so comes to its end whatever the others hold. */
const defaultReservedBytes = 64 * 1024 * 1024;
/** What is no longer than this counts for nothing. Nearly all bodies are not. */
export const maxFreeBytes = 64 * 1024;
/** How long a body may wait until others have ended. */
const defaultMaxWaitMs = 20_000;
/** How long after there was no room for somebody the budget counts as short. */
const shortForMs = 10_000;

/** No more can be held now. The message may be shown. */
export class OverBudgetError extends Error {
  constructor() {
    super('the gateway holds as many large messages as it can; try again later');
    this.name = 'OverBudgetError';
  }
}

/** How much one holds: apart from its {@link Holding}, so that it is still known when that was lost. */
interface Count {
  bytes: number;
}

interface Waiter {
  readonly count: Count;
  readonly bytes: number;
  readonly granted: PromiseWithResolvers<void>;
  readonly deadline: Deadline;
}

/** A bound on the sum of what is held in many places. */
export class ByteBudget {
  readonly #maxBytes: number;
  readonly #reservedBytes: number;
  readonly #maxWaitMs: number;
  #bytes = 0;
  #waiters: Waiter[] = [];
  /** When there was no room for somebody, by performance.now(). */
  #refusedMs = Number.NEGATIVE_INFINITY;
  /** Whose turn it is to take of what is reserved, until it holds nothing any more. */
  #first: Count | null = null;
  /** Gives back what was lost without having been given back. */
  readonly #lost = new FinalizationRegistry<Count>((count) => this.change(count, 0));

  constructor(
    maxBytes = defaultMaxBytes,
    reservedBytes = defaultReservedBytes,
    maxWaitMs = defaultMaxWaitMs,
  ) {
    this.#maxBytes = maxBytes;
    this.#reservedBytes = reservedBytes;
    this.#maxWaitMs = maxWaitMs;
  }

  /** How many bytes are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether somebody waits for room, or found none a short time ago. */
  get isShort(): boolean {
    return this.#waiters.length > 0 || performance.now() - this.#refusedMs < shortForMs;
  }

  /** The count of a holding, which is taken back when that is lost. */
  countFor(holding: Holding): Count {
    const count = { bytes: 0 };
    this.#lost.register(holding, count);
    return count;
  }

  /** Whether there was room to have `count` grow to `bytes`. */
  tryChange(count: Count, bytes: number): boolean {
    const max = count === this.#first ? this.#maxBytes : this.#maxBytes - this.#reservedBytes;
    if (bytes > count.bytes && this.#bytes + bytes - count.bytes > max) {
      this.#refusedMs = performance.now();
      return false;
    }
    this.change(count, bytes);
    return true;
  }

  /** Sets `count` to `bytes`, whether there is room or not. */
  change(count: Count, bytes: number): void {
    const given = count.bytes - bytes;
    count.bytes = bytes;
    this.#bytes -= given;
    const isOver = bytes === 0 && count === this.#first;
    if (isOver) this.#first = null;
    if ((given > 0 || isOver) && this.#waiters.length > 0) this.#wake();
  }

  /** Settles when `count` has grown to `bytes`. Rejects with an {@link OverBudgetError}. */
  wait(count: Count, bytes: number): Promise<void> {
    const granted = Promise.withResolvers<void>();
    const deadline = deadlines.add(this.#maxWaitMs, () => {
      this.#waiters = this.#waiters.filter((each) => each !== waiter);
      granted.reject(new OverBudgetError());
    });
    const waiter: Waiter = { count, bytes, granted, deadline };
    this.#waiters.push(waiter);
    this.#wake();
    return granted.promise;
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    const still = waiters.filter(({ count, bytes, granted, deadline }) => {
      this.#first ??= count;
      if (!this.tryChange(count, bytes)) return true;
      deadline.clear();
      granted.resolve();
      return false;
    });
    this.#waiters = still.concat(this.#waiters);
  }
}

/** The budget of all bodies of the process, from and to clients and upstreams. */
export const bodyBudget = new ByteBudget();

/** What one taker holds of a budget. */
export class Holding {
  readonly #budget: ByteBudget;
  /** Null for as long as nothing counts. */
  #count: Count | null = null;

  constructor(budget = bodyBudget) {
    this.#budget = budget;
  }

  /** Whether it holds `bytes` from now on; else it holds what it did. */
  tryHold(bytes: number): boolean {
    if (bytes > maxFreeBytes) return this.#budget.tryChange(this.#counted(), bytes);
    this.release();
    return true;
  }

  /** The same, but waits until others have ended. Rejects with an {@link OverBudgetError}. */
  hold(bytes: number): Promise<void> | undefined {
    return this.tryHold(bytes) ? undefined : this.#budget.wait(this.#counted(), bytes);
  }

  /** Holds `bytes` from now on, whether there is room or not: for what is there already, in another form. */
  force(bytes: number): void {
    if (bytes > maxFreeBytes) this.#budget.change(this.#counted(), bytes);
    else this.release();
  }

  /** Gives all back. */
  release(): void {
    if (this.#count) this.#budget.change(this.#count, 0);
  }

  #counted(): Count {
    this.#count ??= this.#budget.countFor(this);
    return this.#count;
  }
}
