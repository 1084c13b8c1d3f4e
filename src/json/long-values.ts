import { nextTurn } from '../runtime/event-loop.ts';
import { maxMembers } from './object.ts';
import {
  checkEnd,
  type Ends,
  LongValue,
  malformed,
  skipColon,
  skipKey,
  skipSpace,
  TooManyError,
} from './scan.ts';

/** A text of up to so many characters is gone through in one go, which takes some milliseconds at most. */
export const maxShortChars = 128 * 1024;

const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Objects are looked into so deep: messages, their params and results, and what is within. */
const maxDepth = 3;

/**
 * Finds out where the long values in a text end that is to be parsed, so that parsing need not go through them: this goes
 * through the text in slices, between which others get their turn. Rejects as the parsing would: with a SyntaxError for
 * what is no JSON, and with a {@link TooManyError} for what has too many members, or elements.
 *
 * @param maxElements the most elements where it is an array, and what they are called
 * @param depth how deep objects are looked into
 */
export async function longValues(
  text: string,
  maxElements: number,
  what: string,
  depth = maxDepth,
): Promise<Ends> {
  const scan = new Scan(text);
  const start = skipSpace(text, 0);
  const isArray = text.charCodeAt(start) === openBracket;
  const end = isArray ? await scan.elements(start, depth, maxElements, what) : await scan.value(start, depth);
  checkEnd(text, end);
  return scan.ends;
}

class Scan {
  readonly #text: string;
  readonly ends = new Map<number, number>();
  /** How many characters were gone through in this turn. */
  #inTurn = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The index after the value that begins at `at`, which is looked into so deep. */
  async value(at: number, depth: number): Promise<number> {
    const value = new LongValue(this.#text, at);
    let end = value.goOn(maxShortChars);
    if (end >= 0) {
      this.#inTurn += end - at;
      if (this.#inTurn > maxShortChars) await this.#breathe();
      return end;
    }
    await this.#breathe();
    if (depth > 0 && this.#text.charCodeAt(at) === openBrace) end = await this.#members(at, depth - 1);
    if (end < 0) {
      for (end = value.goOn(maxShortChars); end < 0; end = value.goOn(maxShortChars)) await this.#breathe();
      await this.#breathe();
    }
    this.ends.set(at, end);
    return end;
  }

  /** The index after the array that begins at `at`. */
  async elements(at: number, depth: number, max: number, what: string): Promise<number> {
    const text = this.#text;
    let i = skipSpace(text, at + 1);
    if (text.charCodeAt(i) === closeBracket) return i + 1;
    for (let count = 1; ; count++) {
      if (count > max) throw new TooManyError(max, what);
      i = skipSpace(text, await this.value(i, depth));
      const code = text.charCodeAt(i);
      if (code === closeBracket) return i + 1;
      if (code !== comma) throw malformed(text, i);
      i = skipSpace(text, i + 1);
    }
  }

  /** The index after the object that begins at `at`, or -1 where it has more members than are looked at. */
  async #members(at: number, depth: number): Promise<number> {
    const text = this.#text;
    let i = skipSpace(text, at + 1);
    if (text.charCodeAt(i) === closeBrace) return i + 1;
    for (let count = 1; ; count++) {
      if (count > maxMembers) {
        // Arguments and structured content may have more: they are not looked into.
        if (depth === 0) return -1;
        throw new TooManyError(maxMembers, 'members in an object');
      }
      const start = skipColon(text, skipKey(text, i));
      i = skipSpace(text, await this.value(start, depth));
      const code = text.charCodeAt(i);
      if (code === closeBrace) return i + 1;
      if (code !== comma) throw malformed(text, i);
      i = skipSpace(text, i + 1);
    }
  }

  #breathe(): Promise<void> {
    this.#inTurn = 0;
    return nextTurn();
  }
}
