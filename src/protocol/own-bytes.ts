/**
 * Bytes that are passed from hand to hand, and freed by whoever has them last. Left to the garbage collector they
 * would pile up: it sees the memory of many bodies too late.
 */
export class OwnBytes {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get length(): number {
    return this.bytes.length;
  }

  /** Those from `start` to `end`; freeing them frees all. */
  part(start: number, end: number): OwnBytes {
    return new OwnBytes(this.bytes.subarray(start, end));
  }

  /** What they are in UTF-8. */
  text(): string {
    const { buffer, byteOffset, length } = this.bytes;
    return Buffer.from(buffer, byteOffset, length).toString();
  }

  /** Gives the memory back; the bytes are gone then, and so is all else in their buffer. */
  free(): void {
    (this.bytes.buffer as ArrayBuffer).transfer(0);
  }
}
