const quote = 0x22;
const backslash = 0x5c;
/** What a word of four characters is compared with: one less than 0x20 is a control character. RFC 8259, 7. */
const blanks = 0x20202020;
const highBits = 0x80808080;

/**
 * The text of a long JSON body in ASCII. Where most of it is one string without escapes, as an image is, the content of that
 * string is looked through in the bytes and left out of the text: to copy it, and to parse it, would cost more than all else,
 * and what garbage collection is slow to free would be several times the body.
 */
export class LongText {
  /** The text. Where it is JSON, so is the whole, and where it is not, the whole is not, or has no such string. */
  readonly text: string;
  /** Where something was left out, and how much. */
  readonly #at: number;
  readonly #left: number;

  /** @param from,to what is left out */
  private constructor(ascii: Buffer, from: number, to: number) {
    this.text = ascii.toString('latin1', 0, from) + ascii.toString('latin1', to);
    this.#at = from;
    this.#left = to - from;
  }

  /** @param bytes all of them ASCII */
  static of(bytes: Uint8Array): LongText {
    const ascii = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    // What stands between the two quotes around the middle may be no string, but what separates two: without it, they are
    // left with nothing between them, which is no JSON.
    const middle = ascii.length >> 1;
    const from = ascii.lastIndexOf(quote, middle) + 1;
    const to = ascii.indexOf(quote, middle + 1);
    const escaped = ascii.indexOf(backslash, from);
    const isMost = from > 0 && to - from > middle && (escaped < 0 || escaped > to);
    return isMost && !hasControls(ascii, from, to)
      ? new LongText(ascii, from, to)
      : new LongText(ascii, 0, 0);
  }

  /** Where in the bytes a value of the text begins, or ends. */
  place(index: number): number {
    return index > this.#at ? index + this.#left : index;
  }
}

/** Whether there are control characters in a long part of `ascii`, which is looked through four at a time. */
function hasControls(ascii: Buffer, from: number, to: number): boolean {
  const { buffer, byteOffset } = ascii;
  const isControl = (at: number) => (ascii[at] as number) < 0x20;
  let at = from;
  for (; at < to && (byteOffset + at) % 4 !== 0; at++) if (isControl(at)) return true;
  const words = new Int32Array(buffer, byteOffset + at, (to - at) >> 2);
  let found = 0;
  // Taking 0x20 from a smaller byte borrows, which sets its high bit: it had none, being ASCII.
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as number;
    found |= (word - blanks) & ~word;
  }
  if ((found & highBits) !== 0) return true;
  for (at += words.byteLength; at < to; at++) if (isControl(at)) return true;
  return false;
}
