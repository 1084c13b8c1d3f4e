import { skipString, skipStringFrom } from './string.ts';

/**
 * Works on the text of JSON values, so that what the gateway need not look at is passed on as it came: numbers beyond
 * 2^53, key order and escapes survive, and nothing is made into values and serialized again.
 *
 * What is gone through is checked (RFC 8259): every function here throws a SyntaxError where JSON.parse would, for the
 * part of the text that it passes over. None recurses, so depth is no danger.
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
/** What makes a capital letter a small one. */
const caseBit = 0x20;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Where values end that begin at an index, for those of which that was found out before, being long. */
export type Ends = ReadonlyMap<number, number>;

const literals = ['true', 'false', 'null'];

/** The levels of arrays and objects that one word has bits for. */
const maxLevels = 1 << 29;

/** The error for what stands at `at` in place of what JSON allows there. */
export function malformed(text: string, at: number): SyntaxError {
  const found = at < text.length ? `${JSON.stringify(text.charAt(at))} at ${at}` : 'its end';
  return new SyntaxError(`the JSON text has not what it should have in place of ${found}`);
}

/** The index of what is no blank, from `at` on. To look beyond the end would be slow ever after. */
export function skipSpace(text: string, at: number): number {
  let i = at;
  while (i < text.length && isSpace(text.charCodeAt(i))) {
    i++;
    if (i - at === shortSpace) return longSpaceEnd(text, i);
  }
  return i;
}

function longSpaceEnd(text: string, from: number): number {
  noSpace.lastIndex = from;
  return noSpace.test(text) ? noSpace.lastIndex - 1 : text.length;
}

/** As many blanks are looked at one by one: to begin with a regular expression takes as long. */
const shortSpace = 64;
const noSpace = /[^ \n\r\t]/g;

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** The index after the number that begins at `at`. By hand: to begin with a regular expression costs more than all of it. */
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

/** The index after the digits, at least one, that begin at `at`. */
function skipDigits(text: string, at: number): number {
  let i = at;
  while (isDigit(text.charCodeAt(i))) i++;
  if (i === at) throw malformed(text, at);
  return i;
}

function isDigit(code: number): boolean {
  return code >= zero && code <= zero + 9;
}

function isNumberStart(code: number): boolean {
  return code === minus || isDigit(code);
}

/** The index after the number or literal that begins at `at`. */
function skipPlain(text: string, at: number): number {
  if (isNumberStart(text.charCodeAt(at))) return skipNumber(text, at);
  for (const literal of literals) if (text.startsWith(literal, at)) return at + literal.length;
  throw malformed(text, at);
}

/** The index after the key that is to begin at `at`. */
export function skipKey(text: string, at: number): number {
  if (text.charCodeAt(at) !== quote) throw malformed(text, at);
  return skipString(text, at);
}

/** The index of the value after the key that ends at `at`. */
export function skipColon(text: string, at: number): number {
  const end = skipSpace(text, at);
  if (text.charCodeAt(end) !== colon) throw malformed(text, end);
  return skipSpace(text, end + 1);
}

/** The index after the value that begins at `at`. */
export function skipValue(text: string, at: number): number {
  return goThrough(text, at, text.length, null);
}

/** A value that is gone through in parts, and how far that has come. */
export class LongValue {
  readonly #text: string;
  at: number;
  levels = 1;
  aside: number[] | null = null;
  /** Whether it was left within a string. */
  inString = false;

  /** @param at where it begins */
  constructor(text: string, at: number) {
    this.#text = text;
    this.at = at;
  }

  leave(at: number, levels: number, aside: number[] | null): void {
    this.at = at;
    this.levels = levels;
    this.aside = aside;
  }

