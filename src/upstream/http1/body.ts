/** Where a body comes from, piece by piece. */
export interface Body {
  /** What was not read of a body that is complete, where that is one piece; else null. */
  whole(): Uint8Array | null;
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

/** What may wait to be read before the sender has to wait, too. */
const highWaterMarkBytes = 256 * 1024;

/** The body of a response as it comes from a connection, with back-pressure. */
export class IncomingBody implements Body {
  readonly #source: BodySource;
  readonly #pieces: Uint8Array[] = [];
  #waitingBytes = 0;
  #paused = false;
  #ended = false;
  #error: unknown = null;
  #reader: PromiseWithResolvers<Uint8Array | null> | null = null;

  constructor(source: BodySource) {
    this.#source = source;
  }

  whole(): Uint8Array | null {
    if (!this.#ended || this.#error !== null || this.#pieces.length !== 1) return null;
    return this.#pieces.pop() ?? null;
  }

  read(): Promise<Uint8Array | null> {
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      this.#waitingBytes -= piece.byteLength;
      if (this.#paused && this.#waitingBytes < highWaterMarkBytes) this.#setPaused(false);
      return Promise.resolve(piece);
    }
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(null);
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  cancel(): void {
    this.#pieces.length = 0;
    if (!this.#ended) this.#source.abandon();
  }

  /** The connection brought a piece. */
  push(piece: Uint8Array): void {
    const reader = this.#takeReader();
    if (reader) {
      reader.resolve(piece);
      return;
    }
    this.#pieces.push(piece);
    this.#waitingBytes += piece.byteLength;
    if (!this.#paused && this.#waitingBytes >= highWaterMarkBytes) this.#setPaused(true);
  }

  /** The connection brought the end; what waits can still be read. */
  end(): void {
    this.#ended = true;
    this.#takeReader()?.resolve(null);
  }

  /** The connection broke; what waits can still be read. */
  fail(error: unknown): void {
    this.#ended = true;
    this.#error = error;
    this.#takeReader()?.reject(error);
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
