import type { write as fsWrite } from 'node:fs';
import type { Clock } from '../runtime/deadlines.ts';
import { deadlines } from '../runtime/deadlines.ts';

/** Beyond this, whoever brings a message waits until the client has read. */
const maxQueuedChars = 1024 * 1024;
/** Messages are written together up to this length. */
const maxTogetherChars = 64 * 1024;
/** The backoff before writing again to a stream without blocking that was full. */
const retryMs = { first: 1, max: 50 };
const stdout = 1;

/**
 * Writes messages to stdout, one a line, in the order of their arrival. Only one write runs at a time, on the thread pool, so that a
 * client that does not read blocks nothing but those who bring messages. MCP 2025-11-25 and 2026-07-28, Transports, stdio.
 */
export class MessageOutput {
  readonly #write: typeof fsWrite;
  readonly #onBroken: () => void;
  readonly #clock: Clock;
  #queue: string[] = [];
  #queuedChars = 0;
  #chunk = Buffer.alloc(0);
  #written = 0;
  #isWriting = false;
  #isBroken = false;
  #retryMs = retryMs.first;
  #room: PromiseWithResolvers<void> | null = null;
  #idle: PromiseWithResolvers<void> | null = null;

  /**
   * @param write writes like `fs.write`
   * @param onBroken called once when nobody can read the messages any more
   */
  constructor(write: typeof fsWrite, onBroken: () => void, clock = deadlines.clock) {
    this.#write = write;
    this.#onBroken = onBroken;
    this.#clock = clock;
  }

  /** Writes a message. The returned promise settles when there is room for more; undefined: there is. */
  message(json: string): Promise<void> | undefined {
    if (this.#isBroken) return undefined;
    // Line breaks in JSON are white space between tokens, so a space can replace them.
    this.#queue.push(/[\r\n]/.test(json) ? json.replace(/[\r\n]+/g, ' ') : json);
    this.#queuedChars += json.length;
    if (!this.#isWriting) this.#writeNext();
    if (this.#queuedChars <= maxQueuedChars) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** Resolves when everything has been written, or after `timeoutMs`. */
  async flushed(timeoutMs: number): Promise<void> {
    if (!this.#isWriting) return;
    this.#idle ??= Promise.withResolvers();
    const { promise, resolve } = this.#idle;
    const cancel = this.#clock.startTimer(resolve, timeoutMs);
    await promise;
    cancel();
  }

  #writeNext(): void {
    const first = this.#queue[0];
    this.#isWriting = first !== undefined;
    if (first === undefined) {
      this.#idle?.resolve();
      return;
    }
    let text = '';
    let count = 0;
    for (const message of this.#queue) {
      if (count > 0 && text.length + message.length > maxTogetherChars) break;
      text += `${message}\n`;
      count++;
    }
    this.#queue.splice(0, count);
    this.#chunk = Buffer.from(text);
    this.#written = 0;
    this.#queuedChars -= text.length - count;
    if (this.#queuedChars <= maxQueuedChars) {
      this.#room?.resolve();
      this.#room = null;
    }
    this.#writeChunk();
  }

  readonly #writeChunk = () => {
    const { length } = this.#chunk;
    this.#write(stdout, this.#chunk, this.#written, length - this.#written, null, this.#onWritten);
  };

  readonly #onWritten = (error: NodeJS.ErrnoException | null, count: number) => {
    if (error?.code === 'EAGAIN' || error?.code === 'EINTR') {
      this.#clock.startTimer(this.#writeChunk, this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, retryMs.max);
      return;
    }
    if (error) {
      this.#break();
      return;
    }
    this.#retryMs = retryMs.first;
    this.#written += count;
    if (this.#written < this.#chunk.length) {
      this.#writeChunk();
      return;
    }
    this.#writeNext();
  };

  #break(): void {
    this.#isBroken = true;
    this.#isWriting = false;
    this.#queue = [];
    this.#room?.resolve();
    this.#idle?.resolve();
    this.#onBroken();
  }
}
