import { skipString, skipStringFrom, unexpected } from './string.ts';

/**
 * Scans JSON text without building values, so that the parts that the gateway does not read pass through unchanged:
 * numbers beyond 2^53, key order and escapes survive (docs/performance.md#json-text).
 *
 * Every function validates the text that it skips (RFC 8259) and throws a SyntaxError exactly where JSON.parse would.
 * None recurses, so the depth of a text is not limited by the stack.
 */

const quote = 0x22;
const plus = 0x2b;
const comma = 0x2c;
const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const exponent = 0x65;
/** The bit that turns an upper-case letter into lower case. */
const caseBit = 0x20;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** The end index of each long value by its start index, from an earlier scan. */
export type Ends = ReadonlyMap<number, number>;

const literals = ['true', 'false', 'null'];

/** Nesting levels are bits of one word; this bit is the last one that it can hold. */
const maxLevels = 1 << 29;

/** The index of the first character that is not white space, from `at` on. Reading beyond the end would deoptimize. */
export function skipSpace(text: string, at: number): number {
  let i = at;
  while (i < text.length && isSpace(text.charCodeAt(i))) {
    i++;
    if (i - at === maxLoopChars) return longSpaceEnd(text, i);
  }
  return i;
}

function longSpaceEnd(text: string, from: number): number {
  nonSpace.lastIndex = from;
  return nonSpace.test(text) ? nonSpace.lastIndex - 1 : text.length;
}

/** Up to this much white space a loop is faster than starting a regular expression. */
const maxLoopChars = 64;
const nonSpace = /[^ \n\r\t]/g;

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** The index after the number at `at`. A loop, because starting a regular expression costs more than the scan. */
function skipNumber(text: string, at: number): number {
  let i = text.charCodeAt(at) === minus ? at + 1 : at;
  i = text.charCodeAt(i) === zero ? i + 1 : skipDigits(text, i);
  if (text.charCodeAt(i) === point) i = skipDigits(text, i + 1);
  if ((text.charCodeAt(i) | caseBit) === exponent) {
    const sign = text.charCodeAt(i + 1);
    i = skipDigits(text, sign === plus || sign === minus ? i + 2 : i + 1);
  }
  return i;
}

/** The index after the digits at `at`, of which there must be at least one. */
function skipDigits(text: string, at: number): number {
  let i = at;
  while (isDigit(text.charCodeAt(i))) i++;
  if (i === at) throw unexpected(text, at);
  return i;
}

function isDigit(code: number): boolean {
  return code >= zero && code <= zero + 9;
}

function isNumberStart(code: number): boolean {
  return code === minus || isDigit(code);
}

/** The index after the number or literal at `at`. */
function skipScalar(text: string, at: number): number {
  if (isNumberStart(text.charCodeAt(at))) return skipNumber(text, at);
  for (const literal of literals) if (text.startsWith(literal, at)) return at + literal.length;
  throw unexpected(text, at);
}

/** The index after the key at `at`. */
export function skipKey(text: string, at: number): number {
  if (text.charCodeAt(at) !== quote) throw unexpected(text, at);
  return skipString(text, at);
}

/** The index of the value after the key that ends at `at`. */
export function skipColon(text: string, at: number): number {
  const end = skipSpace(text, at);
  if (text.charCodeAt(end) !== colon) throw unexpected(text, end);
  return skipSpace(text, end + 1);
}

/** The index after the value at `at`. */
export function skipValue(text: string, at: number): number {
  return scanValue(text, at, text.length, null);
}

/** The scan of one value in slices, with the state between them. */
export class SlicedScan {
  readonly #text: string;
  at: number;
  levels = 1;
  outerLevels: number[] | null = null;
  isInString = false;

  /** @param at the index of the value */
  constructor(text: string, at: number) {
    this.#text = text;
    this.at = at;
  }

  pause(at: number, levels: number, outerLevels: number[] | null): void {
    this.at = at;
    this.levels = levels;
    this.outerLevels = outerLevels;
  }

