import type { Holding } from './byte-budget.ts';

/**
 * Bytes that are passed from hand to hand, and freed by whoever has them last. Left to the garbage collector they
 * would pile up: it sees the memory of many bodies too late.
 */
export class OwnedBytes {
  readonly bytes: Uint8Array;
  readonly #holding: Holding | null;

  /** @param holding what they take of a budget, which is given back when they are freed */
  constructor(bytes: Uint8Array, holding: Holding | null = null) {
    this.bytes = bytes;
    this.#holding = holding;
  }

  get length(): number {
    return this.bytes.length;
  }

  /** Those from `start` to `end`; freeing them frees all. */
  part(start: number, end: number): OwnedBytes {
    return new OwnedBytes(this.bytes.subarray(start, end), this.#holding);
  }

  /** Those of another text in place of these, which are freed. */
  replaced(text: string): OwnedBytes {
    const bytes = Buffer.from(text);
    this.free();
    this.#holding?.force(bytes.length);
    return new OwnedBytes(bytes, this.#holding);
  }

  /** What they are in UTF-8. */
  text(): string {
    const { buffer, byteOffset, length } = this.bytes;
    return Buffer.from(buffer, byteOffset, length).toString();
  }

  /** Gives the memory back; the bytes are gone then, and so is all else in their buffer. May be called again. */
  free(): void {
    const buffer = this.bytes.buffer as ArrayBuffer;
    if (!buffer.detached) buffer.transfer(0);
    this.#holding?.release();
  }
}
