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

/** How long {@link forEachInShortTurns} may keep other work waiting (docs/performance.md#stream-turns). */
const maxShortTurnMs = 0.1;

/**
 * Visits every member in order, for a tenth of a millisecond in each turn of the event loop. The next one follows when the promise
 * that `visit` returned has settled.
 * @returns undefined if all have been visited in this turn
 */
export function forEachInShortTurns<T>(
  members: readonly T[],
  visit: (member: T) => Promise<void> | undefined,
): Promise<void> | undefined {
  const turnEndMs = performance.now() + maxShortTurnMs;
  for (let i = 0; i < members.length; i++) {
    const visited = visit(members[i] as T);
    const isOver = i + 1 < members.length && performance.now() >= turnEndMs;
    if (visited || isOver) return visitRest(members, i + 1, visit, visited ?? nextTurn());
  }
  return undefined;
}

/** In one loop: a promise for each turn that waits for those of all later turns would keep them, and there may be thousands. */
async function visitRest<T>(
  members: readonly T[],
  from: number,
  visit: (member: T) => Promise<void> | undefined,
  before: Promise<void>,
): Promise<void> {
  await before;
  let turnEndMs = performance.now() + maxShortTurnMs;
  for (let i = from; i < members.length; i++) {
    const visited = visit(members[i] as T);
    if (visited) await visited;
    else if (performance.now() < turnEndMs) continue;
    else await nextTurn();
    turnEndMs = performance.now() + maxShortTurnMs;
  }
}

/** Throws `error` in a later turn, as an uncaught exception, so that the caller can finish its work first. */
export function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
