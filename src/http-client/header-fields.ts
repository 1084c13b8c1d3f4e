/** RFC 9110, 5.1 and 5.5: any number of lines of a name, a colon and a value without control characters that split. */
const fieldLines = /^\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\0\r\n]*\r?\n)*$/;
const colon = 0x3a;
/** Where a value goes on in the next line. RFC 9112, 5.2. */
const fold = /\r?\n[ \t]+/g;

/**
 * The header fields of a response. They are checked at once, and looked for one by one: of all that servers send,
 * hardly any is asked for.
 */
export class HeaderFields {
  readonly #text: string;
  /** Where the lines begin. */
  readonly #starts: number[] = [];

  private constructor(text: string) {
    this.#text = text;
    for (let end = 0; end + 1 < text.length; end = text.indexOf('\n', end + 1)) this.#starts.push(end + 1);
  }

  /**
   * @param text a line feed, and the lines of a head, each with its end, as Latin-1
   * @returns null for what are no header fields
   */
  static parse(text: string): HeaderFields | null {
    if (fieldLines.test(text)) return new HeaderFields(text);
    const unfolded = text.replace(fold, (found, at) => (at === 0 ? found : ' '));
    return fieldLines.test(unfolded) ? new HeaderFields(unfolded) : null;
  }

  /** The value of the field `name`, in lower case, or null; those of a repeated field are joined by `, `. */
  get(name: string): string | null {
    let value: string | null = null;
    for (const start of this.#starts) {
      if (!this.#isNamed(start, name)) continue;
      const one = this.#valueFrom(start + name.length + 1);
      value = value === null ? one : `${value}, ${one}`;
    }
    return value;
  }

  /** The values of all fields of the name `name`, in lower case: `Set-Cookie` must not be joined (RFC 9110, 5.3). */
  all(name: string): string[] {
    const named = this.#starts.filter((start) => this.#isNamed(start, name));
    return named.map((start) => this.#valueFrom(start + name.length + 1));
  }

  /** What stands between `start` and the end of the line, without the blanks around it. */
  #valueFrom(start: number): string {
    let from = start;
    let to = this.#text.indexOf('\n', start);
    while (from < to && isBlank(this.#text.charCodeAt(from))) from++;
    while (from < to && isBlank(this.#text.charCodeAt(to - 1))) to--;
    return this.#text.slice(from, to);
  }

  /** Whether the field at `start` has this name. No copy in lower case is made: it would cost more than the rest. */
  #isNamed(start: number, name: string): boolean {
    if (this.#text.charCodeAt(start + name.length) !== colon) return false;
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

/** The blanks around a value, and the carriage return after it. Other white space belongs to the value. */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d;
}
