import { distance } from 'fastest-levenshtein';

/** A longer text is not a misspelt word, and would take long to compare. */
const maxWordChars = 64;

/** Removes what people confuse most, case and separators: `maxRequestBytes`, `max-request-bytes`. */
export const normalizeWord = (word: string) => word.toLowerCase().replace(/[-_+]/g, '');

const sortedLetters = (word: string) => [...word].sort().join('');

/**
 * The candidate nearest to `word`, or null. Near means at most one edit per three characters, or a candidate with something
 * appended (`streamable-http` for `streamable`).
 */
export function suggest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > maxWordChars) return null;
  const given = normalizeWord(word);
  let best: string | null = null;
  let bestEdits = Math.max(1, Math.floor(given.length / 3)) + 1;
  for (const candidate of candidates) {
    const wanted = normalizeWord(candidate);
    const extended = wanted.length >= 4 && given.startsWith(wanted);
    // Swapped letters (`prot`) are one mistake, though two edits.
    const near = extended || sortedLetters(given) === sortedLetters(wanted);
    const edits = near ? Math.min(1, distance(given, wanted)) : distance(given, wanted);
    if (edits < bestEdits) {
      best = candidate;
      bestEdits = edits;
    }
  }
  return best;
}

/** The end of a message: `; did you mean "x"?`, or an empty text if no candidate is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const found = suggest(word, candidates);
  return found === null ? '' : `; did you mean "${found}"?`;
}
