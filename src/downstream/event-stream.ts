import { sseType } from '../protocol/headers.ts';
import { eventEnd, eventHead, keepAliveComment, sseMessage } from '../protocol/sse-codec.ts';
import { Holding, maxFreeBytes } from '../runtime/byte-budget.ts';
import { LinkedNode } from '../runtime/linked-list.ts';
import type { KeepAlive, KeepAliveMember } from './keep-alive.ts';
import { type Content, freeAll, writePart } from './reply-body.ts';
import { StalledError, takenInTime, writeInTime } from './stall.ts';

/** A client that does not read loses its stream beyond this queue. */
const maxQueuedChars = 64 * 1024 * 1024;
/** Events within this time of a flush are sent together. */
const coalesceMs = 1;

export const streamHeaders = {
  'content-type': sseType,
  'cache-control': 'no-cache, no-transform',
  // Keeps nginx and similar proxies from buffering the stream.
  'x-accel-buffering': 'no',
};

/** A stream of server-sent events to one client, with back-pressure and keep-alive comments. */
export class EventStream extends LinkedNode implements KeepAliveMember {
  /** The body of the response; a direct stream, which writes to the socket (docs/performance.md#streams-direct). */
  readonly readable: ReadableStream<Uint8Array>;
  readonly #keepAlive: KeepAlive;
  readonly #onClosed: () => void;
  /** The client's connection, once the response has begun. */
  #client: ReadableStreamDirectController | null = null;
  /** Events that wait for the connection. */
  #early = '';
  /** The text that the connection has not taken. */
  #queuedChars = 0;
  #drained: PromiseWithResolvers<void> | null = null;
  #holding: Holding | null = null;
  /** Messages written one after another because at least one of them is long; the first is being written. */
  readonly #long: { readonly message: Content; readonly head: string }[] = [];
  /** Whether the stream ends after {@link #long}. */
  #isClosing = false;
  #flushedMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  /** @param onClosed called once when either side has ended the stream */
  constructor(keepAlive: KeepAlive, onClosed: () => void) {
    super();
    this.#keepAlive = keepAlive;
    this.#onClosed = onClosed;
    this.readable = new ReadableStream<Uint8Array>({
      type: 'direct',
      pull: (client) => this.#attach(client),
      cancel: () => this.#finish(),
    });
    keepAlive.add(this);
  }

  /** Sends an event ahead of all others. Must be called before the response begins. */
  begin(event: string): void {
    this.#early = event;
  }

  /**
   * Sends a JSON text as an event. If the client does not keep up or its connection is not ready, the returned promise
   * settles when the client takes more or is gone.
   * @param head the text before it in the event
   */
  send(message: Content, head = eventHead): Promise<void> | undefined {
    if (this.#isClosed || this.#isClosing) {
      freeAll(message);
      return undefined;
    }
    if (typeof message !== 'string' || this.#long.length > 0) this.#writeLater(message, head);
    else if (this.#client === null) {
      this.#early += sseMessage(message, head);
      this.#setQueued(this.#early.length);
    } else if (this.#write(this.#client, sseMessage(message, head))) return undefined;
    if (this.#isClosed) return undefined;
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  /** Ends the stream after everything is sent. */
  close(): void {
    if (this.#long.length > 0) this.#isClosing = true;
    else this.disconnect();
  }

  /** Ends the stream at once. */
  disconnect(): void {
    if (this.#isClosed) return;
    this.#client?.end();
    this.#finish();
  }

  /** Breaks the connection, which discards what the client has not taken. */
  #cut(error: Error): void {
    if (this.#isClosed) return;
    this.#client?.close(error);
    this.#finish();
  }

  /** Queues a message that is written in slices, or that follows one. */
  #writeLater(message: Content, head: string): void {
    this.#long.push({ message, head });
    // Bytes hold their own share of the budget.
    if (typeof message === 'string') this.#setQueued(this.#queuedChars + message.length);
    if (this.#client && this.#long.length === 1) void this.#writeLong(this.#client);
  }

  async #writeLong(client: ReadableStreamDirectController): Promise<void> {
    const isGone = () => this.#isClosed;
    try {
      for (let next = this.#long[0]; next !== undefined && !this.#isClosed; next = this.#long[0]) {
        const { message, head } = next;
        const parts = typeof message === 'string' ? [message] : message;
        await writeInTime(client, head);
        for (const part of parts) await writePart(client, part, isGone, true);
        await writeInTime(client, eventEnd);
        client.flush();
        this.#long.shift();
      }
      if (this.#isClosing) this.disconnect();
      else this.#drain();
    } catch (error) {
      this.#cut(error as Error);
    }
  }

  /** Records the length of the queue. Cuts the client off if that exceeds its limit or the byte budget. */
  #setQueued(chars: number): void {
    this.#queuedChars = chars;
    if (chars <= maxFreeBytes) return;
    this.#holding ??= new Holding();
    if (chars > maxQueuedChars || !this.#holding.tryHold(chars)) this.#cut(new StalledError());
  }

  beat(): void {
    // A client with a queue needs no comment.
    if (this.#client && this.#queuedChars === 0 && this.#long.length === 0)
      this.#write(this.#client, keepAliveComment);
  }

  #attach(client: ReadableStreamDirectController): void {
    // A reader in place of a connection pulls for each chunk.
    if (this.#client) return;
    this.#client = client;
    // Bun sends the head with the first chunk, so there must be one.
    const first = this.#early === '' && this.#long.length === 0 ? keepAliveComment : this.#early;
    this.#early = '';
    this.#queuedChars = 0;
    if (this.#write(client, first)) this.#drain();
    if (this.#isClosed) client.end();
    else if (this.#long.length > 0) void this.#writeLong(client);
  }

  /** Returns whether the connection has taken all of it. */
  #write(client: ReadableStreamDirectController, text: string): boolean {
    const taken: unknown = client.write(text);
    const nowMs = performance.now();
    // Without a flush, Bun sends at the end of this turn of the event loop.
    if (nowMs - this.#flushedMs > coalesceMs) {
      client.flush();
      this.#flushedMs = nowMs;
    }
    if (!(taken instanceof Promise)) return true;
    this.#setQueued(this.#queuedChars + text.length);
    const watched = this.#queuedChars > maxFreeBytes ? takenInTime(taken) : taken;
    watched.then(
      () => this.#drain(),
      (error) => this.#cut(error as Error),
    );
    return false;
  }

  #drain(): void {
    this.#queuedChars = 0;
    this.#holding?.release();
    this.#drained?.resolve();
    this.#drained = null;
  }

  #finish(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const { message } of this.#long) freeAll(message);
    this.#long.length = 0;
    this.#keepAlive.delete(this);
    this.#drain();
    this.#onClosed();
  }
}
