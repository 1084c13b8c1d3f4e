const quote = 0x22;
const backslash = 0x5c;
/** Subtracted from a word of four characters: a character below 0x20 is a control character. RFC 8259, 7. */
const spaces = 0x20202020;
const highBits = 0x80808080;

/**
 * The text of a long JSON body in ASCII. If one string without escapes makes up most of the body, as an image does, its
 * content is checked in place and left out of the text: converting and parsing it would cost more than the rest of the
 * call, and several times the memory of the body (docs/performance.md#long-text).
 */
export class LongText {
  /** If it is valid JSON, so is the body. If not, the body is invalid, or the omitted part is not a string. */
  readonly text: string;
  /** The index and length of the part that was left out. */
  readonly #at: number;
  readonly #omitted: number;

  /** @param from,to the part to leave out */
  private constructor(ascii: Buffer, from: number, to: number) {
    this.text = ascii.toString('latin1', 0, from) + ascii.toString('latin1', to);
    this.#at = from;
    this.#omitted = to - from;
  }

  /** @param bytes ASCII only */
  static of(bytes: Uint8Array): LongText {
    const ascii = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    // The quotes around the middle may not delimit a string but separate two. Without the part between them, these two
    // strings touch, which is invalid JSON.
    const middle = ascii.length >> 1;
    const from = ascii.lastIndexOf(quote, middle) + 1;
    const to = ascii.indexOf(quote, middle + 1);
    const escaped = ascii.indexOf(backslash, from);
    const isMost = from > 0 && to - from > middle && (escaped < 0 || escaped > to);
    return isMost && !hasControls(ascii, from, to)
      ? new LongText(ascii, from, to)
      : new LongText(ascii, 0, 0);
  }

  /** The index in the bytes of the start or end of a value in the text. */
  place(index: number): number {
    return index > this.#at ? index + this.#omitted : index;
  }
}

/** Whether a long part of `ascii` has control characters; compares four characters per step. */
function hasControls(ascii: Buffer, from: number, to: number): boolean {
  const { buffer, byteOffset } = ascii;
  const isControl = (at: number) => ascii[at]! < 0x20;
  let at = from;
  for (; at < to && (byteOffset + at) % 4 !== 0; at++) if (isControl(at)) return true;
  const words = new Int32Array(buffer, byteOffset + at, (to - at) >> 2);
  let found = 0;
  // Subtracting 0x20 from a smaller byte borrows and so sets its high bit, which is clear in ASCII.
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    found |= (word - spaces) & ~word;
  }
  if ((found & highBits) !== 0) return true;
  for (at += words.byteLength; at < to; at++) if (isControl(at)) return true;
  return false;
}
