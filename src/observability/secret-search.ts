import { DecodedText, isLetterOrDigit } from './decoded-text.ts';
import { anchorChars, keyAt, patternsOf, type SecretPattern, withCode } from './secret-patterns.ts';

/** The length of one character in a few layers of escapes: `\\\\u002B`. */
const maxEscapedChars = 12;
/** A text is decoded in slices of this length. */
const sliceChars = 32_768;
/** The context before a slice: an escape that ends in the slice, or a letter before its first secret. */
const contextChars = 16;
const filterBits = 16;

/** The range of a secret in a text. */
export interface SecretMatch {
  readonly start: number;
  readonly end: number;
  /** Whether it cannot be an ordinary word, such as the key of a JSON object. */
  readonly isUnmistakable: boolean;
}

/** Finds known secrets in text: as they are, escaped, in Base64 and in hexadecimal digits. */
export class SecretSearch {
  /** Whether the anchor of a pattern has this hash. Most of a text needs no other check. */
  readonly #filter = new Uint8Array(1 << filterBits);
  readonly #patterns = new Map<number, SecretPattern[]>();
  readonly #decoded = new DecodedText();
  /** The context after a slice, for secrets that begin in it. */
  readonly #overlapChars: number;
  /** The length of the slices in which a text is to be searched. */
  readonly sliceChars: number;

  constructor(secrets: Iterable<string>) {
    let longest = 0;
    for (const pattern of patternsOf(secrets)) {
      const key = keyAt(pattern.codes, pattern.anchor);
      const same = this.#patterns.get(key);
      if (same) same.push(pattern);
      else this.#patterns.set(key, [pattern]);
      this.#filter[hashOf(key)] = 1;
      longest = Math.max(longest, pattern.codes.length);
    }
    this.#overlapChars = longest * maxEscapedChars;
    this.sliceChars = Math.max(sliceChars, this.#overlapChars);
  }

  /** The secrets that begin in `text` from `from` to `to`, in order and without overlap; some may end later. */
  find(text: string, from: number, to: number): SecretMatch[] {
    const start = Math.max(0, from - contextChars);
    const decoded = this.#decoded;
    const found: SecretMatch[] = [];
    decoded.set(text, start, Math.min(text.length, to + this.#overlapChars));
    this.#search(start, from, to, found);
    decoded.decodeLayers(() => this.#search(start, from, to, found));
    return merged(found);
  }

  /** Adds the matches in the decoded text, which begins at `offset`. */
  #search(offset: number, from: number, to: number, found: SecretMatch[]): void {
    const filter = this.#filter;
    const decoded = this.#decoded;
    const { codes, length } = decoded;
    let key = 0;
    for (let i = 0; i < length; i++) {
      key = withCode(key, codes[i]!);
      if (filter[hashOf(key)] === 0) continue;
      const same = this.#patterns.get(key);
      if (same === undefined) continue;
      for (const pattern of same) {
        const at = i - anchorChars + 1 - pattern.anchor;
        const end = at < 0 ? -1 : this.#endOf(pattern, at);
        if (end < 0) continue;
        const start = offset + decoded.startOf(at);
        const { isUnmistakable } = pattern;
        if (start >= from && start < to) {
          found.push({ start, end: offset + decoded.startOf(end), isUnmistakable });
        }
      }
    }
  }

  /** The end of a match of the pattern at `at`, or -1. */
  #endOf({ codes: pattern, isBase64, isWord }: SecretPattern, at: number): number {
    const { codes, length } = this.#decoded;
    let end = at + pattern.length;
    if (end > length) return -1;
    for (let i = 0; i < pattern.length; i++) if (codes[at + i] !== pattern[i]) return -1;
    if (isWord && (this.#isWithinWord(at) || this.#isWithinWord(end))) return -1;
    if (isBase64) {
      // The character with the last bits, and the padding.
      if (end < length && isBase64Digit(codes[end]!)) end++;
      for (let n = 0; n < 2 && end < length && codes[end] === equals; n++) end++;
    }
    return end;
  }

  /** Whether there is a letter or digit on both sides of `at`. */
  #isWithinWord(at: number): boolean {
    const { codes, length } = this.#decoded;
    if (at === 0 || at === length) return false;
    return isLetterOrDigit(codes[at - 1]!) && isLetterOrDigit(codes[at]!);
  }
}

const equals = 0x3d;

function hashOf(key: number): number {
  return Math.imul(key, 0x9e3779b1) >>> (32 - filterBits);
}

/** Whether a code unit is a digit of Base64; `+` has become a space. */
function isBase64Digit(code: number): boolean {
  return (isLetterOrDigit(code) && code < 0x80) || code === 0x2f || code === 0x2d || code === 0x5f;
}

/** Sorts the matches and merges overlapping ones. */
function merged(found: SecretMatch[]): SecretMatch[] {
  if (found.length < 2) return found;
  found.sort((a, b) => a.start - b.start);
  const result: SecretMatch[] = [];
  for (const next of found) {
    const last = result.at(-1);
    if (last === undefined || next.start >= last.end) result.push(next);
    else {
      const isUnmistakable = last.isUnmistakable || next.isUnmistakable;
      result[result.length - 1] = { start: last.start, end: Math.max(last.end, next.end), isUnmistakable };
    }
  }
  return result;
}
