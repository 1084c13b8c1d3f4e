/** By character code: 1 for the characters of a field's name. RFC 9110, 5.1. */
const isTokenChar = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
  isTokenChar[char.charCodeAt(0)] = 1;
const colon = 0x3a;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
/** The obsolete line folding of RFC 9112, 5.2. */
const fold = /\r?\n[ \t]+/g;

/**
 * The header fields of a response. They are validated at once, and searched by name on demand: few of them are ever read.
 */
export class HeaderFields {
  readonly #text: string;
  /** Of each line the offsets of its first character, its colon and its end, in turn. */
  readonly #lines: number[] = [];

  private constructor(text: string) {
    this.#text = text;
  }

  /**
   * Parses the header fields between two offsets of a head in Latin-1, each with its line end. Returns null if a line is invalid.
   */
  static parse(text: string, start: number, end: number): HeaderFields | null {
    const fields = new HeaderFields(text);
    if (fields.#findLines(start, end)) return fields;
    // A fold before the first line is invalid, and stays.
    const unfolded = new HeaderFields(text.slice(start, end).replace(fold, ' '));
    return unfolded.#findLines(0, unfolded.#text.length) ? unfolded : null;
  }

  /** A loop over the characters, because regular expressions take three times as long. RFC 9110, 5.1 and 5.5. */
  #findLines(start: number, end: number): boolean {
    const text = this.#text;
    for (let at = start; at < end; at++) {
      const lineStart = at;
      let code = text.charCodeAt(at);
      while (isTokenChar[code] === 1) code = text.charCodeAt(++at);
      if (at === lineStart || code !== colon) return false;
      const colonAt = at;
      while (code !== lineFeed) {
        code = text.charCodeAt(++at);
        // At control characters like these, two readers may split a head differently.
        if (code === 0 || at === end) return false;
        if (code === carriageReturn && text.charCodeAt(at + 1) !== lineFeed) return false;
      }
      this.#lines.push(lineStart, colonAt, at);
    }
    return true;
  }

  /** The value of the field `name` (in lower case), or null. Values of a repeated field are joined by `, `. */
  get(name: string): string | null {
    const lines = this.#lines;
    let value: string | null = null;
    for (let i = 0; i < lines.length; i += 3) {
      const start = lines[i]!;
      const colonAt = lines[i + 1]!;
      if (colonAt - start !== name.length || !this.#isNamed(start, name)) continue;
      const one = this.#valueBetween(colonAt + 1, lines[i + 2]!);
      value = value === null ? one : `${value}, ${one}`;
    }
    return value;
  }

  /** All values of the field `name` (in lower case): `Set-Cookie` must not be joined (RFC 9110, 5.3). */
  all(name: string): string[] {
    const lines = this.#lines;
    const values: string[] = [];
    for (let i = 0; i < lines.length; i += 3) {
      const start = lines[i]!;
      const colonAt = lines[i + 1]!;
      if (colonAt - start === name.length && this.#isNamed(start, name))
        values.push(this.#valueBetween(colonAt + 1, lines[i + 2]!));
    }
    return values;
  }

  /** The text from `start` to `end`, trimmed. */
  #valueBetween(start: number, end: number): string {
    let from = start;
    let to = end;
    while (from < to && isBlank(this.#text.charCodeAt(from))) from++;
    while (from < to && isBlank(this.#text.charCodeAt(to - 1))) to--;
    return this.#text.slice(from, to);
  }

  /** Whether the name at `start`, which is as long as `name`, is equal. A lower-case copy would cost more than the rest. */
  #isNamed(start: number, name: string): boolean {
    for (let i = 0; i < name.length; i++) {
      const code = this.#text.charCodeAt(start + i);
      if ((isCapital(code) ? code | 0x20 : code) !== name.charCodeAt(i)) return false;
    }
    return true;
  }
}

function isCapital(code: number): boolean {
  return code >= 0x41 && code <= 0x5a;
}

/** White space around a value, or the carriage return after it. */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === carriageReturn;
}
