import { Listed } from '../live-list.ts';
import { sseType } from '../protocol/headers.ts';
import { keepAliveComment } from '../protocol/sse.ts';
import type { Beating, Heartbeat } from './heartbeat.ts';

/** What may wait to be taken by a client before its stream counts as full. */
const highWaterMarkBytes = 64 * 1024;
/** What may wait at most: beyond it a client that does not read loses its stream. */
const maxQueuedBytes = 64 * 1024 * 1024;

const keepAliveBytes = Buffer.from(keepAliveComment);

export const streamHeaders = {
  'content-type': sseType,
  'cache-control': 'no-cache, no-transform',
  // Keeps nginx and its like from collecting the stream.
  'x-accel-buffering': 'no',
};

/** A stream of server-sent events to one client, with back-pressure and keep-alive comments. */
export class EventStream extends Listed implements Beating {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #heartbeat: Heartbeat;
  readonly #onClosed: () => void;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #drained: PromiseWithResolvers<void> | null = null;
  #closed = false;

  /** @param onClosed called once when the stream has ended, from either side */
  constructor(heartbeat: Heartbeat, onClosed: () => void) {
    super();
    this.#heartbeat = heartbeat;
    this.#onClosed = onClosed;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#drain(),
        cancel: () => this.#ended(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: highWaterMarkBytes }),
    );
    heartbeat.add(this);
    // The headers go out with the first piece, so there has to be one.
    this.#controller.enqueue(keepAliveBytes);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Writes text. Where the client does not keep up, the promise settles when it takes more, or is gone. */
  send(text: string): Promise<void> | undefined {
    if (this.#closed) return undefined;
    this.#controller.enqueue(Buffer.from(text));
    const room = this.#controller.desiredSize ?? 0;
    if (room > 0) return undefined;
    if (room < -maxQueuedBytes) {
      this.close();
      return undefined;
    }
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  close(): void {
    if (this.#closed) return;
    this.#controller.close();
    this.#ended();
  }

  beat(): void {
    // A client that takes nothing needs no comment more.
    if ((this.#controller.desiredSize ?? 0) > 0) this.#controller.enqueue(keepAliveBytes);
  }

  #drain(): void {
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
