import type { Signal } from '../runtime/abort.ts';
import { Holding } from '../runtime/byte-budget.ts';
import { type Sendable, sendBatch } from '../runtime/send-batch.ts';

/** Written together at most, unless a single text is longer. */
const maxTogetherBytes = 64 * 1024;
/** What may wait for a process that does not read: more is refused. A single text may be longer. */
const maxQueuedBytes = 16 * 1024 * 1024;

/** What became of a text. One of the methods is called, once. */
interface InputEvents {
  /** The process has been given the text, or a part of it. */
  onWritten(): void;
  /** The text was not written, and nothing of it will be. */
  onUnwritten(reason: 'full' | 'closed' | 'aborted'): void;
}

/** The stdin of a process: the part of Bun's `FileSink` that is used. */
interface InputSink {
  write(data: string): number | Promise<number>;
  flush(): number | Promise<number> | undefined;
  end(): unknown;
}

class QueuedText {
  readonly text: string;
  readonly bytes: number;
  readonly events: InputEvents;
  readonly signal: Signal;
  readonly #input: { drop(text: QueuedText): void };

  constructor(text: string, events: InputEvents, signal: Signal, input: { drop(text: QueuedText): void }) {
    this.text = text;
    this.bytes = Buffer.byteLength(text);
    this.events = events;
    this.signal = signal;
    this.#input = input;
    signal.addEventListener('abort', this);
  }

  /** Nobody waits for it any more. */
  handleEvent(): void {
    this.#input.drop(this);
  }

  /** It leaves the queue. */
  end(): void {
    this.signal.removeEventListener('abort', this);
  }
}

/**
 * Writes texts to the stdin of a process, in order. What one turn of the event loop sends is written together
 * (docs/performance.md#batched-sends). While the process does not read, texts wait in a queue, whose bytes are bounded; the caller's
 * signal bounds the wait. A text that was begun cannot be withdrawn: the rest of it follows.
 */
export class ProcessInput implements Sendable {
  readonly #sink: InputSink;
  readonly #onBroken: () => void;
  readonly #holding = new Holding();
  #queue: QueuedText[] = [];
  #queuedBytes = 0;
  #isScheduled = false;
  /** Whether the sink has not yet passed on what it was given. */
  #isBlocked = false;
  #isClosed = false;

  /** @param onBroken called once if the process has closed its stdin */
  constructor(sink: InputSink, onBroken: () => void) {
    this.#sink = sink;
    this.#onBroken = onBroken;
  }

  /** Writes a text, unless `signal` is aborted before its turn. */
  write(text: string, events: InputEvents, signal: Signal): void {
    if (this.#isClosed || signal.aborted) {
      events.onUnwritten(this.#isClosed ? 'closed' : 'aborted');
      return;
    }
    const queued = new QueuedText(text, events, signal, this);
    if (this.#queuedBytes > 0 && this.#queuedBytes + queued.bytes > maxQueuedBytes) {
      queued.end();
      events.onUnwritten('full');
      return;
    }
    this.#queue.push(queued);
    this.#count(queued.bytes);
    if (this.#isScheduled || this.#isBlocked) return;
    this.#isScheduled = true;
    sendBatch.add(this);
  }

  /** Called by the batch. */
  send(): void {
    this.#isScheduled = false;
    this.#writeQueued();
  }

  /** Ends the stdin of the process. What waits is not written. */
  end(): void {
    if (this.#isClosed) return;
    this.#close();
    try {
      const ended = this.#sink.end();
      if (ended instanceof Promise) ended.catch(() => {});
    } catch {
      // It is closed already.
    }
  }

  /** The caller of a text that waits has gone. */
  drop(text: QueuedText): void {
    const at = this.#queue.indexOf(text);
    if (at < 0) return;
    this.#queue.splice(at, 1);
    this.#count(-text.bytes);
    text.events.onUnwritten('aborted');
  }

  #writeQueued(): void {
    while (this.#queue.length > 0 && !this.#isBlocked && !this.#isClosed) {
      const texts = this.#takeNext();
      const text =
        texts.length === 1 ? (texts[0] as QueuedText).text : texts.map((each) => each.text).join('');
      let written: number | Promise<number> | undefined;
      try {
        const accepted = this.#sink.write(text);
        if (accepted instanceof Promise) accepted.catch(() => {});
        written = this.#sink.flush();
      } catch {
        // The process may have read a part of it.
        for (const each of texts) each.events.onWritten();
        this.#break();
        return;
      }
      const bytes = texts.reduce((sum, each) => sum + each.bytes, 0);
      for (const each of texts) each.events.onWritten();
      if (written instanceof Promise) void this.#waitFor(written, bytes);
      else this.#count(-bytes);
    }
  }

  /** The texts to write together, which leave the queue. */
  #takeNext(): QueuedText[] {
    let count = 0;
    let bytes = 0;
    for (const text of this.#queue) {
      if (count > 0 && bytes + text.bytes > maxTogetherBytes) break;
      bytes += text.bytes;
      count++;
    }
    const texts = this.#queue.splice(0, count);
    for (const text of texts) text.end();
    return texts;
  }

  async #waitFor(written: Promise<number>, bytes: number): Promise<void> {
    this.#isBlocked = true;
    try {
      await written;
    } catch {
      this.#break();
      return;
    } finally {
      this.#isBlocked = false;
      this.#count(-bytes);
    }
    this.#writeQueued();
  }

  #count(bytes: number): void {
    this.#queuedBytes += bytes;
    this.#holding.force(this.#queuedBytes);
  }

  #break(): void {
    if (this.#isClosed) return;
    this.#close();
    this.#onBroken();
  }

  #close(): void {
    this.#isClosed = true;
    const queue = this.#queue;
    this.#queue = [];
    for (const text of queue) {
      this.#count(-text.bytes);
      text.end();
      text.events.onUnwritten('closed');
    }
  }
}
