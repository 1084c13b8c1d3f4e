import { GatewayError } from '../../errors.ts';
import { ObjectText } from '../../json/object.ts';
import type { Answer } from '../../protocol/exchange.ts';
import type { ModernCall } from './modern-call.ts';
import { stateError } from './request-state.ts';

/** The requests that wait for one call. */
const maxOutlets = 8;

/** The requests of a client that wait for one call: more than one if a retry was repeated. */
export class Outlets {
  /** The request that the call began with, whose progress token its upstream uses; null: the call is over. */
  #first: ModernCall | null;
  #waiting: ModernCall[];

  constructor(first: ModernCall) {
    this.#first = first;
    this.#waiting = [first];
  }

  get size(): number {
    return this.#waiting.length;
  }
  get latest(): ModernCall | undefined {
    return this.#waiting.at(-1);
  }

  /** Adds a request, and gives up the oldest one if there are too many. */
  add(call: ModernCall): void {
    const tooMany = 'was repeated so often that only the latest requests get the answer';
    if (this.#waiting.length === maxOutlets) this.#waiting.shift()?.completeWith(stateError(tooMany));
    this.#waiting.push(call);
  }

  remove(call: ModernCall): void {
    this.#waiting = this.#waiting.filter((one) => one !== call);
  }

  /** Passes a notification on to the latest request, progress with the token of that. */
  notify(method: string, paramsText?: string): Promise<void> | undefined {
    const { latest } = this;
    if (latest === undefined) return undefined;
    if (method !== 'notifications/progress' || latest === this.#first) return latest.send(method, paramsText);
    const progress = withToken(paramsText, latest.meta?.member('progressToken'));
    return progress === null ? undefined : latest.send(method, progress);
  }

  /** Answers all requests, after which none waits. */
  answer(outcome: Answer | GatewayError): void {
    const answered = this.#waiting;
    this.#waiting = [];
    for (const call of answered) answerRequest(call, outcome);
  }

  /** Answers all requests for the last time. What is remembered of the call must not keep their bodies. */
  end(outcome: Answer | GatewayError): void {
    this.#first = null;
    this.answer(outcome);
  }
}

/** Answers one request. */
export function answerRequest(call: ModernCall, outcome: Answer | GatewayError): void {
  if (outcome instanceof GatewayError) call.completeWith(outcome);
  else call.complete(outcome);
}

/** The params of a progress notification with a client's own token; null: it has none. */
function withToken(paramsText: string | undefined, token: string | undefined): string | null {
  if (paramsText === undefined || token === undefined || token === 'null') return null;
  return new ObjectText(paramsText).with({ name: 'progressToken', value: token });
}
