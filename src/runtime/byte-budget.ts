import { type Deadline, deadlines } from './deadlines.ts';

/** The bound on all bodies of the process together, without short-lived copies. */
const defaultMaxBytes = 256 * 1024 * 1024;
/** The part of it that is reserved for the longest waiter, so that it completes whatever the others hold. */
const defaultReservedBytes = 64 * 1024 * 1024;
/** Bodies up to this length are not counted; nearly all are this short. */
export const maxFreeBytes = 64 * 1024;
/** The longest wait for other bodies to end. */
const defaultMaxWaitMs = 20_000;
/** The budget counts as short for this long after a refusal. */
const shortForMs = 10_000;

/** The budget has no room. The message may be shown. */
export class OverBudgetError extends Error {
  constructor() {
    super('the gateway holds as many large messages as it can; try again later');
    this.name = 'OverBudgetError';
  }
}

/** The bytes of one {@link Holding}, kept apart from it so that they can be released after it was garbage-collected. */
interface Count {
  bytes: number;
}

interface BudgetWaiter {
  readonly count: Count;
  readonly bytes: number;
  readonly granted: PromiseWithResolvers<void>;
  readonly deadline: Deadline;
}

/** A bound on the sum of bytes held in many places. */
export class ByteBudget {
  readonly #maxBytes: number;
  readonly #reservedBytes: number;
  readonly #maxWaitMs: number;
  /** The bytes held. */
  bytes = 0;
  #waiters: BudgetWaiter[] = [];
  /** The time of the last refusal, by performance.now(). */
  #refusedMs = Number.NEGATIVE_INFINITY;
  /** The holder that may use the reserve, until it has released all. */
  #first: Count | null = null;
  /** Releases the bytes of holdings that were garbage-collected without a release. */
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

  /** Whether a holder waits for room or was refused recently. */
  get isShort(): boolean {
    return this.#waiters.length > 0 || performance.now() - this.#refusedMs < shortForMs;
  }

  /** The count of a holding, which is released when the holding is garbage-collected. */
  countFor(holding: Holding): Count {
    const count = { bytes: 0 };
    this.#lost.register(holding, count);
    return count;
  }

  /** Sets `count` to `bytes` if there is room. Returns whether there was. */
  tryChange(count: Count, bytes: number): boolean {
    const max = count === this.#first ? this.#maxBytes : this.#maxBytes - this.#reservedBytes;
    if (bytes > count.bytes && this.bytes + bytes - count.bytes > max) {
      this.#refusedMs = performance.now();
      return false;
    }
    this.change(count, bytes);
    return true;
  }

  /** Sets `count` to `bytes` even without room. */
  change(count: Count, bytes: number): void {
    const released = count.bytes - bytes;
    count.bytes = bytes;
    this.bytes -= released;
    const isOver = bytes === 0 && count === this.#first;
    if (isOver) this.#first = null;
    if ((released > 0 || isOver) && this.#waiters.length > 0) this.#wake();
  }

  /** Waits until there is room to set `count` to `bytes`. Rejects with an {@link OverBudgetError}. */
  wait(count: Count, bytes: number): Promise<void> {
    const granted = Promise.withResolvers<void>();
    const deadline = deadlines.add(this.#maxWaitMs, () => {
      this.#waiters = this.#waiters.filter((each) => each !== waiter);
      granted.reject(new OverBudgetError());
    });
    const waiter: BudgetWaiter = { count, bytes, granted, deadline };
    this.#waiters.push(waiter);
    this.#wake();
    return granted.promise;
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    const waiting = waiters.filter(({ count, bytes, granted, deadline }) => {
      this.#first ??= count;
      if (!this.tryChange(count, bytes)) return true;
      deadline.clear();
      granted.resolve();
      return false;
    });
    this.#waiters = waiting.concat(this.#waiters);
  }
}

/** The budget of all bodies of the process. */
export const bodyBudget = new ByteBudget();

/** One holder's share of a budget. */
export class Holding {
  readonly #budget: ByteBudget;
  /** Null until something is counted. */
  #count: Count | null = null;

  constructor(budget = bodyBudget) {
    this.#budget = budget;
  }

  /** Holds `bytes` if there is room, else what it held before. Returns whether there was room. */
  tryHold(bytes: number): boolean {
    if (bytes > maxFreeBytes) return this.#budget.tryChange(this.#counted(), bytes);
    this.release();
    return true;
  }

  /** Like {@link tryHold}, but waits for room. Returns undefined if there is some; rejects with an {@link OverBudgetError}. */
  hold(bytes: number): Promise<void> | undefined {
    return this.tryHold(bytes) ? undefined : this.#budget.wait(this.#counted(), bytes);
  }

  /** Holds `bytes` even without room: they exist already, in another form. */
  force(bytes: number): void {
    if (bytes > maxFreeBytes) this.#budget.change(this.#counted(), bytes);
    else this.release();
  }

  /** Releases everything. */
  release(): void {
    if (this.#count) this.#budget.change(this.#count, 0);
  }

  #counted(): Count {
    this.#count ??= this.#budget.countFor(this);
    return this.#count;
  }
}
