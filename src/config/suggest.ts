import { distance } from 'fastest-levenshtein';

/** What is longer is no misspelt word, and comparing it would take long. */
const maxWordChars = 64;

/** Case, dashes and underscores are what people mix up most: `maxRequestBytes`, `max-request-bytes`. */
const plain = (word: string) => word.toLowerCase().replace(/[-_ ]/g, '');

const sortedLetters = (word: string) => [...word].sort().join('');

/**
 * The candidate that the user most likely meant by `word`, or null when none is near. Near is one edit for
 * every three characters, or a candidate with something added (`streamable-http` for `streamable`).
 */
export function suggest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > maxWordChars) return null;
  const given = plain(word);
  let best: string | null = null;
  let bestEdits = Math.max(1, Math.floor(given.length / 3)) + 1;
  for (const candidate of candidates) {
    const wanted = plain(candidate);
    const extended = wanted.length >= 4 && given.startsWith(wanted);
    // Swapped letters (`prot`) are one slip, though two edits.
    const near = extended || sortedLetters(given) === sortedLetters(wanted);
    const edits = near ? Math.min(1, distance(given, wanted)) : distance(given, wanted);
    if (edits < bestEdits) {
      best = candidate;
      bestEdits = edits;
    }
  }
  return best;
}

/** `; did you mean "x"?` when there is a near candidate, else nothing: to end a message with. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const found = suggest(word, candidates);
  return found === null ? '' : `; did you mean "${found}"?`;
}
