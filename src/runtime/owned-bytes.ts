import type { Holding } from './byte-budget.ts';

/** Text, or UTF-8 bytes, that pass through as they are. Whoever uses a payload last frees it: {@link freePayload}. */
export type Payload = string | OwnedBytes;

/**
 * Bytes with one owner at a time, who frees them. The garbage collector would notice the memory of many bodies too late
 * (docs/performance.md#owned-bytes).
 */
export class OwnedBytes {
  readonly bytes: Uint8Array;
  readonly #holding: Holding | null;

  /** @param holding their share of a byte budget, which is released when they are freed */
  constructor(bytes: Uint8Array, holding: Holding | null = null) {
    this.bytes = bytes;
    this.#holding = holding;
  }

  get length(): number {
    return this.bytes.length;
  }

  /** The bytes from `start` to `end`; freeing them frees the whole. */
  part(start: number, end: number): OwnedBytes {
    return new OwnedBytes(this.bytes.subarray(start, end), this.#holding);
  }

  /** The bytes of `text` in place of these, which are freed. */
  replaced(text: string): OwnedBytes {
    const bytes = Buffer.from(text);
    this.free();
    this.#holding?.force(bytes.length);
    return new OwnedBytes(bytes, this.#holding);
  }

  /** The bytes as text. */
  toString(): string {
    const { buffer, byteOffset, length } = this.bytes;
    return Buffer.from(buffer, byteOffset, length).toString();
  }

  /** Returns the memory of their whole buffer. May be called again. */
  free(): void {
    const buffer = this.bytes.buffer as ArrayBuffer;
    if (!buffer.detached) buffer.transfer(0);
    this.#holding?.release();
  }
}

/** Bytes that many bodies share, such as a list: nobody frees them. */
export class SharedBytes extends OwnedBytes {
  override part(start: number, end: number): SharedBytes {
    return new SharedBytes(this.bytes.subarray(start, end));
  }

  override free(): void {}
}

/** Bytes with several owners at a time: the last one to free them frees them. */
export class CountedBytes extends OwnedBytes {
  readonly #whole: OwnedBytes;
  #owners = 1;

  constructor(whole: OwnedBytes) {
    super(whole.bytes);
    this.#whole = whole;
  }

  /** Adds an owner. */
  share(): this {
    this.#owners++;
    return this;
  }

  override free(): void {
    this.#owners--;
    if (this.#owners === 0) this.#whole.free();
  }
}

/** The text of a payload, which is not freed. */
export function textOf(payload: Payload): string {
  return typeof payload === 'string' ? payload : payload.toString();
}

/** Frees a payload that nobody uses any more. */
export function freePayload(payload: Payload): void {
  if (typeof payload !== 'string') payload.free();
}
