import { ObjectText } from '../json/object.ts';
import type { Caller } from '../protocol/caller.ts';
import type { Exchange } from '../protocol/exchange.ts';
import type { ResponseMessage } from '../protocol/messages.ts';
import type { Question, QuestionAnswer } from '../protocol/questions.ts';
import type { Signal } from '../runtime/abort.ts';
import type { Completion } from '../runtime/completion.ts';
import type { UpstreamCall } from '../upstream/pending-request.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** A request of the gateway's own, which it sends in order to answer a client's. The client gets the questions that it brings. */
class InnerCall implements UpstreamCall {
  readonly methodText: string;
  readonly params: ObjectText;
  readonly meta = undefined;
  readonly signal: Signal;
  readonly #exchange: Exchange;

  constructor(exchange: Exchange, method: string, paramsText: string, signal: Signal) {
    this.methodText = JSON.stringify(method);
    this.params = new ObjectText(paramsText);
    this.signal = signal;
    this.#exchange = exchange;
  }

  get caller(): Caller {
    return this.#exchange.caller;
  }

  /** The client has not asked for progress of this request. */
  notify(): undefined {
    return undefined;
  }

  ask(question: Question, done: Completion<QuestionAnswer>): void {
    this.#exchange.ask(question, done);
  }
}

/**
 * Sends an upstream a request that changes nothing, on behalf of a client's. Resolves to the response, an error included. Rejects
 * with an `UpstreamFailure`.
 * @param signal by default that of the client's request
 */
export function askUpstream(
  upstream: Upstream,
  exchange: Exchange,
  method: string,
  paramsText: string,
  signal: Signal = exchange.signal,
): Promise<ResponseMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<ResponseMessage>();
  upstream.call(new InnerCall(exchange, method, paramsText, signal), null, true, { resolve, reject });
  return promise;
}