  /** Goes through about `chars` more. Returns the index after the value, or -1 where its end is still to come. */
  goOn(chars: number): number {
    return goThrough(this.#text, this.at, this.at + chars, this);
  }
}

/**
 * The index after the value that begins at `at`, or -1 where `left` takes how far it has come: that is looked for between
 * values, and between escapes in strings, from `limit` on.
 */
function goThrough(text: string, at: number, limit: number, left: LongValue | null): number {
  let i = at;
  // What the value is in: a one, and behind it a bit for each level, set for an object. Levels beyond are put aside.
  let levels = left === null ? 1 : left.levels;
  let aside: number[] | null = left === null ? null : left.aside;
  for (;;) {
    if (i >= limit && left !== null) {
      left.leave(i, levels, aside);
      return -1;
    }
    const code = text.charCodeAt(i);
    if (left !== null && (left.inString || code === quote)) {
      i = skipStringFrom(text, left.inString ? i : i + 1, limit);
      left.inString = i < 0;
      if (i < 0) {
        left.leave(~i, levels, aside);
        return -1;
      }
    } else if (code === quote) i = skipString(text, i);
    else if (code === openBrace || code === openBracket) {
      const isObject = code === openBrace;
      i = skipSpace(text, i + 1);
      if (text.charCodeAt(i) === (isObject ? closeBrace : closeBracket)) i++;
      else {
        if (levels >= maxLevels) {
          aside ??= [];
          aside.push(levels);
          levels = 1;
        }
        levels = (levels << 1) | (isObject ? 1 : 0);
        if (isObject) i = skipColon(text, skipKey(text, i));
        continue;
      }
    } else i = skipPlain(text, i);

    // A value has ended, and maybe what it was in.
    for (;;) {
      if (levels === 1) {
        levels = aside?.pop() ?? 1;
        if (levels === 1) return i;
      }
      i = skipSpace(text, i);
      const after = text.charCodeAt(i);
      const inObject = (levels & 1) === 1;
      if (after === comma) {
        i = skipSpace(text, i + 1);
        if (inObject) i = skipColon(text, skipKey(text, i));
        break;
      }
      if (after !== (inObject ? closeBrace : closeBracket)) throw malformed(text, i);
      i++;
      levels >>= 1;
    }
  }
}

/** Checks that nothing but blanks stands in the text from `at` on. */
export function checkEnd(text: string, at: number): void {
  const end = skipSpace(text, at);
  if (end < text.length) throw malformed(text, end);
}

/** Checks that the text is that of one value. */
export function checkValue(text: string): void {
  checkEnd(text, skipValue(text, skipSpace(text, 0)));
}

/** Whether the value that begins at `at` is an object. */
export function isObjectAt(text: string, at: number): boolean {
  return text.charCodeAt(at) === openBrace;
}

// What follows looks at a value where it stands: to cut it out and compare that takes several times as long.

/** Whether from `start` to `end` there stands `wanted`. */
export function isTextAt(text: string, start: number, end: number, wanted: string): boolean {
  if (end - start !== wanted.length) return false;
  for (let i = 0; i < wanted.length; i++)
    if (text.charCodeAt(start + i) !== wanted.charCodeAt(i)) return false;
  return true;
}

/** The string whose JSON text stands from `start` to `end`, or undefined where it is that of another value. */
export function stringAt(text: string, start: number, end: number): string | undefined {
  if (text.charCodeAt(start) !== quote) return undefined;
  for (let i = start + 1; i < end; i++)
    if (text.charCodeAt(i) === backslash) return JSON.parse(text.slice(start, end)) as string;
  return text.slice(start + 1, end - 1);
}

/** An escape writes one code unit in as many characters, at most. */
const maxEscapeChars = 6;

/** Whether the string `wanted` stands from `start` to `end`, with its quotes, in whichever way it is written. */
export function isStringAt(text: string, start: number, end: number, wanted: string): boolean {
  if (text.charCodeAt(start) !== quote) return false;
  if (end - start - 2 <= wanted.length) return isTextAt(text, start + 1, end - 1, wanted);
  // Escapes make the text longer than what it stands for.
  if (end - start - 2 > maxEscapeChars * wanted.length) return false;
  for (let i = start + 1; i < end; i++)
    if (text.charCodeAt(i) === backslash) return stringAt(text, start, end) === wanted;
  return false;
}

/** As many digits make a number that is exact. */
const maxExactDigits = 15;

/** The number whose JSON text stands from `start` to `end`, or undefined where it is that of another value. */
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

/** A text holds more of something than may be taken from its sender: what is made of it would be many times its size. */
export class TooManyError extends Error {
  constructor(max: number, what: string) {
    super(`more than ${max} ${what}`);
    this.name = 'TooManyError';
  }
}

/**
 * The texts of the elements of the array whose text this is, one after the other: each is gone through when it is asked for.
 * @param ends where long values end, where that is known
 */
export function* eachElement(text: string, ends?: Ends): Generator<string> {
  let i = skipSpace(text, 0);
  if (text.charCodeAt(i) !== openBracket) throw malformed(text, i);
  i = skipSpace(text, i + 1);
  if (text.charCodeAt(i) === closeBracket) {
    checkEnd(text, i + 1);
    return;
  }
  for (;;) {
    const end = ends?.get(i) ?? skipValue(text, i);
    yield text.slice(i, end);
    i = skipSpace(text, end);
    const code = text.charCodeAt(i);
    if (code === closeBracket) break;
    if (code !== comma) throw malformed(text, i);
    i = skipSpace(text, i + 1);
  }
  checkEnd(text, i + 1);
}

/**
 * The texts of the elements of the array whose text this is, or null where it is that of another value.
 * Throws a {@link TooManyError} as soon as there are more than `max`.
 */
export function elements(text: string, max = Number.POSITIVE_INFINITY): string[] | null {
  const places = elementPlaces(text, max, 'elements in an array');
  if (places === null) return null;
  const found: string[] = [];
  for (let i = 0; i < places.length; i += 2) found.push(text.slice(places[i], places[i + 1]));
  return found;
}

/**
 * Where each element begins and ends.
 * @param what they are called in the message of a {@link TooManyError}
 * @param ends where long values end, where that is known
 */
export function elementPlaces(text: string, max: number, what: string, ends?: Ends): number[] | null {
  let i = skipSpace(text, 0);
  if (text.charCodeAt(i) !== openBracket) return null;
  const found: number[] = [];
  i = skipSpace(text, i + 1);
  if (text.charCodeAt(i) === closeBracket) {
    checkEnd(text, i + 1);
    return found;
  }
  for (;;) {
    if (found.length === 2 * max) throw new TooManyError(max, what);
    const end = ends?.get(i) ?? skipValue(text, i);
    found.push(i, end);
    i = skipSpace(text, end);
    const code = text.charCodeAt(i);
    if (code === closeBracket) break;
    if (code !== comma) throw malformed(text, i);
    i = skipSpace(text, i + 1);
  }
  checkEnd(text, i + 1);
  return found;
}
