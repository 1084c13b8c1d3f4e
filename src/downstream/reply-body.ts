import { nextTurn } from '../runtime/event-loop.ts';
import { freePayload, type Payload, textOf } from '../runtime/owned-bytes.ts';
import { writeInTime } from './stall.ts';

/** A body, in parts if some are long. Each part is freed once it is sent. */
export type Content = string | readonly Payload[];

/**
 * Bodies from this length on are streamed, so that parts need not be joined. Besides, Bun sends the head of a delayed
 * response in a dozen packets if its body has 15 KB or more.
 */
const minLongLength = 15 * 1024;
/** Long parts are written in slices, because Bun copies unsent data (docs/performance.md#large-slices). */
const sliceLength = 2 * 1024 * 1024;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;

/** Whether a part is too long to be joined with others. */
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

function streamOf(parts: readonly Payload[]): ReadableStream<Uint8Array> {
  const body = new OpenBody();
  body.add(parts);
  body.end();
  return body.readable;
}

/**
 * A body that grows while it is sent. Its direct stream writes to the socket without a queue. Each part is freed when it is
 * sent, or when the client is gone.
 */
export class OpenBody {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #onGone: (() => void) | undefined;
  #parts: Payload[] = [];
  #isEnded = false;
  #isGone = false;
  #wake: (() => void) | null = null;

  /** @param onGone called if the client disconnects before the end */
  constructor(onGone?: () => void) {
    this.#onGone = onGone;
    this.readable = new ReadableStream<Uint8Array>({
      type: 'direct',
      pull: (client) => this.#write(client),
      cancel: () => this.#onCancel(),
    });
  }

  add(parts: readonly Payload[]): void {
    if (this.#isGone) freeAll(parts);
    else this.#parts.push(...parts);
    this.#wake?.();
  }

  /** Ends the body after the parts added so far. */
  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  async #write(client: ReadableStreamDirectController): Promise<void> {
    while (!this.#isGone) {
      const parts = this.#parts;
      this.#parts = [];
      try {
        for (const part of parts) await writePart(client, part, () => this.#isGone);
      } catch (error) {
        freeAll(parts);
        this.#onCancel();
        client.close(error as Error);
        return;
      }
      if (parts.length > 0) continue;
      if (this.#isEnded) break;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    if (!this.#isGone) client.end();
  }

  #onCancel(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    freeAll(this.#parts);
    this.#parts = [];
    this.#wake?.();
    if (!this.#isEnded) this.#onGone?.();
  }
}

/** The time for which slices are written in one turn of the event loop. */
const maxTurnMs = 10;

/**
 * Writes a part in slices, as fast as the client takes them, and frees it. Rejects if the client has to be cut off.
 * @param isGone returns whether the client is gone
 * @param asLine replaces line breaks by spaces
 */
export async function writePart(
  client: ReadableStreamDirectController,
  part: Payload,
  isGone: () => boolean,
  asLine = false,
): Promise<void> {
  const data = typeof part === 'string' ? part : part.bytes;
  let turnEndMs = performance.now() + maxTurnMs;
  for (let at = 0; at < data.length && !isGone(); ) {
    const end = endOfSlice(data, at);
    const slice = typeof data === 'string' ? data.slice(at, end) : data.subarray(at, end);
    await writeInTime(client, asLine ? withoutBreaks(slice) : slice);
    // Otherwise Bun copies a short slice together with the long one after it.
    client.flush();
    at = end;
    if (at === data.length || performance.now() < turnEndMs) continue;
    await nextTurn();
    turnEndMs = performance.now() + maxTurnMs;
  }
  freePayload(part);
}

function withoutBreaks(slice: string | Uint8Array): string | Uint8Array {
  if (typeof slice === 'string') return slice.replace(/[\r\n]+/g, ' ');
  if (!slice.includes(lineFeed) && !slice.includes(carriageReturn)) return slice;
  return slice.map((byte) => (byte === lineFeed || byte === carriageReturn ? space : byte));
}

/** Frees a body that is not sent. */
export function freeAll(content: Content): void {
  if (typeof content === 'string') return;
  for (const part of content) freePayload(part);
}

/** The end of the slice from `at`, which splits no character. */
function endOfSlice(part: string | Uint8Array, at: number): number {
  const end = Math.min(part.length, at + sliceLength);
  if (typeof part !== 'string' || end === part.length) return end;
  const last = part.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}
