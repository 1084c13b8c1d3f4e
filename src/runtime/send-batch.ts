import { throwLater } from './event-loop.ts';

/** A message that is ready to be sent. */
export interface Sendable {
  /** Must not throw. */
  send(): void;
}

/**
 * Sends the messages of one turn of the event loop together, at its end. A message sent alone wakes a peer that has
 * just fallen asleep; the next ones of a batch find it awake, which saves a fifth of a call's CPU time
 * (docs/performance.md#batched-sends). With a single client request in flight, messages are sent at once.
 */
export class SendBatch {
  #batch: Sendable[] = [];
  #requestsInFlight = 0;
  #isScheduled = false;
  readonly #flushBound = () => this.#flush();
  readonly #onError: (error: unknown) => void;

  /** @param onError receives what a `send` throws against its contract; the rest of the batch is still sent */
  constructor(onError = throwLater) {
    this.#onError = onError;
  }

  /** A client's request has arrived. */
  requestStarted(): void {
    this.#requestsInFlight++;
  }

  /** A client's request is answered, except that its response may wait in the batch. */
  requestEnded(): void {
    this.#requestsInFlight--;
  }

  /** Sends `sendable` at the end of this turn, or at once if no other message is likely to join it. */
  add(sendable: Sendable): void {
    if (this.#requestsInFlight < 2 && !this.#isScheduled) {
      sendable.send();
      return;
    }
    this.#batch.push(sendable);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#flushBound);
  }

  #flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    this.#isScheduled = false;
    for (const sendable of batch) {
      try {
        sendable.send();
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}

/** The batch of the process. */
export const sendBatch = new SendBatch();