  /** Scans about `chars` more. Returns the index after the value, or -1 if its end is still ahead. */
  advance(chars: number): number {
    return scanValue(this.#text, this.at, this.at + chars, this);
  }
}

/**
 * The index after the value at `at`. With a `scan`, the function stops soon after `limit`, between two values or after
 * an escape in a string: it saves its state in `scan` and returns -1.
 */
function scanValue(text: string, at: number, limit: number, scan: SlicedScan | null): number {
  let i = at;
  // The levels around the current value: a leading one, then a bit for each level, set for an object. When the word is
  // full, it moves to outerLevels.
  let levels = scan === null ? 1 : scan.levels;
  let outerLevels: number[] | null = scan === null ? null : scan.outerLevels;
  for (;;) {
    if (i >= limit && scan !== null) {
      scan.pause(i, levels, outerLevels);
      return -1;
    }
    const code = text.charCodeAt(i);
    if (scan !== null && (scan.isInString || code === quote)) {
      i = skipStringFrom(text, scan.isInString ? i : i + 1, limit);
      scan.isInString = i < 0;
      if (i < 0) {
        scan.pause(~i, levels, outerLevels);
        return -1;
      }
    } else if (code === quote) i = skipString(text, i);
    else if (code === openBrace || code === openBracket) {
      const isObject = code === openBrace;
      i = skipSpace(text, i + 1);
      if (text.charCodeAt(i) === (isObject ? closeBrace : closeBracket)) i++;
      else {
        if (levels >= maxLevels) {
          outerLevels ??= [];
          outerLevels.push(levels);
          levels = 1;
        }
        levels = (levels << 1) | (isObject ? 1 : 0);
        if (isObject) i = skipColon(text, skipKey(text, i));
        continue;
      }
    } else i = skipScalar(text, i);

    // After a value: close the levels that end here, then go to the next value.
    for (;;) {
      if (levels === 1) {
        levels = outerLevels?.pop() ?? 1;
        if (levels === 1) return i;
      }
      i = skipSpace(text, i);
      const after = text.charCodeAt(i);
      const isInObject = (levels & 1) === 1;
      if (after === comma) {
        i = skipSpace(text, i + 1);
        if (isInObject) i = skipColon(text, skipKey(text, i));
        break;
      }
      if (after !== (isInObject ? closeBrace : closeBracket)) throw unexpected(text, i);
      i++;
      levels >>= 1;
    }
  }
}

/** Throws a SyntaxError unless only white space follows from `at` on. */
export function checkEnd(text: string, at: number): void {
  const end = skipSpace(text, at);
  if (end < text.length) throw unexpected(text, end);
}

/** Whether the value at `at` is an object. */
export function isObjectAt(text: string, at: number): boolean {
  return text.charCodeAt(at) === openBrace;
}

// The next functions read a value in place: slicing it first takes several times as long.

/** Whether the text from `start` to `end` is `wanted`. */
export function isTextAt(text: string, start: number, end: number, wanted: string): boolean {
  if (end - start !== wanted.length) return false;
  for (let i = 0; i < wanted.length; i++)
    if (text.charCodeAt(start + i) !== wanted.charCodeAt(i)) return false;
  return true;
}

/** The string from `start` to `end`, or undefined for a value of another type. */
export function stringAt(text: string, start: number, end: number): string | undefined {
  if (text.charCodeAt(start) !== quote) return undefined;
  for (let i = start + 1; i < end; i++)
    if (text.charCodeAt(i) === backslash) return JSON.parse(text.slice(start, end)) as string;
  return text.slice(start + 1, end - 1);
}

/** The most characters that escape one code unit. */
const maxEscapeChars = 6;

/** Whether the value from `start` to `end` is the string `wanted`, escaped or not. */
export function isStringAt(text: string, start: number, end: number, wanted: string): boolean {
  if (text.charCodeAt(start) !== quote) return false;
  // An escape in the text stands for something else than its own characters.
  if (end - start - 2 <= wanted.length)
    return isTextAt(text, start + 1, end - 1, wanted) && !wanted.includes('\\');
  // Only escapes make the text longer than the string.
  if (end - start - 2 > maxEscapeChars * wanted.length) return false;
  for (let i = start + 1; i < end; i++)
    if (text.charCodeAt(i) === backslash) return stringAt(text, start, end) === wanted;
  return false;
}

/** A number with up to this many digits is exact. */
const maxExactDigits = 15;

/** The number from `start` to `end`, or undefined for a value of another type. */
export function numberAt(text: string, start: number, end: number): number | undefined {
  if (!isNumberStart(text.charCodeAt(start))) return undefined;
  if (end - start > maxExactDigits) return Number(text.slice(start, end));
  let value = 0;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (!isDigit(code)) return Number(text.slice(start, end));
    value = value * 10 + code - zero;
  }
  return value;
}

/** A text has more elements or members than allowed: their representation would be many times its size. */
export class TooManyError extends Error {
  constructor(max: number, what: string) {
    super(`more than ${max} ${what}`);
    this.name = 'TooManyError';
  }
}

/** The start and end of each element of the array at `at`, which is the whole text but for white space. */
function* elementSpans(
  text: string,
  at: number,
  max: number,
  what: string,
  ends?: Ends,
): Generator<[start: number, end: number]> {
  let i = skipSpace(text, at + 1);
  if (text.charCodeAt(i) !== closeBracket) {
    for (let count = 1; ; count++) {
      if (count > max) throw new TooManyError(max, what);
      const end = ends?.get(i) ?? skipValue(text, i);
      yield [i, end];
      i = skipSpace(text, end);
      const code = text.charCodeAt(i);
      if (code === closeBracket) break;
      if (code !== comma) throw unexpected(text, i);
      i = skipSpace(text, i + 1);
    }
  }
  checkEnd(text, i + 1);
}

/**
 * The texts of an array's elements, each scanned on demand.
 * @param ends the known ends of long values
 */
export function* eachElement(text: string, ends?: Ends): Generator<string> {
  const at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== openBracket) throw unexpected(text, at);
  for (const [start, end] of elementSpans(text, at, Number.POSITIVE_INFINITY, '', ends))
    yield text.slice(start, end);
}

/** The texts of an array's elements, or null for a value of another type. */
export function elements(text: string): string[] | null {
  return text.charCodeAt(skipSpace(text, 0)) === openBracket ? [...eachElement(text)] : null;
}

/**
 * The start and end index of each element of an array, in turn; null for a value of another type.
 * @param what the name of the elements in the message of a {@link TooManyError}
 * @param ends the known ends of long values
 */
export function elementPlaces(text: string, max: number, what: string, ends?: Ends): number[] | null {
  const at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== openBracket) return null;
  const places: number[] = [];
  for (const [start, end] of elementSpans(text, at, max, what, ends)) places.push(start, end);
  return places;
}
