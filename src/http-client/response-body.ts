import { Holding, maxFreeBytes } from '../runtime/byte-budget.ts';
import { OwnedBytes, type Payload } from '../runtime/owned-bytes.ts';

/** Where a body comes from, piece by piece. */
export interface Body {
  /**
   * The complete body, if it has arrived, none of it was read and the budget has room; else null. A short body is text, without
   * a byte order mark and with replacement characters for invalid UTF-8; a long one is its bytes.
   */
  whole(): Payload | null;
  /** Whether the end has come, and all was read. */
  readonly over: boolean;
  /** The next piece, or null at the end. Rejects where the body broke off or was given up. One read at a time. */
  read(): Promise<Uint8Array | null>;
  /** Gives the rest up, and with it the connection. */
  cancel(): void;
}

/** What a body asks of the connection that it comes from. */
export interface BodySource {
  /** Stops and starts the flow of pieces: what is not read must stay with the sender. */
  setPaused(paused: boolean): void;
  abandon(): void;
}

/** A part of a chunk. It is cut out only when it is read as bytes, since a view costs more than the text. */
interface Piece {
  readonly chunk: Buffer;
  readonly start: number;
  readonly end: number;
}

/** What may wait to be read before the sender has to wait, too. */
const highWaterMarkBytes = 256 * 1024;

/** Of small pieces, such as chunks with an event each, as many are read at once. */
const maxJoinedBytes = 16 * 1024;

/** The body of a response as it comes from a connection, with back-pressure. */
export class IncomingBody implements Body {
  readonly #source: BodySource;
  /** The first piece apart from the rest: most bodies are one. */
  #first: Piece | null = null;
  #more: Piece[] | null = null;
  #waitingBytes = 0;
  #paused = false;
  #read = false;
  #ended = false;
  #error: unknown = null;
  #reader: PromiseWithResolvers<Uint8Array | null> | null = null;

  constructor(source: BodySource) {
    this.#source = source;
  }

  get over(): boolean {
    return this.#ended && this.#first === null && this.#error === null;
  }

  whole(): Payload | null {
    if (!this.#ended || this.#read || this.#error !== null || this.#more !== null) return null;
    const piece = this.#first;
    if (piece === null) return null;
    const { chunk, start, end } = piece;
    let holding: Holding | null = null;
    if (isPassed(chunk, start, end)) {
      holding = new Holding();
      // Whoever reads it in pieces waits for room.
      if (!holding.tryHold(chunk.byteLength)) return null;
    }
    this.#first = null;
    return wholeOf(chunk, start, end, holding);
  }

  read(): Promise<Uint8Array | null> {
    this.#read = true;
    if (this.#first !== null) {
      const bytes = this.#take(this.#first);
      this.#waitingBytes -= bytes.byteLength;
      if (this.#paused && this.#waitingBytes < highWaterMarkBytes) this.#setPaused(false);
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

  /** The connection brought a piece. */
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
    this.#waitingBytes += end - start;
    if (!this.#paused && this.#waitingBytes >= highWaterMarkBytes) this.#setPaused(true);
  }

  /** The connection brought the end; what waits can still be read, and the connection is wanted for others. */
  end(): void {
    if (this.#paused) this.#setPaused(false);
    this.#ended = true;
    this.#takeReader()?.resolve(null);
  }

  /** The connection broke; what waits can still be read. */
  fail(error: unknown): void {
    this.#ended = true;
    this.#error = error;
    this.#takeReader()?.reject(error);
  }

  /** Takes the first piece, with as many after it as are worth being joined. */
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

/** From this length on a body is better passed on as the bytes that it came in than as text. */
const minPassedBytes = maxFreeBytes;

function isPassed(chunk: Buffer, start: number, end: number): boolean {
  // To free what shares its memory with others would take it from them.
  return end - start >= minPassedBytes && chunk.byteLength === chunk.buffer.byteLength;
}

/**
 * The body that is part of a chunk of which nothing else is wanted.
 * @param holding what it takes of the budget
 */
export function wholeOf(chunk: Buffer, start: number, end: number, holding: Holding | null): Payload {
  if (isPassed(chunk, start, end)) {
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

/** The text in part of a chunk, as a TextDecoder gives it: without a byte order mark. */
function textOf(chunk: Buffer, start: number, end: number): string {
  const text = chunk.toString('utf8', start, end);
  return text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text;
}

function bytesOf({ chunk, start, end }: Piece): Uint8Array {
  return start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end);
}
