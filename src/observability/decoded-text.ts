const plus = 0x2b;
const blank = 0x20;
const backslash = 0x5c;
const percent = 0x25;
const ampersand = 0x26;

/**
 * What escapes begin with: in JSON and other languages, in HTML, in URLs. Undone kind by kind, none meets a half of another.
 */
export const escapes = [backslash, ampersand, percent] as const;
type Escape = (typeof escapes)[number];

const semicolon = 0x3b;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const maxCodePoint = 0x10ffff;
/** Of `\u{10ffff}`. */
const maxBracedDigits = 6;

/**
 * What a backslash makes of a character in ASCII; 0 where nothing. RFC 8259, 7, and any punctuation, which shells, Markdown
 * and patterns escape; but for what may begin an escape of its own.
 */
const afterBackslash = Uint8Array.from({ length: 0x80 }, (_, code) =>
  isLetterOrDigit(code) || code === ampersand || code === percent ? 0 : code,
);
for (const [letter, control] of ['b\b', 'f\f', 'n\n', 'r\r', 't\t']) {
  afterBackslash[(letter as string).charCodeAt(0)] = (control as string).charCodeAt(0);
}

/** The references by name that stand for ASCII, by the hash of the name. HTML, 13.5. */
const namedReferences = new Map(
  Object.entries({
    Tab: '\t',
    NewLine: '\n',
    excl: '!',
    quot: '"',
    QUOT: '"',
    num: '#',
    dollar: '$',
    percnt: '%',
    amp: '&',
    AMP: '&',
    apos: "'",
    lpar: '(',
    rpar: ')',
    ast: '*',
    plus: '+',
    comma: ',',
    period: '.',
    sol: '/',
    colon: ':',
    semi: ';',
    lt: '<',
    LT: '<',
    equals: '=',
    gt: '>',
    GT: '>',
    quest: '?',
    commat: '@',
    lsqb: '[',
    lbrack: '[',
    bsol: '\\',
    rsqb: ']',
    rbrack: ']',
    Hat: '^',
    lowbar: '_',
    grave: '`',
    lcub: '{',
    lbrace: '{',
    verbar: '|',
    vert: '|',
    rcub: '}',
    rbrace: '}',
    nbsp: '\u00a0',
  }).map(([name, text]) => [
    [...name].reduce((hash, c) => hashOfName(hash, c.charCodeAt(0)), 0),
    text.charCodeAt(0),
  ]),
);
/** The most digits or letters of a reference. */
const maxReferenceChars = 9;

/**
 * A stretch of a text in which one escape after another is undone, and which knows where each of its characters stood.
 * Whatever an escape stands for, `+` counts as a blank, as it does in a form.
 */
export class DecodedText {
  /** The UTF-16 code units as far as they are decoded; `length` of them. */
  codes = new Uint16Array(0);
  length = 0;
  /** Where each code unit stood, once one is at another place. */
  #starts = new Uint32Array(0);
  #isDecoded = false;

