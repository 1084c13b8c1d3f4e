import type { ResponseHead } from './response-head.ts';

/** Longer heads are parsed each time. */
const maxLength = 512;

/**
 * The head that a server sent last, with its bytes: the next one is nearly always the same, for as long as the second
 * lasts that stands in its date, and to compare them costs a tenth of parsing it.
 */
export class RecentHead {
  readonly #bytes = Buffer.alloc(maxLength);
  #length = 0;
  #head: ResponseHead | null = null;

  /** How many bytes it has; 0 where there is none. */
  get length(): number {
    return this.#length;
  }
  get head(): ResponseHead | null {
    return this.#head;
  }

  /** Whether these very bytes, the empty line at the end included, stand in `chunk` at `from`. */
  isAt(chunk: Buffer, from: number): boolean {
    const end = from + this.#length;
    return (
      this.#length > 0 && end <= chunk.length && chunk.compare(this.#bytes, 0, this.#length, from, end) === 0
    );
  }

  /** The head that stands in `chunk` from `start` to `end`, parsed. */
  keep(chunk: Buffer, start: number, end: number, head: ResponseHead): void {
    if (end - start > maxLength) return;
    this.#length = chunk.copy(this.#bytes, 0, start, end);
    this.#head = head;
  }
}
