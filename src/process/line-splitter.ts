import { CollectedBytes } from '../runtime/collected-bytes.ts';
import { OwnedBytes } from '../runtime/owned-bytes.ts';

/** How much is kept of both ends of a line that is too long. */
const keptBytes = 1_024;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** A line that is longer than allowed. */
export class OverlongLine {
  /** Its beginning and its end. */
  readonly head: string;
  readonly tail: string;
  readonly length: number;

  constructor(head: Uint8Array, tail: Uint8Array, length: number) {
    this.head = Buffer.from(head).toString();
    this.tail = Buffer.from(tail).toString();
    this.length = length;
  }
}

/** A line without its end: part of a chunk, or, if it was collected from several, bytes that whoever takes them frees. */
export type Line = Uint8Array | OwnedBytes | OverlongLine;

/**
 * Splits a stream of bytes into lines. Bytes are split before they are decoded: a chunk may end within a character, and no other
 * byte of UTF-8 is 0x0A. A carriage return before it is dropped.
 */
export class LineSplitter {
  readonly #maxBytes: number;
  /** The beginning of a line whose end has not come; null: there is none. */
  #begun: CollectedBytes | null = null;
  /** The line that is being skipped because it is too long; null: there is none. */
  #skipped: { readonly head: Uint8Array; tail: Uint8Array; length: number } | null = null;

  /** @param maxBytes the longest line */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Makes room for a chunk in the budget of bodies. Returns undefined if there is some; rejects with an `OverBudgetError`, after
   * which the line that has begun should be skipped.
   */
  reserve(bytes: number): Promise<void> | undefined {
    return this.#begun === null ? undefined : this.#begun.hold(bytes);
  }

  /** Skips the rest of the line that has begun. */
  skip(): void {
    const begun = this.#begun;
    if (begun === null) return;
    this.#begun = null;
    const { bytes, holding } = begun.end();
    const { length } = bytes;
    this.#skipped = {
      head: copy(bytes.subarray(0, keptBytes)),
      tail: copy(bytes.subarray(-keptBytes)),
      length,
    };
    new OwnedBytes(bytes, holding).free();
  }

  /** The lines that end in the chunk. The parts of the chunk stay valid until the next one is pushed. */
  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, from)) {
      lines.push(this.#lineWith(chunk.subarray(from, at)));
      from = at + 1;
    }
    if (from < chunk.length) this.#begin(chunk.subarray(from));
    return lines;
  }

  /** The last line, if it has no end. */
  end(): Line | null {
    return this.#begun === null && this.#skipped === null ? null : this.#lineWith(new Uint8Array(0));
  }

  /** The line that ends with `rest`. */
  #lineWith(rest: Uint8Array): Line {
    if (this.#begun === null && this.#skipped === null && rest.length <= this.#maxBytes)
      return withoutReturn(rest);
    if (rest.length > 0 || this.#skipped === null) this.#begin(rest);
    const skipped = this.#skipped;
    if (skipped !== null) {
      this.#skipped = null;
      return new OverlongLine(skipped.head, skipped.tail, skipped.length);
    }
    const { bytes, holding } = (this.#begun as CollectedBytes).end();
    this.#begun = null;
    return new OwnedBytes(withoutReturn(bytes), holding);
  }

  #begin(part: Uint8Array): void {
    const skipped = this.#skipped;
    if (skipped !== null) {
      skipped.length += part.length;
      const joined = part.length >= keptBytes ? part : Buffer.concat([skipped.tail, part]);
      skipped.tail = copy(joined.subarray(-keptBytes));
      return;
    }
    this.#begun ??= new CollectedBytes(null);
    this.#begun.add(part);
    if (this.#begun.length > this.#maxBytes) this.skip();
  }
}

/** Not `slice`, which shares the memory of a Buffer. */
const copy = (bytes: Uint8Array) => new Uint8Array(bytes);

function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === carriageReturn ? line.subarray(0, -1) : line;
}
