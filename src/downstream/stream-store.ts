import { type Clock, deadlines } from '../runtime/deadlines.ts';
import { nextTurn } from '../runtime/event-loop.ts';
import { LinkedList, LinkedNode } from '../runtime/linked-list.ts';

/** How long a stream waits for its client to come back. */
const resumeTimeoutMs = 60_000;
/** The events kept for all clients, for one session, and for one stream. A character counts as two bytes. */
const maxBytesInAll = 64 * 1024 * 1024;
/** Notifications leave the rest to answers and questions: those to many idle clients alone would fill all of it. */
const maxNotificationBytes = maxBytesInAll / 2;
const maxSessionBytes = 20 * 1024 * 1024;
export const maxStreamBytes = 10 * 1024 * 1024;
/** The ended streams of one session whose events are kept. */
const maxEndedOfSession = 100;
/** The streams that expire in one turn of the event loop. */
const maxExpiredPerTurn = 64;

/** A stream with events that its client may ask for again. */
export abstract class StoredStream extends LinkedNode {
  /** Only the store sets it. */
  untilMs = 0;
  /** Whether everything has been sent, or waits to be sent. */
  abstract readonly isEnded: boolean;
  /** Forgets the events; the stream cannot be resumed any more. */
  abstract drop(): void;
  /** The client has not come back in time. */
  abstract expire(): void;
}

/** The streams of all sessions that wait for their clients, and the bytes of all events that are kept. */
export class StreamStore {
  readonly clock: Clock;
  /** The bytes of all kept events. */
  bytes = 0;
  /** The streams that go on without a client, the longest waiting first. */
  readonly #lost = new LinkedList<StoredStream>();
  /** The ended streams, the longest waiting first. */
  readonly #ended = new LinkedList<StoredStream>();
  #isScheduled = false;

  constructor(clock = deadlines.clock) {
    this.clock = clock;
  }

  /** Gives the client of a stream, which is in no list, time to come back. */
  wait(stream: StoredStream): void {
    stream.untilMs = this.clock.nowMs() + resumeTimeoutMs;
    (stream.isEnded ? this.#ended : this.#lost).add(stream);
    this.#schedule(resumeTimeoutMs);
  }

  /** Whether there is room for more bytes; ended streams make some, but not for notifications. */
  hasRoom(bytes: number, isNotification: boolean): boolean {
    if (isNotification) return this.bytes + bytes <= maxNotificationBytes;
    while (this.bytes + bytes > maxBytesInAll) {
      const { first } = this.#ended;
      if (first === null) return false;
      first.drop();
    }
    return true;
  }

  #schedule(afterMs: number): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.clock.startTimer(() => void this.#sweep(), afterMs);
  }

  async #sweep(): Promise<void> {
    const nowMs = this.clock.nowMs();
    let expired = 0;
    for (const list of [this.#lost, this.#ended])
      for (let { first } = list; first !== null && first.untilMs <= nowMs; { first } = list) {
        first.unlink();
        first.expire();
        expired++;
        if (expired % maxExpiredPerTurn === 0) await nextTurn();
      }
    this.#isScheduled = false;
    const next = Math.min(...[this.#lost, this.#ended].map(({ first }) => first?.untilMs ?? Infinity));
    if (next < Infinity) this.#schedule(next - this.clock.nowMs());
  }
}

/** One session's part of the store. */
export class StoreShare {
  readonly store: StreamStore;
  /** All streams that can be resumed, in the order of their opening. */
  readonly streams: StoredStream[] = [];
  #bytes = 0;
  /** How many of the streams have ended. */
  #ended = 0;

  constructor(store: StreamStore) {
    this.store = store;
  }

  /** Holds more bytes, in place of ended streams if necessary. Returns whether there is room: less for notifications. */
  tryHold(bytes: number, isNotification = false): boolean {
    while (this.#bytes + bytes > maxSessionBytes) if (!this.#dropEnded()) return false;
    if (!this.store.hasRoom(bytes, isNotification)) return false;
    this.force(bytes);
    return true;
  }

  /** Holds more bytes even without room. */
  force(bytes: number): void {
    this.#bytes += bytes;
    this.store.bytes += bytes;
  }

  release(bytes: number): void {
    this.force(-bytes);
  }

  /** Gives the client of a stream, which is in no list, time to come back. */
  wait(stream: StoredStream): void {
    this.store.wait(stream);
  }

  /** A stream that can be resumed has ended. */
  ended(): void {
    this.#ended++;
    if (this.#ended > maxEndedOfSession) this.#dropEnded();
  }

  /** Removes a stream; does nothing if it is not there. */
  remove(stream: StoredStream): void {
    const at = this.streams.indexOf(stream);
    if (at < 0) return;
    this.streams.splice(at, 1);
    if (stream.isEnded) this.#ended--;
  }

  #dropEnded(): boolean {
    const oldest = this.streams.find(({ isEnded }) => isEnded);
    oldest?.drop();
    return oldest !== undefined;
  }
}
