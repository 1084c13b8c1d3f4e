import { ObjectText } from '../json/object.ts';
import type { TraceSpan } from '../observability/tracing.ts';
import type { Caller } from '../protocol/caller.ts';
import type { CacheHints, Exchange } from '../protocol/exchange.ts';
import type { ResponseMessage, RpcError } from '../protocol/messages.ts';
import type { Question, QuestionAnswer } from '../protocol/questions.ts';
import type { Signal } from '../runtime/abort.ts';
import type { Completion } from '../runtime/completion.ts';
import { freePayload, textOf } from '../runtime/owned-bytes.ts';
import type { UpstreamCall } from '../upstream/pending-request.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** The client on whose behalf the gateway asks, which gets the questions that this brings. */
export type InnerAsker = Pick<Exchange, 'caller' | 'ask' | 'trace'>;

/** A request of the gateway's own, which it sends in order to answer a client's. */
class InnerCall implements UpstreamCall {
  readonly methodText: string;
  readonly params: ObjectText;
  readonly meta = undefined;
  readonly signal: Signal;
  readonly #asker: InnerAsker;

  constructor(asker: InnerAsker, method: string, paramsText: string, signal: Signal) {
    this.methodText = JSON.stringify(method);
    this.params = new ObjectText(paramsText);
    this.signal = signal;
    this.#asker = asker;
  }

  get caller(): Caller {
    return this.#asker.caller;
  }

  get trace(): TraceSpan | undefined {
    return this.#asker.trace;
  }

  /** The client has not asked for progress of this request. */
  notify(): undefined {
    return undefined;
  }

  ask(question: Question, done: Completion<QuestionAnswer>): void {
    this.#asker.ask(question, done);
  }
}

/** What an upstream has answered. */
export interface InnerAnswer {
  /** The error; then the result is the error object. */
  readonly error: RpcError | undefined;
  readonly result: ObjectText;
  readonly cache: CacheHints | undefined;
}

/**
 * Sends an upstream a request that changes nothing, on behalf of a client. Resolves to the answer, an error included. Rejects with
 * an `UpstreamFailure`.
 */
export async function askUpstream(
  upstream: Upstream,
  asker: InnerAsker,
  method: string,
  paramsText: string,
  signal: Signal,
): Promise<InnerAnswer> {
  const answer = Promise.withResolvers<ResponseMessage>();
  upstream.call(new InnerCall(asker, method, paramsText, signal), null, true, answer);
  const { error, payload, cache } = await answer.promise;
  const result = new ObjectText(textOf(payload));
  freePayload(payload);
  return { error, result, cache };
}
