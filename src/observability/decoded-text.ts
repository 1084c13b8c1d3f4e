import { extendNameHash, namedReferences } from './html-references.ts';

const plus = 0x2b;
const blank = 0x20;
const backslash = 0x5c;
const percent = 0x25;
const ampersand = 0x26;

/**
 * The characters that begin an escape: in JSON and other languages, in HTML, in URLs. Each kind is decoded in a pass of its
 * own, so that none meets a half of another.
 */
const escapeKinds = [backslash, ampersand, percent] as const;
type EscapeKind = (typeof escapeKinds)[number];

/** The number of layers of escapes of each kind that are decoded: JSON in a string of JSON in a string has three. */
const maxLayers = 5;

const semicolon = 0x3b;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const maxCodePoint = 0x10ffff;
/** As in `\u{10ffff}`. */
const maxBracedDigits = 6;

/**
 * The ASCII character that a backslash and a character stand for, or 0. RFC 8259, 7, and all punctuation, which shells,
 * Markdown and patterns escape, except the characters that begin other escapes.
 */
const afterBackslash = Uint8Array.from({ length: 0x80 }, (_, code) =>
  isLetterOrDigit(code) || code === ampersand || code === percent ? 0 : code,
);
for (const [letter, control] of ['b\b', 'f\f', 'n\n', 'r\r', 't\t']) {
  afterBackslash[(letter as string).charCodeAt(0)] = (control as string).charCodeAt(0);
}

/** The longest name or number of a reference. */
const maxReferenceChars = 9;

/**
 * A part of a text that is decoded layer by layer, and maps its characters back to their original offsets. A `+` becomes a
 * space, as in a form, even if it was escaped.
 */
export class DecodedText {
  /** The decoded UTF-16 code units, of which `length` are valid. */
  codes = new Uint16Array(0);
  length = 0;
  /** The original offset of each code unit, once they differ from the indexes. */
  #starts = new Uint32Array(0);
  #isDecoded = false;

  /** Starts with the part of `text` from `start` to `end`. */
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

  /** The original offset of a code unit within the part; for `length`, the end of the part. */
  startOf(index: number): number {
    return this.#isDecoded ? this.#starts[index]! : index;
  }

  /** Decodes layer after layer of escapes, and calls `onLayer` after each. */
  decodeLayers(onLayer: () => void): void {
    let unchanged = 0;
    for (let layer = 0; layer < maxLayers && unchanged < escapeKinds.length; layer++) {
      for (const kind of escapeKinds) {
        if (this.#decode(kind)) {
          unchanged = 0;
          onLayer();
        } else unchanged++;
      }
    }
  }

  /** Decodes one layer of escapes of a kind. Returns whether there were any; malformed escapes stay. */
  #decode(kind: EscapeKind): boolean {
    const { codes, length } = this;
    for (let at = codes.indexOf(kind); at >= 0 && at < length; at = codes.indexOf(kind, at + 1)) {
      if (this.#decodeAt(at) > 0) {
        this.#decodeFrom(at, kind);
        return true;
      }
    }
    return false;
  }

  /** @param first the offset of the first escape */
  #decodeFrom(first: number, kind: EscapeKind): void {
    const { codes, length } = this;
    const starts = this.#starts;
    if (!this.#isDecoded) for (let i = 0; i <= length; i++) starts[i] = i;
    this.#isDecoded = true;
    let to = first;
    for (let at = first; at < length; to++) {
      const code = codes[at]!;
      starts[to] = starts[at]!;
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
        starts[to] = starts[to - 1]!;
        codes[to] = 0xdc00 + (decoded & 0x3ff);
      } else codes[to] = decoded === plus ? blank : decoded;
    }
    starts[to] = starts[length]!;
    this.length = to;
  }

  /** The code point that the last escape stands for. */
  #decoded = 0;

  /** The length of the escape at `at` in code units; 0 if there is none. Sets `#decoded`. */
  #decodeAt(at: number): number {
    const code = this.codes[at];
    if (code === backslash) return this.#backslashAt(at);
    return code === percent ? this.#percentAt(at) : this.#referenceAt(at);
  }

  /** `\n`, `\u002B`, `\u{2b}`, `\U0000002B`, `\x2b`, and a backslash before punctuation. */
  #backslashAt(at: number): number {
    if (at + 1 >= this.length) return 0;
    const next = this.codes[at + 1]!;
    const digits = next === 0x75 ? 4 : next === 0x78 ? 2 : next === 0x55 ? 8 : 0;
    if (digits > 0) {
      if (next === 0x75 && this.codes[at + 2] === openBrace) return this.#bracedAt(at);
      this.#decoded = this.#hex(at + 2, digits);
      return this.#decoded < 0 || this.#decoded > maxCodePoint ? 0 : 2 + digits;
    }
    this.#decoded = next < 0x80 ? afterBackslash[next]! : 0;
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

  /** `%2B`, and sequences of them that encode a character in UTF-8. RFC 3986, 2.1. */
  #percentAt(at: number): number {
    const first = this.#hex(at + 1, 2);
    // A continuation byte waits until its first byte is decoded.
    if (first < 0 || first >> 6 === 2) return 0;
    // A byte that is not UTF-8 is one of another encoding.
    this.#decoded = first;
    const more = first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0;
    if (more === 0) return 3;
    let point = first & (0x3f >> more);
    for (let n = 1; n <= more; n++) {
      const next = at + 3 * n;
      const byte = this.codes[next] === percent ? this.#hex(next + 1, 2) : -1;
      // The next byte may have another kind of escape.
      if (byte < 0 && next < this.length && escapeKinds.includes(this.codes[next] as EscapeKind)) return 0;
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
    const isHex = isNumber && (codes[at + 2]! | 0x20) === 0x78;
    const start = at + 1 + Number(isNumber) + Number(isHex);
    const last = Math.min(this.length, start + maxReferenceChars);
    let end = start;
    let value = 0;
    for (; end < last; end++) {
      const code = codes[end]!;
      if (!isLetterOrDigit(code)) break;
      if (!isNumber) value = extendNameHash(value, code);
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

  /** The value of `digits` hexadecimal digits at `at`, or -1. */
  #hex(at: number, digits: number): number {
    if (at + digits > this.length) return -1;
    let value = 0;
    for (let i = at; i < at + digits; i++) {
      const digit = digitOf(this.codes[i]!);
      if (digit < 0) return -1;
      value = (value << 4) | digit;
    }
    return value;
  }
}

/** The value of a hexadecimal digit, or -1. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Whether a code unit is a letter or digit of ASCII, or may be a letter beyond it. */
export function isLetterOrDigit(code: number): boolean {
  const lower = code | 0x20;
  return (code >= 0x30 && code <= 0x39) || (lower >= 0x61 && lower <= 0x7a) || code >= 0xc0;
}
