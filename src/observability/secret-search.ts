import { DecodedText, escapes, isLetterOrDigit } from './decoded-text.ts';

/** Shorter secrets stay visible: hiding them would garble ordinary text, and the gaps would show what they are. */
const minChars = 4;
/** A shorter one is a part of a longer word by chance: it counts only where no letter or digit is next to it. */
const minCharsInWord = 8;
/** So many layers of escapes of each kind are undone: JSON in a string of JSON in a string has three. */
const maxLayers = 5;
/** How long one character gets in a few layers of escapes: `\\\\u002B`. */
const maxEscapedChars = 12;
/** As much of a text is decoded at a time. */
const sliceChars = 32_768;
/** What is looked at before a slice: an escape that ends in it, or a letter before its first secret. */
const contextChars = 16;

/** By so many code units a secret is found. */
const anchorChars = 4;
const filterBits = 16;

/** One way in which a secret is written, escapes aside. */
interface Shape {
  readonly codes: Uint16Array;
  readonly isBase64: boolean;
  /** Whether it has to stand alone. */
  readonly isWord: boolean;
  readonly isUnmistakable: boolean;
}

/** A shape, and where in it the code units begin by which it is found. */
interface Pattern extends Shape {
  readonly anchor: number;
}

/** A stretch of a text that holds a secret. */
export interface Found {
  readonly start: number;
  readonly end: number;
  /** It can be no ordinary word: a key of a JSON object, for example. */
  readonly isUnmistakable: boolean;
}

/** Finds known secrets in text, as they are, escaped, and in Base64. */
export class SecretSearch {
  /** Whether a pattern is found by code units of that hash. Most text is passed over by this alone. */
  readonly #filter = new Uint8Array(1 << filterBits);
  readonly #patterns = new Map<number, Pattern[]>();
  readonly #decoded = new DecodedText();
  /** How much after a slice is looked at, for the end of what begins in it. */
  readonly #overlapChars: number;
  /** In how large slices a text is to be searched. */
  readonly sliceChars: number;

