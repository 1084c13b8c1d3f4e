import { Listed } from '../live-list.ts';
import { sseType } from '../protocol/headers.ts';
import { keepAliveComment } from '../protocol/sse.ts';
import type { Beating, Heartbeat } from './heartbeat.ts';

/** What may wait at most: beyond it a client that does not read loses its stream. */
const maxQueuedChars = 64 * 1024 * 1024;
/** Events that come within this time of one that was sent at once are sent together. */
const coalesceMs = 1;

export const streamHeaders = {
  'content-type': sseType,
  'cache-control': 'no-cache, no-transform',
  // Keeps nginx and its like from collecting the stream.
  'x-accel-buffering': 'no',
};

/** A stream of server-sent events to one client, with back-pressure and keep-alive comments. */
export class EventStream extends Listed implements Beating {
  /** The body of the response. Bun's direct kind: what is written goes to the socket, with no queue in between. */
  readonly readable: ReadableStream<Uint8Array>;
  readonly #heartbeat: Heartbeat;
  readonly #onClosed: () => void;
  /** The client's connection, once the response is on its way. */
  #client: ReadableStreamDirectController | null = null;
  /** What is to be sent as soon as there is a connection. */
  #early = '';
  /** What the connection has not taken. */
  #queuedChars = 0;
  #drained: PromiseWithResolvers<void> | null = null;
  #flushedMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  /** @param onClosed called once when the stream has ended, from either side */
  constructor(heartbeat: Heartbeat, onClosed: () => void) {
    super();
    this.#heartbeat = heartbeat;
    this.#onClosed = onClosed;
    this.readable = new ReadableStream<Uint8Array>({
      type: 'direct',
      pull: (client) => this.#opened(client),
      cancel: () => this.#ended(),
    });
    heartbeat.add(this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Writes text. Where the client does not keep up, or its connection is not ready yet, the promise settles when it
   * takes more, or is gone.
   */
  send(text: string): Promise<void> | undefined {
    if (this.#closed) return undefined;
    if (this.#client === null) {
      this.#early += text;
      this.#queuedChars = this.#early.length;
    } else if (this.#write(this.#client, text)) return undefined;
    if (this.#queuedChars > maxQueuedChars) {
      this.close();
      return undefined;
    }
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  close(): void {
    if (this.#closed) return;
    this.#client?.end();
    this.#ended();
  }

  beat(): void {
    // A client that takes nothing needs no comment more.
    if (this.#client && this.#queuedChars === 0) this.#write(this.#client, keepAliveComment);
  }

  #opened(client: ReadableStreamDirectController): void {
    // A reader in place of a connection calls for each piece.
    if (this.#client) return;
    this.#client = client;
    // The head goes out with the first piece, so there has to be one.
    const first = this.#early === '' ? keepAliveComment : this.#early;
    this.#early = '';
    this.#queuedChars = 0;
    if (this.#write(client, first)) this.#drain();
    if (this.#closed) client.end();
  }

  /** Whether the connection has taken it all. */
  #write(client: ReadableStreamDirectController, text: string): boolean {
    const taken: unknown = client.write(text);
    const nowMs = performance.now();
    // What is not sent at once, Bun sends when this turn of the event loop is over.
    if (nowMs - this.#flushedMs > coalesceMs) {
      client.flush();
      this.#flushedMs = nowMs;
    }
    if (!(taken instanceof Promise)) return true;
    this.#queuedChars += text.length;
    void taken.then(() => this.#drain());
    return false;
  }

  #drain(): void {
    this.#queuedChars = 0;
    this.#drained?.resolve();
    this.#drained = null;
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#heartbeat.delete(this);
    this.#drain();
    this.#onClosed();
  }
}
