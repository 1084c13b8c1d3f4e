import { EventStream } from '../../downstream/event-stream.ts';
import { KeepAlive } from '../../downstream/keep-alive.ts';

const defaultMax = 64;

/** The open streams of the endpoints below `/-/`: a bounded number. */
export class AdminStreams {
  readonly #keepAlive = new KeepAlive();
  readonly #streams = new Set<EventStream>();
  readonly #max: number;
  #isClosed = false;

  constructor(max = defaultMax) {
    this.#max = max;
  }

  get max(): number {
    return this.#max;
  }

  /** Opens a stream; null: there are too many, or the gateway stops. @param onClosed called when either side has ended it */
  open(onClosed: () => void): EventStream | null {
    if (this.#isClosed || this.#streams.size >= this.#max) return null;
    const stream: EventStream = new EventStream(this.#keepAlive, () => {
      this.#streams.delete(stream);
      onClosed();
    });
    this.#streams.add(stream);
    return stream;
  }

  /** Ends all streams. Their clients may open new ones. */
  disconnect(): void {
    for (const stream of [...this.#streams]) stream.disconnect();
  }

  /** Ends all streams, and opens no more. */
  close(): void {
    this.#isClosed = true;
    this.disconnect();
  }
}
