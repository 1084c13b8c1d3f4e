import { nextTurn } from '../runtime/event-loop.ts';
import { maxMembers } from './object.ts';
import { checkEnd, type Ends, SlicedScan, skipColon, skipKey, skipSpace, TooManyError } from './scan.ts';
import { unexpected } from './string.ts';

/** A text of up to this length is scanned in one turn, which takes a few milliseconds. */
export const maxShortChars = 128 * 1024;

const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Enough for a message, its params or result, and their members. */
const defaultDepth = 3;

/**
 * Scans a text in slices, between which other work runs, and returns where its long values end, so that parsing can
 * skip them. Rejects as parsing does: with a SyntaxError for invalid JSON and a {@link TooManyError} for too many
 * members or elements.
 *
 * @param maxElements the most elements of an array, which the error calls `what`
 * @param depth the levels of objects whose members are recorded
 */
export async function longValues(
  text: string,
  maxElements: number,
  what: string,
  depth = defaultDepth,
): Promise<Ends> {
  const scan = new LongValueScan(text);
  const start = skipSpace(text, 0);
  const isArray = text.charCodeAt(start) === openBracket;
  const end = isArray ? await scan.elements(start, depth, maxElements, what) : await scan.value(start, depth);
  checkEnd(text, end);
  return scan.ends;
}

class LongValueScan {
  readonly #text: string;
  readonly ends = new Map<number, number>();
  /** The characters scanned in this turn of the event loop. */
  #charsInTurn = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The index after the value at `at`. */
  async value(at: number, depth: number): Promise<number> {
    const scan = new SlicedScan(this.#text, at);
    let end = scan.advance(maxShortChars);
    if (end >= 0) {
      this.#charsInTurn += end - at;
      if (this.#charsInTurn > maxShortChars) await this.#nextTurn();
      return end;
    }
    await this.#nextTurn();
    if (depth > 0 && this.#text.charCodeAt(at) === openBrace) end = await this.#members(at, depth - 1);
    if (end < 0) {
      for (end = scan.advance(maxShortChars); end < 0; end = scan.advance(maxShortChars))
        await this.#nextTurn();
      await this.#nextTurn();
    }
    this.ends.set(at, end);
    return end;
  }

  /** The index after the array at `at`. */
  async elements(at: number, depth: number, max: number, what: string): Promise<number> {
    const text = this.#text;
    let i = skipSpace(text, at + 1);
    if (text.charCodeAt(i) === closeBracket) return i + 1;
    for (let count = 1; ; count++) {
      if (count > max) throw new TooManyError(max, what);
      i = skipSpace(text, await this.value(i, depth));
      const code = text.charCodeAt(i);
      if (code === closeBracket) return i + 1;
      if (code !== comma) throw unexpected(text, i);
      i = skipSpace(text, i + 1);
    }
  }

  /** The index after the object at `at`, or -1 if it has too many members to record them. */
  async #members(at: number, depth: number): Promise<number> {
    const text = this.#text;
    let i = skipSpace(text, at + 1);
    if (text.charCodeAt(i) === closeBrace) return i + 1;
    for (let count = 1; ; count++) {
      if (count > maxMembers) {
        // Arguments and structured content, at the last level, may have more.
        if (depth === 0) return -1;
        throw new TooManyError(maxMembers, 'members in an object');
      }
      const start = skipColon(text, skipKey(text, i));
      i = skipSpace(text, await this.value(start, depth));
      const code = text.charCodeAt(i);
      if (code === closeBrace) return i + 1;
      if (code !== comma) throw unexpected(text, i);
      i = skipSpace(text, i + 1);
    }
  }

  #nextTurn(): Promise<void> {
    this.#charsInTurn = 0;
    return nextTurn();
  }
}
