import { Holding, maxFreeBytes } from '../runtime/byte-budget.ts';
import { OwnedBytes, type Payload } from '../runtime/owned-bytes.ts';

/** The body of a response. */
export interface Body {
  /**
   * The complete body, if it has arrived, none of it was read and the budget has room; else null. A short body is text,
   * without a byte order mark and with replacement characters for invalid UTF-8; a long one is its bytes.
   */
  whole(): Payload | null;
  /** Whether the body was read to its end. */
  readonly isOver: boolean;
  /** The next chunk, or null at the end. Rejects if the body broke off or was cancelled. One read at a time. */
  read(): Promise<Uint8Array | null>;
  /** Aborts the body, and with it the connection. */
  cancel(): void;
}

/** The connection of a body. */
export interface BodySource {
  /** Applies back-pressure: unread data must stay with the sender. */
  setPaused(paused: boolean): void;
  abandon(): void;
}

/** A part of a received chunk. It becomes a view only when it is read as bytes: a view costs more than the text. */
interface Piece {
  readonly chunk: Buffer;
  readonly start: number;
  readonly end: number;
}

/** With this much unread data, the sender has to wait. */
const highWaterMarkBytes = 256 * 1024;

/** Small pieces, such as chunks with an event each, are joined up to this length. */
const maxJoinedBytes = 16 * 1024;

/** A body that arrives on a connection, with back-pressure. */
export class IncomingBody implements Body {
  readonly #source: BodySource;
  /** The first piece is kept apart: most bodies have one. */
  #first: Piece | null = null;
  #more: Piece[] | null = null;
  #unreadBytes = 0;
  #paused = false;
  #wasRead = false;
  #ended = false;
  #error: unknown = null;
  #reader: PromiseWithResolvers<Uint8Array | null> | null = null;

  constructor(source: BodySource) {
    this.#source = source;
  }

  get isOver(): boolean {
    return this.#ended && this.#first === null && this.#error === null;
  }

  whole(): Payload | null {
    if (!this.#ended || this.#wasRead || this.#error !== null || this.#more !== null) return null;
    const piece = this.#first;
    if (piece === null) return null;
    const { chunk, start, end } = piece;
    let holding: Holding | null = null;
    if (isOwned(chunk, start, end)) {
      holding = new Holding();
      // Reading in chunks waits for room.
      if (!holding.tryHold(chunk.byteLength)) return null;
    }
    this.#first = null;
    return payloadOf(chunk, start, end, holding);
  }

  read(): Promise<Uint8Array | null> {
    this.#wasRead = true;
    if (this.#first !== null) {
      const bytes = this.#take(this.#first);
      this.#unreadBytes -= bytes.byteLength;
      if (this.#paused && this.#unreadBytes < highWaterMarkBytes) this.#setPaused(false);
      return Promise.resolve(bytes);
    }
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(null);
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  cancel(): void {
    this.#first = null;
    this.#more = null;
    if (!this.#ended) this.#source.abandon();
  }

  /** A piece has arrived. */
  push(chunk: Buffer, start: number, end: number): void {
    const piece = { chunk, start, end };
    const reader = this.#takeReader();
    if (reader) {
      reader.resolve(bytesOf(piece));
      return;
    }
    if (this.#first === null) this.#first = piece;
    else if (this.#more) this.#more.push(piece);
    else this.#more = [piece];
    this.#unreadBytes += end - start;
    if (!this.#paused && this.#unreadBytes >= highWaterMarkBytes) this.#setPaused(true);
  }

  /** The end has arrived. Unread pieces can still be read, while the connection serves other requests. */
  end(): void {
    if (this.#paused) this.#setPaused(false);
    this.#ended = true;
    this.#takeReader()?.resolve(null);
  }

  /** The connection broke. Unread pieces can still be read. */
  fail(error: unknown): void {
    this.#ended = true;
    this.#error = error;
    this.#takeReader()?.reject(error);
  }

  /** Takes the first piece, joined with small ones after it. */
  #take(first: Piece): Uint8Array {
    const more = this.#more ?? [];
    let length = first.end - first.start;
    let count = 0;
    for (let next = more[0]; next && length + next.end - next.start <= maxJoinedBytes; next = more[count]) {
      length += next.end - next.start;
      count++;
    }
    const joined = more.splice(0, count);
    this.#first = more.shift() ?? null;
    if (more.length === 0) this.#more = null;
    return count === 0 ? bytesOf(first) : join([first, ...joined], length);
  }

  #takeReader(): PromiseWithResolvers<Uint8Array | null> | null {
    const reader = this.#reader;
    this.#reader = null;
    return reader;
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    if (!this.#ended) this.#source.setPaused(paused);
  }
}

function join(pieces: readonly Piece[], length: number): Uint8Array {
  const joined = Buffer.allocUnsafe(length);
  let at = 0;
  for (const { chunk, start, end } of pieces) at += chunk.copy(joined, at, start, end);
  return joined;
}

/** From this length on, passing bytes on is cheaper than text. */
const minOwnedBytes = maxFreeBytes;

function isOwned(chunk: Buffer, start: number, end: number): boolean {
  // Bytes that share their buffer with others cannot be freed.
  return end - start >= minOwnedBytes && chunk.byteLength === chunk.buffer.byteLength;
}

/**
 * A part of a chunk as a payload; the rest of the chunk is lost.
 * @param holding its share of the budget
 */
export function payloadOf(chunk: Buffer, start: number, end: number, holding: Holding | null): Payload {
  if (isOwned(chunk, start, end)) {
    const from = isByteOrderMark(chunk, start) ? start + 3 : start;
    return new OwnedBytes(chunk.subarray(from, end), holding);
  }
  holding?.release();
  return textOf(chunk, start, end);
}

function isByteOrderMark(chunk: Buffer, at: number): boolean {
  return chunk[at] === 0xef && chunk[at + 1] === 0xbb && chunk[at + 2] === 0xbf;
}

const byteOrderMark = 0xfeff;

/** A part of a chunk as text, without a byte order mark. */
function textOf(chunk: Buffer, start: number, end: number): string {
  const text = chunk.toString('utf8', start, end);
  return text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text;
}

function bytesOf({ chunk, start, end }: Piece): Uint8Array {
  return start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end);
}
