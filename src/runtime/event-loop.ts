/** How many members {@link forEachInTurns} visits in one turn. */
const maxPerTurn = 16;

/** Resolves in the next turn of the event loop, after the I/O that is pending now. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Visits every member, a few in each turn of the event loop: thousands in a row would block all other work
 * (docs/performance.md#few-in-a-turn).
 */
export async function forEachInTurns<T>(members: Iterable<T>, visit: (member: T) => void): Promise<void> {
  let visited = 0;
  for (const member of members) {
    visit(member);
    visited++;
    if (visited % maxPerTurn === 0) await nextTurn();
  }
}

/** Throws `error` in a later turn, as an uncaught exception, so that the caller can finish its work first. */
export function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
