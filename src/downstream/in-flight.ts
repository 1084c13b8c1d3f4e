import { type Deadline, deadlines } from '../runtime/deadlines.ts';
import { LinkedList } from '../runtime/linked-list.ts';
import { type SendBatch, sendBatch } from '../runtime/send-batch.ts';
import type { Call } from './call.ts';
import { KeepAlive } from './keep-alive.ts';
import type { Reply } from './reply.ts';

/** How long a reply may take before its client is watched: most are over by then. */
const watchAfterMs = 50;

/** The replies that are under way. */
export class InFlightReplies {
  readonly #young = new LinkedList<Reply>();
  readonly #watched: KeepAlive<Reply>;
  readonly #batch: SendBatch;
  #aging: Deadline | null = null;
  #onEmpty: (() => void) | null = null;

  /**
   * @param watched tells those that take long of the time
   * @param batch counts the requests in flight
   */
  constructor(watched = new KeepAlive<Reply>(), batch = sendBatch) {
    this.#watched = watched;
    this.#batch = batch;
  }

  add(reply: Reply): void {
    this.#batch.requestStarted();
    this.#young.add(reply);
    this.#aging ??= deadlines.add(watchAfterMs, () => this.#age());
  }

  /** The reply is done. */
  delete(reply: Reply): void {
    this.#batch.requestEnded();
    this.#young.remove(reply);
    this.#watched.delete(reply);
    if (this.#size === 0) this.#onEmpty?.();
  }

  /** Resolves when no reply is under way, at the latest after `timeoutMs`. */
  async empty(timeoutMs: number): Promise<void> {
    if (this.#size === 0) return;
    const empty = Promise.withResolvers<void>();
    this.#onEmpty = empty.resolve;
    const timer = setTimeout(empty.resolve, timeoutMs);
    await empty.promise;
    clearTimeout(timer);
  }

  /** The calls that they wait for. */
  running(): Call[] {
    return [...this.#young, ...this.#watched].flatMap((reply) => reply.running);
  }

  get #size(): number {
    return this.#young.size + this.#watched.size;
  }

  #age(): void {
    this.#aging = null;
    for (const reply of this.#young) {
      this.#young.remove(reply);
      this.#watched.add(reply);
      reply.watchClient();
    }
  }
}
