import type { GatewayError } from '../errors.ts';
import type { Exchange } from '../protocol/exchange.ts';
import { deadlines as processDeadlines } from '../runtime/deadlines.ts';
import { LinkedList, type LinkedNode } from '../runtime/linked-list.ts';
import { type SendBatch, sendBatch } from '../runtime/send-batch.ts';
import { KeepAlive, type KeepAliveMember } from './keep-alive.ts';

/** Only slower replies watch their clients (docs/performance.md#late-signal). */
const watchAfterMs = 50;

/** A call as its reply and its session see it. */
export interface RunningCall extends Exchange, LinkedNode {
  /** The JSON text of the request's id. */
  readonly idText: string;
  cancel(cause?: GatewayError): void;
}

/** The source of a reply's answers: a call, or a batch of calls. */
export interface AnswerSource {
  /** Called once if the client disconnects before the last answer. */
  onReplyGone(): void;
  /** The calls whose answers are missing. */
  readonly runningCalls: readonly RunningCall[];
}

/** A reply that is not done. */
export interface InFlightReply extends KeepAliveMember {
  readonly source: AnswerSource | null;
  /** Called once, when the reply has taken a while. */
  watchClient(): void;
}

/** The replies that are not done. */
export class InFlightReplies {
  readonly #young = new LinkedList<InFlightReply>();
  readonly #watched: KeepAlive<InFlightReply>;
  readonly #batch: SendBatch;
  readonly #deadlines: typeof processDeadlines;
  #isAging = false;
  #onIdle: (() => void) | null = null;

  /**
   * @param watched calls back the replies that take long
   * @param batch counts the requests in flight
   */
  constructor(watched = new KeepAlive<InFlightReply>(), batch = sendBatch, deadlines = processDeadlines) {
    this.#watched = watched;
    this.#batch = batch;
    this.#deadlines = deadlines;
  }

  add(reply: InFlightReply): void {
    this.#batch.requestStarted();
    this.#young.add(reply);
    if (this.#isAging) return;
    this.#isAging = true;
    this.#deadlines.add(watchAfterMs, () => this.#age());
  }

  /** Removes a reply that is done. */
  delete(reply: InFlightReply): void {
    this.#batch.requestEnded();
    this.#young.remove(reply);
    this.#watched.delete(reply);
    if (this.#size === 0) this.#onIdle?.();
  }

  /** Resolves when no reply is in flight, or after `timeoutMs`. */
  async idle(timeoutMs: number): Promise<void> {
    if (this.#size === 0) return;
    const idle = Promise.withResolvers<void>();
    this.#onIdle = idle.resolve;
    const cancel = this.#deadlines.clock.startTimer(idle.resolve, timeoutMs);
    await idle.promise;
    cancel();
  }

  /** Cancels all calls, and returns their number for each server. @param cause the error for their clients */
  cancelAll(serverOf: (exchange: Exchange) => string, cause: GatewayError): Map<string, number> {
    const counts = new Map<string, number>();
    for (const call of [...this.#young, ...this.#watched].flatMap(
      ({ source }) => source?.runningCalls ?? [],
    )) {
      const server = serverOf(call);
      counts.set(server, (counts.get(server) ?? 0) + 1);
      call.cancel(cause);
    }
    return counts;
  }

  get #size(): number {
    return this.#young.size + this.#watched.size;
  }

  #age(): void {
    this.#isAging = false;
    for (const reply of this.#young) {
      this.#young.remove(reply);
      this.#watched.add(reply);
      reply.watchClient();
    }
  }
}
