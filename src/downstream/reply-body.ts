import { nextTurn } from '../runtime/event-loop.ts';
import { freePayload, type Payload, textOf } from '../runtime/owned-bytes.ts';
import { writeInTime } from './stall.ts';

/** A body, or the parts of one: long parts are not joined. Each part is freed once it is sent. */
export type Content = string | readonly Payload[];

/**
 * From this length on a body is sent as a stream. Bun sends the head of a response piece by piece, in a dozen packets,
 * when a body of 15 KB or more is answered later than at once; and the pieces need not be joined.
 */
const minLongLength = 15 * 1024;
/** As much is handed over at a time: of what a client does not take at once, Bun makes a copy. */
const sliceLength = 2 * 1024 * 1024;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const blank = 0x20;

/** Whether a piece is better left alone than joined with others. */
export function isLong({ length }: Payload): boolean {
  return length >= minLongLength;
}

/** The body of a response. */
export function bodyOf(content: Content): string | ReadableStream<Uint8Array> {
  if (typeof content === 'string') return isLong(content) ? streamOf([content]) : content;
  if (lengthOf(content) >= minLongLength) return streamOf(content);
  return content.map(textOf).join('');
}

export function lengthOf(content: Content): number {
  return typeof content === 'string' ? content.length : content.reduce((sum, part) => sum + part.length, 0);
}

/** A stream of what is there already. */
function streamOf(parts: readonly Payload[]): ReadableStream<Uint8Array> {
  const body = new OpenBody();
  body.add(parts);
  body.end();
  return body.readable;
}

/**
 * A body that grows while it is sent. It is a direct stream: what is written goes to the socket, with no queue in between,
 * and each part is freed when it is sent, or when there is nobody to send it to.
 */
export class OpenBody {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #onGone: (() => void) | undefined;
  #parts: Payload[] = [];
  #ended = false;
  #gone = false;
  #wake: (() => void) | null = null;

  /** @param onGone called when the client goes away before the end */
  constructor(onGone?: () => void) {
    this.#onGone = onGone;
    this.readable = new ReadableStream<Uint8Array>({
      type: 'direct',
      pull: (client) => this.#write(client),
      cancel: () => this.#cancelled(),
    });
  }

  add(parts: readonly Payload[]): void {
    if (this.#gone) freeAll(parts);
    else this.#parts.push(...parts);
    this.#wake?.();
  }

  /** There will be no more. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async #write(client: ReadableStreamDirectController): Promise<void> {
    while (!this.#gone) {
      const parts = this.#parts;
      this.#parts = [];
      try {
        for (const part of parts) await writePart(client, part, () => this.#gone);
      } catch (error) {
        freeAll(parts);
        this.#cancelled();
        client.close(error as Error);
        return;
      }
      if (parts.length > 0) continue;
      if (this.#ended) break;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    if (!this.#gone) client.end();
  }

  #cancelled(): void {
    if (this.#gone) return;
    this.#gone = true;
    freeAll(this.#parts);
    this.#parts = [];
    this.#wake?.();
    if (!this.#ended) this.#onGone?.();
  }
}

/** How long slices are written in a row that a client takes at once. */
const maxTurnMs = 10;

/**
 * Writes a part, slice by slice, as fast as the client takes them, and frees it. Rejects where the client has to be cut off.
 * @param isGone whether there is nobody to send it to any more
 * @param asLine writes blanks in place of line breaks
 */
export async function writePart(
  client: ReadableStreamDirectController,
  part: Payload,
  isGone: () => boolean,
  asLine = false,
): Promise<void> {
  const piece = typeof part === 'string' ? part : part.bytes;
  let turnEndMs = performance.now() + maxTurnMs;
  for (let at = 0; at < piece.length && !isGone(); ) {
    const end = endOfSlice(piece, at);
    const slice = typeof piece === 'string' ? piece.slice(at, end) : piece.subarray(at, end);
    await writeInTime(client, asLine ? withoutBreaks(slice) : slice);
    // Or a short piece is copied together with the long one after it.
    client.flush();
    at = end;
    if (at === piece.length || performance.now() < turnEndMs) continue;
    await nextTurn();
    turnEndMs = performance.now() + maxTurnMs;
  }
  freePayload(part);
}

function withoutBreaks(slice: string | Uint8Array): string | Uint8Array {
  if (typeof slice === 'string') return slice.replace(/[\r\n]+/g, ' ');
  if (!slice.includes(lineFeed) && !slice.includes(carriageReturn)) return slice;
  return slice.map((byte) => (byte === lineFeed || byte === carriageReturn ? blank : byte));
}

/** Frees what of a body is not sent after all. */
export function freeAll(content: Content): void {
  if (typeof content === 'string') return;
  for (const part of content) freePayload(part);
}

/** Where a slice from `at` ends: not within a character. */
function endOfSlice(part: string | Uint8Array, at: number): number {
  const end = Math.min(part.length, at + sliceLength);
  if (typeof part !== 'string' || end === part.length) return end;
  const last = part.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}
