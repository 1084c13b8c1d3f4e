import { sseType } from '../protocol/headers.ts';
import { eventEnd, eventHead, keepAliveComment, sseMessage } from '../protocol/sse-codec.ts';
import { Holding, maxFreeBytes } from '../runtime/byte-budget.ts';
import { LinkedNode } from '../runtime/linked-list.ts';
import type { KeepAlive, KeepAliveMember } from './keep-alive.ts';
import { type Content, freeAll, writePart } from './reply-body.ts';
import { StalledError, takenInTime, writeInTime } from './stall.ts';

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
export class EventStream extends LinkedNode implements KeepAliveMember {
  /** The body of the response. Bun's direct kind: what is written goes to the socket, with no queue in between. */
  readonly readable: ReadableStream<Uint8Array>;
  readonly #heartbeat: KeepAlive;
  readonly #onClosed: () => void;
  /** The client's connection, once the response is on its way. */
  #client: ReadableStreamDirectController | null = null;
  /** What is to be sent as soon as there is a connection. */
  #early = '';
  /** What the connection has not taken. */
  #queuedChars = 0;
  #drained: PromiseWithResolvers<void> | null = null;
  #holding: Holding | null = null;
  /** Messages that are written one after the other, for one of them is long; the first is being written. */
  readonly #long: Content[] = [];
  /** To be closed when these are written. */
  #closing = false;
  #flushedMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  /** @param onClosed called once when the stream has ended, from either side */
  constructor(heartbeat: KeepAlive, onClosed: () => void) {
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
   * Writes a message, whose JSON text this is, as an event. Where the client does not keep up, or its connection is not
   * ready yet, the promise settles when it takes more, or is gone.
   */
  send(message: Content): Promise<void> | undefined {
    if (this.#closed || this.#closing) {
      freeAll(message);
      return undefined;
    }
    if (typeof message !== 'string' || this.#long.length > 0) this.#writeLater(message);
    else if (this.#client === null) {
      this.#early += sseMessage(message);
      this.#queued(this.#early.length);
    } else if (this.#write(this.#client, sseMessage(message))) return undefined;
    if (this.#closed) return undefined;
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  /** Ends the stream when all is sent. */
  close(): void {
    if (this.#closed) return;
    if (this.#long.length > 0) this.#closing = true;
    else this.#end();
  }

  #end(): void {
    if (this.#closed) return;
    this.#client?.end();
    this.#ended();
  }

  /** Breaks the connection off, and with it lets go of what was written and not taken. */
  #cut(error: Error): void {
    if (this.#closed) return;
    this.#client?.close(error);
    this.#ended();
  }

  /** Takes a message that is written piece by piece, and those that come after it. */
  #writeLater(message: Content): void {
    this.#long.push(message);
    // What is in bytes counts for itself.
    if (typeof message === 'string') this.#queued(this.#queuedChars + message.length);
    if (this.#client && this.#long.length === 1) void this.#writeLong(this.#client);
  }

  async #writeLong(client: ReadableStreamDirectController): Promise<void> {
    const isGone = () => this.#closed;
    try {
      for (let message = this.#long[0]; message !== undefined && !this.#closed; message = this.#long[0]) {
        const parts = typeof message === 'string' ? [message] : message;
        await writeInTime(client, eventHead);
        for (const part of parts) await writePart(client, part, isGone, true);
        await writeInTime(client, eventEnd);
        client.flush();
        this.#long.shift();
      }
      if (this.#closing) this.#end();
      else this.#drain();
    } catch (error) {
      this.#cut(error as Error);
    }
  }

  /** So much waits for the client: beyond its bound, and that of all together, a client that does not read is cut off. */
  #queued(chars: number): void {
    this.#queuedChars = chars;
    if (chars <= maxFreeBytes) return;
    this.#holding ??= new Holding();
    if (chars > maxQueuedChars || !this.#holding.tryHold(chars)) this.#cut(new StalledError());
  }

  beat(): void {
    // A client that takes nothing needs no comment more.
    if (this.#client && this.#queuedChars === 0 && this.#long.length === 0)
      this.#write(this.#client, keepAliveComment);
  }

  #opened(client: ReadableStreamDirectController): void {
    // A reader in place of a connection calls for each piece.
    if (this.#client) return;
    this.#client = client;
    // The head goes out with the first piece, so there has to be one.
    const first = this.#early === '' && this.#long.length === 0 ? keepAliveComment : this.#early;
    this.#early = '';
    this.#queuedChars = 0;
    if (this.#write(client, first)) this.#drain();
    if (this.#closed) client.end();
    else if (this.#long.length > 0) void this.#writeLong(client);
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
    this.#queued(this.#queuedChars + text.length);
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

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const message of this.#long) freeAll(message);
    this.#long.length = 0;
    this.#heartbeat.delete(this);
    this.#drain();
    this.#onClosed();
  }
}
