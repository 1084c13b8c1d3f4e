import { skipString } from '../json-string.ts';

/**
 * Works on the text of JSON values, so that what the gateway need not look at is passed on as it came:
 * numbers beyond 2^53, key order and escapes survive, and nothing is serialized twice.
 *
 * Every function here takes text that JSON.parse has accepted; on other text the result is unspecified,
 * but the functions still end. None recurses, so depth is no danger.
 */

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function skipSpace(text: string, at: number): number {
  let i = at;
  while (isSpace(text.charCodeAt(i))) i++;
  return i;
}

/** The index after the value that begins at `at`. */
function skipValue(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === quote) return skipString(text, at);
  let i = at;
  if (first !== openBrace && first !== openBracket) {
    while (i < text.length) {
      const code = text.charCodeAt(i);
      if (code === comma || code === closeBrace || code === closeBracket || isSpace(code)) break;
      i++;
    }
    return i;
  }
  let depth = 0;
  while (i < text.length) {
    const code = text.charCodeAt(i);
    if (code === quote) {
      i = skipString(text, i);
      continue;
    }
    i++;
    if (code === openBrace || code === openBracket) depth++;
    else if ((code === closeBrace || code === closeBracket) && --depth === 0) break;
  }
  return i;
}

/** Of shorter texts no string is worth a look of its own. */
const minLongTextLength = 64 * 1024;
/** What ends a string, or needs a closer look: a quote, a backslash, a control character. RFC 8259, 7. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for, and naming the rest is slow.
const special = /["\\\0-\x1f]/g;

/**
 * What JSON.parse makes of a text, but for a string without escapes that is most of a long text, as an image is: it is
 * looked through where it stands, not copied, and comes out empty. Throws what JSON.parse throws.
 */
export function parseJson(text: string): unknown {
  const without = text.length < minLongTextLength ? null : withoutLongString(text);
  if (without !== null) {
    try {
      return JSON.parse(without);
    } catch {
      // It was no string, but what stands between two strings; or something else is wrong, which the whole text tells.
    }
  }
  return JSON.parse(text);
}

/**
 * The text without what stands between the two quotes around its middle, where that could be the content of a string.
 * Where it is not, two strings are left with nothing between them, which is no JSON.
 */
function withoutLongString(text: string): string | null {
  const middle = text.length >> 1;
  const open = text.lastIndexOf('"', middle);
  special.lastIndex = open + 1;
  const close = special.exec(text)?.index ?? -1;
  if (open < 0 || close <= middle || text.charCodeAt(close) !== quote) return null;
  return text.slice(0, open + 1) + text.slice(close);
}

/**
 * Goes through the members of the object whose text this is, in order, one with each {@link next}. A repeated key
 * comes as often as it stands there. It moves over the text and cuts nothing out.
 */
export class Members {
  readonly #object: string;
  #keyStart = 0;
  #keyEnd = 0;
  /** Where in the text the member's value stands. */
  start = 0;
  end: number;

  constructor(object: string) {
    this.#object = object;
    this.end = skipSpace(object, 0);
  }

  /** Goes on to the next member; false: there is none. */
  next(): boolean {
    const object = this.#object;
    // After the opening brace, or after a comma.
    const before = skipSpace(object, this.end);
    this.#keyStart = skipSpace(object, before + 1);
    if (before >= object.length || object.charCodeAt(this.#keyStart) !== quote) return false;
    this.#keyEnd = skipString(object, this.#keyStart);
    this.start = skipSpace(object, skipSpace(object, this.#keyEnd) + 1);
    this.end = skipValue(object, this.start);
    return true;
  }

  /** The member's key, decoded. */
  get key(): string {
    const text = this.#object.slice(this.#keyStart, this.#keyEnd);
    return text.includes('\\') ? (JSON.parse(text) as string) : text.slice(1, -1);
  }

  /** Whether the member's key is `name`. */
  is(name: string): boolean {
    const from = this.#keyStart + 1;
    const to = this.#keyEnd - 1;
    if (to - from === name.length) return this.#object.startsWith(name, from);
    // Escapes make the text longer than what it stands for.
    if (to - from > name.length)
      for (let i = from; i < to; i++) if (this.#object.charCodeAt(i) === backslash) return this.key === name;
    return false;
  }

  /** The text of the member's value. */
  text(): string {
    return this.#object.slice(this.start, this.end);
  }
}

/** The text of the member `name`, or undefined. Of a repeated key the last counts, as it does for JSON.parse. */
export function memberText(object: string, name: string): string | undefined {
  let text: string | undefined;
  for (const member = new Members(object); member.next(); ) if (member.is(name)) text = member.text();
  return text;
}

/** The texts of the elements of the array whose text this is. */
export function elements(array: string): string[] {
  const found: string[] = [];
  let i = skipSpace(array, skipSpace(array, 0) + 1);
  while (i < array.length && array.charCodeAt(i) !== closeBracket) {
    const end = skipValue(array, i);
    found.push(array.slice(i, end));
    i = skipSpace(array, end);
    if (array.charCodeAt(i) !== comma) break;
    i = skipSpace(array, i + 1);
  }
  return found;
}

/**
 * The object's text with the member `name` set to the text `value`; all else stays as it came, to the last blank. A
 * repeated member is changed wherever it stands; one that was absent is appended.
 */
export function withMember(object: string, name: string, value: string): string {
  let changed = '';
  let at = 0;
  let empty = true;
  for (const member = new Members(object); member.next(); empty = false) {
    if (!member.is(name)) continue;
    changed += object.slice(at, member.start) + value;
    at = member.end;
  }
  if (at > 0) return changed + object.slice(at);
  const close = object.lastIndexOf('}');
  return `${object.slice(0, close)}${empty ? '' : ','}${JSON.stringify(name)}:${value}}`;
}