  /** Begins anew with what stands in `text` from `start` to `end`. */
  set(text: string, start: number, end: number): void {
    const length = end - start;
    if (this.codes.length < length) {
      this.codes = new Uint16Array(length);
      this.#starts = new Uint32Array(length + 1);
    }
    const { codes } = this;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(start + i);
      codes[i] = code === plus ? blank : code;
    }
    this.length = length;
    this.#isDecoded = false;
  }

  /** Where the code unit stood in the stretch; at `length`, where the stretch ends. */
  startOf(index: number): number {
    return this.#isDecoded ? (this.#starts[index] as number) : index;
  }

  /**
   * Undoes one layer of escapes that begin with that character. Returns whether there was any. What is no escape stays
   * as it is.
   */
  decode(kind: Escape): boolean {
    const { codes, length } = this;
    for (let at = codes.indexOf(kind); at >= 0 && at < length; at = codes.indexOf(kind, at + 1)) {
      if (this.#decodeAt(at) > 0) {
        this.#decodeFrom(at, kind);
        return true;
      }
    }
    return false;
  }

  /** @param first where the first escape is: before it, all stays */
  #decodeFrom(first: number, kind: Escape): void {
    const { codes, length } = this;
    const starts = this.#starts;
    if (!this.#isDecoded) for (let i = 0; i <= length; i++) starts[i] = i;
    this.#isDecoded = true;
    let to = first;
    for (let at = first; at < length; to++) {
      const code = codes[at] as number;
      starts[to] = starts[at] as number;
      const read = code === kind ? this.#decodeAt(at) : 0;
      if (read === 0) {
        codes[to] = code;
        at++;
        continue;
      }
      at += read;
      const decoded = this.#decoded;
      if (decoded > 0xffff) {
        codes[to] = 0xd7c0 + (decoded >> 10);
        to++;
        starts[to] = starts[to - 1] as number;
        codes[to] = 0xdc00 + (decoded & 0x3ff);
      } else codes[to] = decoded === plus ? blank : decoded;
    }
    starts[to] = starts[length] as number;
    this.length = to;
  }

  /** What the last escape stands for. */
  #decoded = 0;

  /** How many code units the escape has that begins at `at`; 0 where there is none. */
  #decodeAt(at: number): number {
    const code = this.codes[at];
    if (code === backslash) return this.#backslashAt(at);
    return code === percent ? this.#percentAt(at) : this.#referenceAt(at);
  }

  /** `\n`, `\u002B`, `\u{2b}`, `\U0000002B`, `\x2b`, and a backslash before what is no letter or digit. */
  #backslashAt(at: number): number {
    if (at + 1 >= this.length) return 0;
    const next = this.codes[at + 1] as number;
    const digits = next === 0x75 ? 4 : next === 0x78 ? 2 : next === 0x55 ? 8 : 0;
    if (digits > 0) {
      if (next === 0x75 && this.codes[at + 2] === openBrace) return this.#bracedAt(at);
      this.#decoded = this.#hex(at + 2, digits);
      return this.#decoded < 0 || this.#decoded > maxCodePoint ? 0 : 2 + digits;
    }
    this.#decoded = next < 0x80 ? (afterBackslash[next] as number) : 0;
    return this.#decoded === 0 ? 0 : 2;
  }

  #bracedAt(at: number): number {
    let digits = 0;
    while (digits < maxBracedDigits && this.#hex(at + 3 + digits, 1) >= 0) digits++;
    const end = at + 3 + digits;
    if (digits === 0 || end >= this.length || this.codes[end] !== closeBrace) return 0;
    this.#decoded = this.#hex(at + 3, digits);
    return this.#decoded > maxCodePoint ? 0 : end + 1 - at;
  }

  /** `%2B`, also as one of the bytes of a character in UTF-8. RFC 3986, 2.1. */
  #percentAt(at: number): number {
    const first = this.#hex(at + 1, 2);
    // What continues a character alone waits for its beginning.
    if (first < 0 || first >> 6 === 2) return 0;
    // What is no UTF-8 is a byte of another encoding.
    this.#decoded = first;
    const more = first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0;
    if (more === 0) return 3;
    let point = first & (0x3f >> more);
    for (let n = 1; n <= more; n++) {
      const next = at + 3 * n;
      const byte = this.codes[next] === percent ? this.#hex(next + 1, 2) : -1;
      // The rest may be escaped in another way yet.
      if (byte < 0 && next < this.length && escapes.includes(this.codes[next] as Escape)) return 0;
      if (byte >> 6 !== 2) return 3;
      point = (point << 6) | (byte & 0x3f);
    }
    if (point > maxCodePoint) return 3;
    this.#decoded = point;
    return 3 * (more + 1);
  }

  /** `&#43;`, `&#x2B;`, `&plus;`. HTML, 13.1.4. */
  #referenceAt(at: number): number {
    const { codes } = this;
    const isNumber = codes[at + 1] === 0x23;
    const isHex = isNumber && ((codes[at + 2] as number) | 0x20) === 0x78;
    const start = at + 1 + Number(isNumber) + Number(isHex);
    const last = Math.min(this.length, start + maxReferenceChars);
    let end = start;
    let value = 0;
    for (; end < last; end++) {
      const code = codes[end] as number;
      if (!isLetterOrDigit(code)) break;
      if (!isNumber) value = hashOfName(value, code);
      else {
        const digit = digitOf(code);
        if (digit < 0 || (digit > 9 && !isHex)) return 0;
        value = value * (isHex ? 16 : 10) + digit;
      }
    }
    if (end === start || end >= this.length || codes[end] !== semicolon) return 0;
    this.#decoded = isNumber ? value : (namedReferences.get(value) ?? -1);
    return this.#decoded < 0 || this.#decoded > maxCodePoint ? 0 : end + 1 - at;
  }

  /** The number that so many hexadecimal digits stand for; -1 where there are fewer. */
  #hex(at: number, digits: number): number {
    if (at + digits > this.length) return -1;
    let value = 0;
    for (let i = at; i < at + digits; i++) {
      const digit = digitOf(this.codes[i] as number);
      if (digit < 0) return -1;
      value = (value << 4) | digit;
    }
    return value;
  }
}

function hashOfName(hash: number, code: number): number {
  return (hash * 31 + code) | 0;
}

/** The value of a hexadecimal digit; -1 where it is none. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** In ASCII, and all that may be a letter beyond it. */
export function isLetterOrDigit(code: number): boolean {
  const lower = code | 0x20;
  return (code >= 0x30 && code <= 0x39) || (lower >= 0x61 && lower <= 0x7a) || code >= 0xc0;
}
