import { fstatSync, write } from 'node:fs';
import { nodeTty } from '../runtime/node-modules.ts';

/** As much text waits for a reader; what comes beyond is dropped. */
const maxQueuedChars = 1_048_576;
/** POSIX, PIPE_BUF on Linux: a piece of this size is written as a whole, not between the lines of another process. */
const maxPieceChars = 4_096;
/** How soon a non-blocking stream that was full is tried again: the first time, and at the latest. */
const retryMs = { first: 10, last: 250 };
/** How long the end of the program waits for a reader that takes nothing, and for one that takes little. */
const maxFlushMs = { idle: 250, total: 2_000 };

const newline = 0x0a;

/** The streams of the process, by file descriptor. */
type OutputStream = 1 | 2;

/**
 * Makes the line that tells of lost lines.
 * @param count how many lines were lost
 * @param cause the error code for which they were refused; null where they were too many for a reader that did not read
 */
export type LossReport = (count: number, cause: string | null) => string;

interface Entry {
  readonly stream: OutputStream;
  readonly text: string;
  next: Entry | null;
}

/**
 * What the process prints, in order, to stdout and stderr. Whoever prints never waits, whatever the streams are: a pipe
 * that nobody reads, a socket, a terminal that is paused, a file on a full disk.
 *
 * One write runs at a time, on the thread pool: a stream that blocks holds one thread, and on one CPU the pool has two.
 * It needs no O_NONBLOCK, which would be set for the parent, too, and holds wherever there are threads: on Linux, macOS, Windows.
 */
export class OutputQueue {
  readonly #write: typeof write;
  #first: Entry | null = null;
  #last: Entry | null = null;
  #queuedChars = 0;
  /** The piece that is being written, and how much of it was. */
  #stream: OutputStream = 2;
  #piece = Buffer.alloc(0);
  #pieceLines = 0;
  #written = 0;
  #isWriting = false;
  /** A line broke off: the next one has to begin a new one. */
  readonly #torn = { 1: false, 2: false };
  #retryMs = retryMs.first;
  /** The queue was full, and what comes is dropped until half of it was taken. */
  #isFull = false;
  #lost = 0;
  #cause: string | null = null;
  #report: LossReport | null = null;
  #piecesTaken = 0;
  #onIdle: (() => void) | null = null;

  /** @param writeFile writes to a file as `fs.write` does */
  constructor(writeFile: typeof write = write) {
    this.#write = writeFile;
  }

  /**
   * Prints whole lines, after all that was printed before. Never throws and never waits; where the stream does not take
   * them they are lost, and `report` is asked for a line that says so, once it takes text again.
   */
  print(stream: OutputStream, text: string, report: LossReport | null = null): void {
    // What is longer than the queue is let in where nothing waits.
    if (this.#queuedChars > 0 && this.#queuedChars + text.length > maxQueuedChars) this.#isFull = true;
    if (this.#isFull) {
      this.#lost++;
      this.#report = report ?? this.#report;
      return;
    }
    this.#report = report ?? this.#report;
    this.#add(stream, text);
    if (!this.#isWriting) this.#writeNext();
  }

  /** Resolves when all was written; before that when nothing is taken for 250 ms, and after 2 s. */
  async flushed(): Promise<void> {
    const endMs = performance.now() + maxFlushMs.total;
    while (this.#isWriting && performance.now() < endMs) {
      const taken = this.#piecesTaken;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, maxFlushMs.idle);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (this.#piecesTaken === taken) return;
    }
  }

  #add(stream: OutputStream, text: string): void {
    const entry = { stream, text, next: null };
    if (this.#last) this.#last.next = entry;
    else this.#first = entry;
    this.#last = entry;
    this.#queuedChars += text.length;
  }

  /** Begins the next piece: as many lines for one stream as fit into it. */
  #writeNext(): void {
    let entry = this.#first;
    this.#isWriting = entry !== null;
    if (entry === null) {
      this.#onIdle?.();
      return;
    }
    const { stream } = entry;
    let text = this.#torn[stream] ? '\n' : '';
    this.#pieceLines = 0;
    do {
      text += entry.text;
      this.#queuedChars -= entry.text.length;
      this.#pieceLines++;
      entry = entry.next;
    } while (entry?.stream === stream && text.length + entry.text.length <= maxPieceChars);
    this.#first = entry;
    if (entry === null) this.#last = null;
    this.#stream = stream;
    this.#piece = Buffer.from(text);
    this.#written = 0;
    this.#writePiece();
  }

  readonly #writePiece = () => {
    this.#write(
      this.#stream,
      this.#piece,
      this.#written,
      this.#piece.length - this.#written,
      null,
      this.#onWritten,
    );
  };

  readonly #onWritten = (error: NodeJS.ErrnoException | null, count: number) => {
    if (error?.code === 'EAGAIN' || error?.code === 'EINTR') {
      setTimeout(this.#writePiece, this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, retryMs.last);
      return;
    }
    if (error) {
      // EPIPE, ENOSPC, EIO: what comes later may be taken again.
      this.#lost += this.#pieceLines;
      this.#cause = error.code ?? error.message;
      if (this.#written > 0) this.#torn[this.#stream] = this.#piece[this.#written - 1] !== newline;
    } else {
      this.#retryMs = retryMs.first;
      this.#written += count;
      if (this.#written < this.#piece.length) {
        this.#writePiece();
        return;
      }
      this.#torn[this.#stream] = false;
      this.#piecesTaken++;
      this.#tellLoss();
    }
    this.#writeNext();
  };

  /** The stream takes text: whatever was lost is told after what still waits, once enough of that was taken. */
  #tellLoss(): void {
    if (this.#lost === 0 || this.#queuedChars > maxQueuedChars / 2) return;
    const text = this.#report?.(this.#lost, this.#cause);
    this.#isFull = false;
    this.#lost = 0;
    this.#cause = null;
    if (text !== undefined) this.#add(2, text);
  }
}

/** What this process prints. */
export const output = new OutputQueue();

/** Whether stderr is a terminal. Never throws. */
export function stderrIsTerminal(): boolean {
  try {
    if (!fstatSync(2).isCharacterDevice()) return false;
  } catch {
    // It is closed, or of a kind that has no status.
  }
  return nodeTty().isatty(2);
}
