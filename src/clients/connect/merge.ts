/** Lines of the base, and the lines that stand in their place in another text. */
interface Hunk {
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

/** Texts that differ in more lines are taken as different from the first to the last of these. */
const maxDifferences = 500;

/**
 * The text with the changes that lead from `base` to `mine` and those that lead from `base` to `theirs`; null if both changed the
 * same lines, or neighbouring ones.
 */
export function mergeTexts(base: string, mine: string, theirs: string): string | null {
  const lines = linesOf(base);
  const hunks = [...hunksOf(lines, linesOf(mine)), ...hunksOf(lines, linesOf(theirs))];
  hunks.sort((a, b) => a.start - b.start);
  let text = '';
  let at = 0;
  for (const [index, hunk] of hunks.entries()) {
    if (index > 0 && hunk.start <= at) return null;
    text += lines.slice(at, hunk.start).join('') + hunk.lines.join('');
    at = hunk.end;
  }
  return text + lines.slice(at).join('');
}

/** With their line ends. */
const linesOf = (text: string): string[] => text.split(/(?<=\n)/);

function hunksOf(base: readonly string[], other: readonly string[]): Hunk[] {
  let start = 0;
  while (start < base.length && start < other.length && base[start] === other[start]) start++;
  let end = 0;
  const most = Math.min(base.length, other.length) - start;
  while (end < most && base[base.length - 1 - end] === other[other.length - 1 - end]) end++;
  const a = base.slice(start, base.length - end);
  const b = other.slice(start, other.length - end);
  if (a.length === 0 && b.length === 0) return [];
  return hunksBetween(matchesOf(a, b), a.length, b).map((hunk) => ({
    ...hunk,
    start: hunk.start + start,
    end: hunk.end + start,
  }));
}

function hunksBetween(
  matches: readonly (readonly [a: number, b: number])[],
  aLength: number,
  b: readonly string[],
): Hunk[] {
  const hunks: Hunk[] = [];
  let [aNext, bNext] = [0, 0];
  for (const [aAt, bAt] of [...matches, [aLength, b.length] as const]) {
    if (aAt > aNext || bAt > bNext) hunks.push({ start: aNext, end: aAt, lines: b.slice(bNext, bAt) });
    [aNext, bNext] = [aAt + 1, bAt + 1];
  }
  return hunks;
}

/** The pairs of equal lines on a shortest way from `a` to `b` (E. Myers, An O(ND) Difference Algorithm, 1986). */
function matchesOf(a: readonly string[], b: readonly string[]): (readonly [number, number])[] {
  const trace: Map<number, number>[] = [];
  let furthest = new Map<number, number>([[1, 0]]);
  for (let d = 0; d <= Math.min(maxDifferences, a.length + b.length); d++) {
    trace.push(furthest);
    const next = new Map<number, number>();
    for (let k = -d; k <= d; k += 2) {
      let x = isDownward(furthest, k, d) ? (furthest.get(k + 1) ?? 0) : (furthest.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      next.set(k, x);
      if (x >= a.length && x - k >= b.length) return backtrack(trace, a.length, b.length);
    }
    furthest = next;
  }
  return [];
}

const isDownward = (furthest: ReadonlyMap<number, number>, k: number, d: number): boolean =>
  k === -d || (k !== d && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1));

/** @param trace how far each diagonal was reached before each step */
function backtrack(
  trace: readonly ReadonlyMap<number, number>[],
  aLength: number,
  bLength: number,
): (readonly [number, number])[] {
  const matches: (readonly [number, number])[] = [];
  let [x, y] = [aLength, bLength];
  for (let d = trace.length - 1; d >= 0; d--) {
    const furthest = trace[d]!;
    const k = x - y;
    const from = isDownward(furthest, k, d) ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : (furthest.get(from) ?? 0);
    const fromY = d === 0 ? 0 : fromX - from;
    while (x > fromX && y > fromY) matches.push([--x, --y]);
    [x, y] = [fromX, fromY];
  }
  return matches.toReversed();
}
