import { fstatSync, write } from 'node:fs';
import { type Clock, deadlines } from '../runtime/deadlines.ts';
import { nodeTty } from '../runtime/node-modules.ts';

/** Text beyond this is dropped. */
const maxQueuedChars = 1_048_576;
/** POSIX, PIPE_BUF on Linux: chunks of this size are atomic, so that lines of other processes do not split them. */
const maxChunkChars = 4_096;
/** The backoff before writing again to a non-blocking stream that was full. */
const retryMs = { first: 10, max: 250 };
/** How long the end of the program waits for a reader: without progress, and in all. */
const maxFlushMs = { idle: 250, total: 2_000 };

const newline = 0x0a;

/** The streams of the process, by file descriptor. */
type OutputStream = 1 | 2;

/**
 * Makes the line that reports dropped lines.
 * @param count the number of dropped lines
 * @param cause the error code of the stream; null if the queue was full
 */
export type LossReport = (count: number, cause: string | null) => string;

interface QueuedWrite {
  readonly stream: OutputStream;
  readonly text: string;
}

/**
 * A queue of the output to stdout and stderr, in order. Printing never waits, whatever the streams are: an unread pipe, a
 * socket, a paused terminal, a file on a full disk.
 *
 * One write runs at a time, on the thread pool: a blocked stream holds one thread, and on one CPU the pool has two. This needs
 * no O_NONBLOCK, which would also apply to the parent process, and works on every system with threads.
 */
export class OutputQueue {
  readonly #write: typeof write;
  readonly #clock: Clock;
  readonly #queue: QueuedWrite[] = [];
  #queuedChars = 0;
  /** The chunk that is being written, and how much of it has been. */
  #stream: OutputStream = 2;
  #chunk = Buffer.alloc(0);
  #chunkLines = 0;
  #written = 0;
  #isWriting = false;
  /** Whether the last line of the stream is incomplete, so that the next text must begin a new one. */
  readonly #isTorn = { 1: false, 2: false };
  #retryMs = retryMs.first;
  /** The queue was full: all text is dropped until half of it has been written. */
  #isFull = false;
  #droppedLines = 0;
  #cause: string | null = null;
  #report: LossReport | null = null;
  #chunksWritten = 0;
  #onIdle: (() => void) | null = null;

  /** @param writeFile writes like `fs.write` */
  constructor(writeFile: typeof write = write, clock = deadlines.clock) {
    this.#write = writeFile;
    this.#clock = clock;
  }

  /**
   * Prints whole lines. Never throws and never waits; if the stream does not take them, they are dropped, and `report` makes a
   * line about that once the stream takes text again.
   */
  print(stream: OutputStream, text: string, report: LossReport | null = null): void {
    // A text longer than the limit is accepted if the queue is empty.
    if (this.#queuedChars > 0 && this.#queuedChars + text.length > maxQueuedChars) this.#isFull = true;
    if (this.#isFull) {
      this.#droppedLines++;
      this.#report = report ?? this.#report;
      return;
    }
    this.#report = report ?? this.#report;
    this.#add(stream, text);
    if (!this.#isWriting) this.#writeNext();
  }

  /** Resolves when everything has been written, after 250 ms without progress, or after 2 s. */
  async flushed(): Promise<void> {
    const endMs = this.#clock.nowMs() + maxFlushMs.total;
    while (this.#isWriting && this.#clock.nowMs() < endMs) {
      const written = this.#chunksWritten;
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.startTimer(resolve, maxFlushMs.idle);
        this.#onIdle = () => {
          cancel();
          resolve();
        };
      });
      if (this.#chunksWritten === written) return;
    }
  }

  #add(stream: OutputStream, text: string): void {
    this.#queue.push({ stream, text });
    this.#queuedChars += text.length;
  }

  /** Writes the next chunk: as many lines for one stream as fit. */
  #writeNext(): void {
    let entry = this.#queue[0];
    this.#isWriting = entry !== undefined;
    if (entry === undefined) {
      this.#onIdle?.();
      return;
    }
    const { stream } = entry;
    let text = this.#isTorn[stream] ? '\n' : '';
    this.#chunkLines = 0;
    do {
      text += entry.text;
      this.#queuedChars -= entry.text.length;
      this.#chunkLines++;
      entry = this.#queue[this.#chunkLines];
    } while (entry?.stream === stream && text.length + entry.text.length <= maxChunkChars);
    this.#queue.splice(0, this.#chunkLines);
    this.#stream = stream;
    this.#chunk = Buffer.from(text);
    this.#written = 0;
    this.#writeChunk();
  }

  readonly #writeChunk = () => {
    this.#write(
      this.#stream,
      this.#chunk,
      this.#written,
      this.#chunk.length - this.#written,
      null,
      this.#onWritten,
    );
  };

  readonly #onWritten = (error: NodeJS.ErrnoException | null, count: number) => {
    if (error?.code === 'EAGAIN' || error?.code === 'EINTR') {
      this.#clock.startTimer(this.#writeChunk, this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, retryMs.max);
      return;
    }
    if (error) {
      // EPIPE, ENOSPC, EIO: the stream may take later text.
      this.#droppedLines += this.#chunkLines;
      this.#cause = error.code ?? error.message;
      if (this.#written > 0) this.#isTorn[this.#stream] = this.#chunk[this.#written - 1] !== newline;
    } else {
      this.#retryMs = retryMs.first;
      this.#written += count;
      if (this.#written < this.#chunk.length) {
        this.#writeChunk();
        return;
      }
      this.#isTorn[this.#stream] = false;
      this.#chunksWritten++;
      this.#reportLoss();
    }
    this.#writeNext();
  };

  /** Queues a report of dropped lines once the stream has taken half of the queue. */
  #reportLoss(): void {
    if (this.#droppedLines === 0 || this.#queuedChars > maxQueuedChars / 2) return;
    const text = this.#report?.(this.#droppedLines, this.#cause);
    this.#isFull = false;
    this.#droppedLines = 0;
    this.#cause = null;
    if (text !== undefined) this.#add(2, text);
  }
}

/** The output of this process. */
export const output = new OutputQueue();

/** Whether stderr is a terminal. Never throws. */
export function stderrIsTerminal(): boolean {
  try {
    if (!fstatSync(2).isCharacterDevice()) return false;
  } catch {
    // It is closed, or has no status.
  }
  return nodeTty().isatty(2);
}
