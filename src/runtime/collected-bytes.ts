import { Holding, maxFreeBytes } from './byte-budget.ts';

/** The size of the first block if the length is unknown, and its bound if it is known. */
const minBlockBytes = maxFreeBytes;
const maxFirstBlockBytes = 1024 * 1024;
/** The bound of each further block. */
const maxBlockBytes = 4 * 1024 * 1024;
/** Bytes are counted in steps of this size. */
const stepBytes = 256 * 1024;

/** Collects the chunks of a body and counts them against the budget. */
export class CollectedBytes {
  /** Null while the body is too short to count. */
  #holding: Holding | null = null;
  #heldBytes = maxFreeBytes;
  /** Full blocks, and the current one. Bytes are copied into a block once and joined at the end. */
  #full: Buffer[] = [];
  #block: Buffer;
  #blockLength = 0;
  length = 0;
  readonly #copies: number;

  /**
   * @param length the length of the body, or null if it is unknown
   * @param copies how often each byte counts: the body may exist in several forms at once
   */
  constructor(length: number | null, copies = 1) {
    this.#copies = copies;
    this.#block = Buffer.allocUnsafeSlow(Math.min(length ?? minBlockBytes, maxFirstBlockBytes));
  }

  /** Counts `bytes` more if the budget has room. Returns whether it has. */
  tryHold(bytes: number): boolean {
    const step = this.#stepFor(bytes);
    if (step === null) return true;
    if (!this.#counted().tryHold(step)) return false;
    this.#heldBytes = step;
    return true;
  }

  /** Like {@link tryHold}, but waits for room. Returns undefined if there is some; rejects with an `OverBudgetError`. */
  hold(bytes: number): Promise<void> | undefined {
    if (this.tryHold(bytes)) return undefined;
    const step = this.#stepFor(bytes) as number;
    return this.#counted()
      .hold(step)
      ?.then(() => {
        this.#heldBytes = step;
      });
  }

  /** Appends a chunk, and frees it if it has a buffer to itself. */
  add(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.byteLength > 0) {
      const room = this.#block.length - this.#blockLength;
      if (room === 0) this.#addBlock(rest.byteLength);
      else {
        const part = rest.subarray(0, room);
        this.#block.set(part, this.#blockLength);
        this.#blockLength += part.byteLength;
        this.length += part.byteLength;
        rest = rest.subarray(room);
      }
    }
    if (chunk.byteLength === chunk.buffer.byteLength) free(chunk);
  }

  /** The body in a buffer of its own, with its holding, which the caller has to release. */
  end(): { bytes: Buffer; holding: Holding | null } {
    const bytes = this.#joined();
    this.#holding?.force(this.#copies * bytes.length);
    return { bytes, holding: this.#holding };
  }

  /** Frees everything collected. */
  discard(): void {
    for (const block of [...this.#full, this.#block]) free(block);
    this.#holding?.release();
  }

  #joined(): Buffer {
    if (this.#full.length === 0) return this.#block.subarray(0, this.length);
    const joined = Buffer.allocUnsafeSlow(this.length);
    let at = 0;
    for (const block of this.#full) {
      at += block.copy(joined, at);
      // At once, or the whole body would exist twice.
      free(block);
    }
    this.#block.copy(joined, at, 0, this.#blockLength);
    free(this.#block);
    return joined;
  }

  #addBlock(neededBytes: number): void {
    this.#full.push(this.#block);
    const length = Math.max(neededBytes, Math.min(this.length, maxBlockBytes));
    this.#block = Buffer.allocUnsafeSlow(Math.max(length, minBlockBytes));
    this.#blockLength = 0;
  }

  /** The bytes to hold for `bytes` more, rounded up to a step; null if they are held already. */
  #stepFor(bytes: number): number | null {
    const needed = this.#copies * (this.length + bytes);
    return needed <= this.#heldBytes ? null : Math.ceil(needed / stepBytes) * stepBytes;
  }

  #counted(): Holding {
    this.#holding ??= new Holding();
    return this.#holding;
  }
}

function free(bytes: Uint8Array): void {
  const buffer = bytes.buffer as ArrayBuffer;
  if (!buffer.detached) buffer.transfer(0);
}
