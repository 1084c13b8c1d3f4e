import { bodyBudget } from '../runtime/byte-budget.ts';
import { deadlines } from '../runtime/deadlines.ts';

/** For so long a client may take nothing of what is held for it while others find no room. */
const defaultMaxStallMs = 10_000;

/** What a client is cut off with. */
export class StalledError extends Error {
  constructor() {
    super('the client did not take its answer while others waited for the memory');
    this.name = 'StalledError';
  }
}

/** Writes to a client. Settles when it has taken that; rejects as {@link takenInTime} does. */
export async function writeInTime(
  client: ReadableStreamDirectController,
  piece: string | Uint8Array,
): Promise<void> {
  // Where the client does not keep up: a promise, whatever the types say, and settled when it is gone, too.
  const taken: unknown = client.write(piece);
  if (taken instanceof Promise) await takenInTime(taken);
}

/**
 * Settles as `write` does: when a client has taken what was written, or is gone. Rejects with a {@link StalledError} where
 * it takes nothing while the budget is short: what is held for those who do not read must not keep all others out.
 */
export function takenInTime(
  write: Promise<unknown>,
  budget = bodyBudget,
  maxStallMs = defaultMaxStallMs,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (budget.isShort) reject(new StalledError());
      else deadline = deadlines.add(maxStallMs, look);
    };
    let deadline = deadlines.add(maxStallMs, look);
    write.finally(() => deadline.clear()).then(resolve, reject);
  });
}