  constructor(secrets: Iterable<string>) {
    let longest = 0;
    for (const pattern of anchored([...secrets].flatMap(shapesOf))) {
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
  find(text: string, from: number, to: number): Found[] {
    const start = Math.max(0, from - contextChars);
    const decoded = this.#decoded;
    const found: Found[] = [];
    decoded.set(text, start, Math.min(text.length, to + this.#overlapChars));
    this.#search(start, from, to, found);
    undo(decoded, () => this.#search(start, from, to, found));
    return merged(found);
  }

  /** Adds what is found in the decoded text, which begins at `offset`. */
  #search(offset: number, from: number, to: number, found: Found[]): void {
    const filter = this.#filter;
    const decoded = this.#decoded;
    const { codes, length } = decoded;
    let key = 0;
    for (let i = 0; i < length; i++) {
      key = withCode(key, codes[i] as number);
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

  /** Where a pattern ends that begins at `at`; -1 where it does not. */
  #endOf({ codes: pattern, isBase64, isWord }: Shape, at: number): number {
    const { codes, length } = this.#decoded;
    let end = at + pattern.length;
    if (end > length) return -1;
    for (let i = 0; i < pattern.length; i++) if (codes[at + i] !== pattern[i]) return -1;
    if (isWord && (this.#isWithinWord(at) || this.#isWithinWord(end))) return -1;
    if (isBase64) {
      // The character that holds the last bits, and the padding.
      if (end < length && isBase64Digit(codes[end] as number)) end++;
      for (let n = 0; n < 2 && end < length && codes[end] === equals; n++) end++;
    }
    return end;
  }

  /** Whether a letter or digit stands on both sides of that place. */
  #isWithinWord(at: number): boolean {
    const { codes, length } = this.#decoded;
    if (at === 0 || at === length) return false;
    return isLetterOrDigit(codes[at - 1] as number) && isLetterOrDigit(codes[at] as number);
  }
}

const equals = 0x3d;

/** The last four of the code units of which `key` had the last four. */
function withCode(key: number, code: number): number {
  return (key << 8) ^ code;
}

function keyAt(codes: Uint16Array, at: number): number {
  let key = 0;
  for (let i = at; i < at + anchorChars; i++) key = withCode(key, codes[i] as number);
  return key;
}

function hashOf(key: number): number {
  return Math.imul(key, 0x9e3779b1) >>> (32 - filterBits);
}

/** Has each shape found by what the fewest others have in them: tokens of a kind begin alike. */
function anchored(shapes: readonly Shape[]): Pattern[] {
  const counts = new Map<number, number>();
  for (const { codes } of shapes) {
    for (let at = 0; at + anchorChars <= codes.length; at++) {
      const key = keyAt(codes, at);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return shapes.map((shape) => {
    let anchor = 0;
    let fewest = Number.POSITIVE_INFINITY;
    for (let at = 0; at + anchorChars <= shape.codes.length; at++) {
      const count = counts.get(keyAt(shape.codes, at)) as number;
      // The latest: what is random comes last.
      if (count <= fewest) [anchor, fewest] = [at, count];
    }
    return { ...shape, anchor };
  });
}

/** But for `+`, which counts as a blank. */
function isBase64Digit(code: number): boolean {
  return (isLetterOrDigit(code) && code < 0x80) || code === 0x2f || code === 0x2d || code === 0x5f;
}

/** A stretch for each that does not overlap the one before. */
function merged(found: Found[]): Found[] {
  if (found.length < 2) return found;
  found.sort((a, b) => a.start - b.start);
  const result: Found[] = [];
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

/** All ways in which a secret is searched for. */
function shapesOf(value: string): Shape[] {
  const shapes: Shape[] = [];
  for (const secret of new Set([value, value.trim()])) {
    if (secret.length < minChars) continue;
    const isWord = secret.length < minCharsInWord;
    const isUnmistakable = !isWord && !/^\p{L}+$/u.test(secret);
    // A secret may hold what looks like an escape, and is decoded with what it stands in.
    for (const codes of [codesOf(secret), codesOf(secret, true)]) {
      if (codes.length >= minChars) shapes.push({ codes, isBase64: false, isWord, isUnmistakable });
    }
    for (const shape of base64Shapes(secret)) {
      shapes.push({ codes: codesOf(shape), isBase64: true, isWord: false, isUnmistakable });
    }
    // Of a short one, the digits stand in other numbers by chance.
    if (isWord) continue;
    const hex = Buffer.from(secret).toString('hex');
    for (const digits of [hex, hex.toUpperCase()])
      shapes.push({ codes: codesOf(digits), isBase64: false, isWord: false, isUnmistakable });
  }
  return shapes;
}

/** The code units of a text, as it is or without its escapes. */
function codesOf(text: string, isDecoded = false): Uint16Array {
  const decoded = new DecodedText();
  decoded.set(text, 0, text.length);
  if (isDecoded) undo(decoded, () => {});
  return decoded.codes.slice(0, decoded.length);
}

/** Undoes layer after layer of escapes, and calls `onLayer` after each. */
function undo(decoded: DecodedText, onLayer: () => void): void {
  let unchanged = 0;
  for (let layer = 0; layer < maxLayers && unchanged < escapes.length; layer++) {
    for (const kind of escapes) {
      if (decoded.decode(kind)) {
        unchanged = 0;
        onLayer();
      } else unchanged++;
    }
  }
}

/**
 * Base64 packs three bytes into four characters, so a secret looks different for each of the three places at
 * which it can begin. Of each only the characters that are made of its own bits alone are searched for.
 */
function* base64Shapes(secret: string): Generator<string> {
  for (const before of [0, 1, 2]) {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const ownFrom = Math.ceil((before * 8) / 6);
    const ownTo = Math.floor((bytes.length * 8) / 6);
    const own = bytes.toString('base64').slice(ownFrom, ownTo);
    yield own;
    const forUrls = own.replaceAll('+', '-').replaceAll('/', '_');
    if (forUrls !== own) yield forUrls;
  }
}
