import type { KeepAlive } from './keep-alive.ts';
import { ResumableStream, type StreamListener } from './resumable-stream.ts';
import { StoreShare, type StreamStore } from './stream-store.ts';

/** The first letters of names: of streams that answer a POST, and of those that a GET opens. */
type StreamKind = 'p' | 'g';

/** The id of an event: the kind and number of its stream, and its serial number in it. */
const eventId = /^([pg])([0-9]{1,15})-([0-9]{1,15})$/;

/** The event from which a client wants to go on. */
interface ResumePoint {
  readonly kind: StreamKind;
  /** Undefined if the stream is not known any more, or has had no such event. */
  readonly stream: ResumableStream | undefined;
  readonly serial: number;
}

/** The streams of a session that can be resumed. */
export class SessionStreams {
  readonly #share: StoreShare;
  readonly #isPrimed: boolean;
  #lastNumber: number;

  /**
   * @param isPrimed whether each stream begins with an event without a message
   * @param lastNumber the number before that of the first stream
   */
  constructor(store: StreamStore, isPrimed: boolean, lastNumber: number) {
    this.#share = new StoreShare(store);
    this.#isPrimed = isPrimed;
    this.#lastNumber = lastNumber;
  }

  /** Opens a stream with a connection. */
  open(kind: StreamKind, keepAlive: KeepAlive, owner: StreamListener): ResumableStream {
    const stream = this.#newStream(kind, owner);
    stream.begin(keepAlive, this.#isPrimed);
    return stream;
  }

  /** Opens a stream whose client is gone already. */
  openLost(owner: StreamListener): ResumableStream {
    const stream = this.#newStream('p', owner);
    stream.beginLost();
    return stream;
  }

  /** The stream and the event with this id, or null if it is none of ours. */
  find(id: string): ResumePoint | null {
    const match = eventId.exec(id);
    if (match === null) return null;
    const [, kind, number, serial] = match as unknown as [string, StreamKind, string, string];
    const name = kind + number;
    const named = this.#share.streams.find((one) => (one as ResumableStream).name === name);
    const stream = named as ResumableStream | undefined;
    // Going on from an event that never was would skip those that the client has not got.
    const isKnown = stream?.hasHad(Number(serial)) === true;
    return { kind, stream: isKnown ? stream : undefined, serial: Number(serial) };
  }

  /** Forgets all events. */
  close(): void {
    for (const stream of [...this.#share.streams]) stream.drop();
  }

  #newStream(kind: StreamKind, owner: StreamListener): ResumableStream {
    this.#lastNumber++;
    return new ResumableStream(`${kind}${this.#lastNumber}`, this.#share, owner);
  }
}
