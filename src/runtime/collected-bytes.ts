import { Holding, maxFreeBytes } from './byte-budget.ts';

/** As much room there is at first where it is not known how much will come, and where it is, at most. */
const minBlockBytes = maxFreeBytes;
const maxFirstBlockBytes = 1024 * 1024;
/** As much room has each further block at most. */
const maxBlockBytes = 4 * 1024 * 1024;
/** In steps of so much a body is counted. */
const stepBytes = 256 * 1024;

/** A body that comes in pieces, of any size, and is counted while it comes. */
export class CollectedBytes {
  /** Null while it is too short to count. */
  #holding: Holding | null = null;
  #heldBytes = maxFreeBytes;
  /** Blocks that are full, and the one that is being filled: no byte is moved twice but at the end. */
  #full: Buffer[] = [];
  #block: Buffer;
  #blockLength = 0;
  #length = 0;
  readonly #copies: number;

  /**
   * @param length how long it will be, or null where that is not known
   * @param copies how often it counts: it may be there in several forms at a time
   */
  constructor(length: number | null, copies = 1) {
    this.#copies = copies;
    this.#block = Buffer.allocUnsafeSlow(Math.min(length ?? minBlockBytes, maxFirstBlockBytes));
  }

  get length(): number {
    return this.#length;
  }

  /** Whether there is room in the budget for as many more; where there is, they count. */
  tryHold(bytes: number): boolean {
    const step = this.#stepFor(bytes);
    if (step === null) return true;
    if (!this.#counted().tryHold(step)) return false;
    this.#heldBytes = step;
    return true;
  }

  /** The same, but waits for room. Rejects with an `OverBudgetError`. */
  hold(bytes: number): Promise<void> | undefined {
    if (this.tryHold(bytes)) return undefined;
    const step = this.#stepFor(bytes) as number;
    return this.#counted()
      .hold(step)
      ?.then(() => {
        this.#heldBytes = step;
      });
  }

  /** Takes a piece; one that has a buffer to itself is gone then. */
  add(piece: Uint8Array): void {
    let rest = piece;
    while (rest.byteLength > 0) {
      const room = this.#block.length - this.#blockLength;
      if (room === 0) this.#addBlock(rest.byteLength);
      else {
        const part = rest.subarray(0, room);
        this.#block.set(part, this.#blockLength);
        this.#blockLength += part.byteLength;
        this.#length += part.byteLength;
        rest = rest.subarray(room);
      }
    }
    if (piece.byteLength === piece.buffer.byteLength) free(piece);
  }

  /** All of it, in a buffer of its own, and what it holds of the budget: whoever takes it has to give that back. */
  end(): { bytes: Buffer; holding: Holding | null } {
    const bytes = this.#joined();
    this.#holding?.force(this.#copies * bytes.length);
    return { bytes, holding: this.#holding };
  }

  /** It is not wanted any more. */
  discard(): void {
    for (const block of [...this.#full, this.#block]) free(block);
    this.#holding?.release();
  }

  #joined(): Buffer {
    if (this.#full.length === 0) return this.#block.subarray(0, this.#length);
    const joined = Buffer.allocUnsafeSlow(this.#length);
    let at = 0;
    for (const block of this.#full) {
      at += block.copy(joined, at);
      // At once, or all of it would be there twice.
      free(block);
    }
    this.#block.copy(joined, at, 0, this.#blockLength);
    free(this.#block);
    return joined;
  }

  #addBlock(neededBytes: number): void {
    this.#full.push(this.#block);
    const length = Math.max(neededBytes, Math.min(this.#length, maxBlockBytes));
    this.#block = Buffer.allocUnsafeSlow(Math.max(length, minBlockBytes));
    this.#blockLength = 0;
  }

  /** What has to be held for `bytes` more, or null where that is held already. */
  #stepFor(bytes: number): number | null {
    const needed = this.#copies * (this.#length + bytes);
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
