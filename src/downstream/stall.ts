import { bodyBudget } from '../runtime/byte-budget.ts';
import { deadlines as processDeadlines } from '../runtime/deadlines.ts';

/** A client that takes nothing for this long is cut off if others need the memory. */
const maxStallMs = 10_000;

/** The reason for cutting off a client. */
export class StalledError extends Error {
  constructor() {
    super('the client did not read its response while others needed the memory');
    this.name = 'StalledError';
  }
}

/** Writes to a client. Settles when the client has taken it; rejects like {@link takenInTime}. */
export async function writeInTime(
  client: ReadableStreamDirectController,
  chunk: string | Uint8Array,
): Promise<void> {
  // With back-pressure this is a promise, whatever the types say. It also settles when the client is gone.
  const taken: unknown = client.write(chunk);
  if (taken instanceof Promise) await takenInTime(taken);
}

/**
 * Settles like `write`, which does when the client has taken the data or is gone. Rejects with a {@link StalledError} if the
 * client takes nothing while the budget is short, so that clients that do not read cannot block all others.
 */
export function takenInTime(
  write: Promise<unknown>,
  budget = bodyBudget,
  deadlines = processDeadlines,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const check = () => {
      if (budget.isShort) reject(new StalledError());
      else deadline = deadlines.add(maxStallMs, check);
    };
    let deadline = deadlines.add(maxStallMs, check);
    write.finally(() => deadline.clear()).then(resolve, reject);
  });
}
