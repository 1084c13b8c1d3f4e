/** By character code: 1 for the characters of a field's name. RFC 9110, 5.1. */
const isTokenChar = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
  isTokenChar[char.charCodeAt(0)] = 1;
const colon = 0x3a;
/** Control characters at which two readers may split a head differently. RFC 9110, 5.5. */
const splitting = /\0|\r(?!\n)/;
/** The obsolete line folding of RFC 9112, 5.2. */
const fold = /\r?\n[ \t]+/g;

/**
 * The header fields of a response. They are validated at once, and searched by name on demand: few of them are ever read.
 */
export class HeaderFields {
  readonly #text: string;
  /** The offsets of each line's first character and of its colon, in turn. */
  readonly #lines: number[] = [];

  private constructor(text: string) {
    this.#text = text;
  }

  /** Finds the lines. Returns false if one is invalid. A loop, because a regular expression takes three times as long. */
  #findLines(): boolean {
    const text = this.#text;
    for (let at = 1; at < text.length; at++) {
      const start = at;
      while (isTokenChar[text.charCodeAt(at)] === 1) at++;
      if (at === start || text.charCodeAt(at) !== colon) return false;
      this.#lines.push(start, at);
      at = text.indexOf('\n', at);
      if (at < 0) return false;
    }
    return !splitting.test(text);
  }

  /**
   * @param text a line feed and the lines of a head, each with its line end, as Latin-1
   * @returns null if a line is invalid
   */
  static parse(text: string): HeaderFields | null {
    const fields = new HeaderFields(text);
    if (fields.#findLines()) return fields;
    const unfolded = new HeaderFields(text.replace(fold, (found, at) => (at === 0 ? found : ' ')));
    return unfolded.#findLines() ? unfolded : null;
  }

  /** The value of the field `name` (in lower case), or null. Values of a repeated field are joined by `, `. */
  get(name: string): string | null {
    const lines = this.#lines;
    let value: string | null = null;
    for (let i = 0; i < lines.length; i += 2) {
      const start = lines[i]!;
      const colonAt = lines[i + 1]!;
      if (colonAt - start !== name.length || !this.#isNamed(start, name)) continue;
      const one = this.#valueFrom(colonAt + 1);
      value = value === null ? one : `${value}, ${one}`;
    }
    return value;
  }

  /** All values of the field `name` (in lower case): `Set-Cookie` must not be joined (RFC 9110, 5.3). */
  all(name: string): string[] {
    const lines = this.#lines;
    const values: string[] = [];
    for (let i = 0; i < lines.length; i += 2) {
      const start = lines[i]!;
      const colonAt = lines[i + 1]!;
      if (colonAt - start === name.length && this.#isNamed(start, name))
        values.push(this.#valueFrom(colonAt + 1));
    }
    return values;
  }

  /** The trimmed text from `start` to the end of the line. */
  #valueFrom(start: number): string {
    let from = start;
    let to = this.#text.indexOf('\n', start);
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
  return code === 0x20 || code === 0x09 || code === 0x0d;
}
