import { CallFailure, type CallFailureReason, cancelledText, GatewayError } from '../../errors.ts';
import type { QuestionResult } from '../../observability/downstream-metrics.ts';
import type { Logger } from '../../observability/log.ts';
import { missingCapability } from '../../protocol/client-capabilities.ts';
import type { Answer, Exchange } from '../../protocol/exchange.ts';
import {
  type Question,
  type QuestionAnswer,
  type QuestionMethod,
  refusedQuestion,
} from '../../protocol/questions.ts';
import type { Completion } from '../../runtime/completion.ts';
import type { Deadline, Deadlines } from '../../runtime/deadlines.ts';
import { LinkedNode } from '../../runtime/linked-list.ts';
import { freePayload, textOf } from '../../runtime/owned-bytes.ts';
import { copyOf } from '../../runtime/recent-values.ts';
import { toGatewayError } from '../error-answers.ts';
import { type AskingPace, itemOf } from './asking-pace.ts';
import { Gathering } from './gathering.ts';
import { inputRequiredAnswer, lackingCapability } from './input-required.ts';
import type { InputResponses } from './input-responses.ts';
import type { CallContinuation, ModernCall } from './modern-call.ts';
import { OpenInputs } from './open-inputs.ts';
import { answerRequest, Outlets } from './outlets.ts';
import { type RequestState, stateError } from './request-state.ts';

/** How long a call waits for its client's answers. MCP sets no limit. */
const parkedTimeoutMs = 600_000;
/** How long a resumed call goes on whose client has disconnected: its retry may be repeated. */
const lingerMs = 15_000;
/** Longer params of a question are refused. */
const maxQuestionChars = 4 * 1024 * 1024;
/** Longer errors of an upstream are not read. */
const maxQuotingLength = 64 * 1024;
/** Longer answers are not kept for a repeated retry. */
const maxKeptLength = 1024 * 1024;

/** What continued calls share. */
export interface ContinuationOwner {
  readonly deadlines: Deadlines;
  readonly logger: Logger;
  readonly pace: AskingPace;
  serverOf(exchange: Exchange): string;
  /** Makes a state. Throws a {@link GatewayError} if it would be the state of one round too many. */
  stateOf(exchange: Exchange, round: number, next: RequestState['next']): string;
  /** Turns an upstream's answer into the client's: some ask for a retry. Throws a {@link GatewayError}. */
  sealed(exchange: Exchange, answer: Answer, round: number): Answer;
  /** Holds more bytes, or fewer. Returns whether there was room; there always is for fewer. */
  tryHold(bytes: number): boolean;
  count(method: QuestionMethod, result: QuestionResult): void;
  /** Called when the call starts or ends to wait for its client. */
  parkedChanged(by: 1 | -1): void;
  /** Called once, when the call has its answer. @param isClaimed whether a request of the client gets it now */
  onEnded(call: ContinuedCall, outcome: Answer | GatewayError, isClaimed: boolean): void;
}

/** A time at which the client was asked. */
interface AskedRound {
  /** The keys of its questions; null: they are the upstream's. */
  readonly keys: readonly string[] | null;
  /** Of the answers; null: there are none so far. */
  digest: string | null;
}

/**
 * A call that goes on over several requests of its client: while its upstream waits for the client's answers, no request of the
 * client is open. Later requests with the same answers get the same answer. MCP 2026-07-28, Multi Round-Trip Requests.
 */
export class ContinuedCall extends LinkedNode implements CallContinuation {
  readonly key: string;
  readonly principal: string;
  readonly server: string;
  /** Whether its state at its start was the upstream's, which goes on without this process. */
  readonly isStateless: boolean;
  readonly #owner: ContinuationOwner;
  /** What the call is for. */
  readonly #item: string;
  /** Null once it has its answer. */
  #exchange: ModernCall | null;
  /** The requests of the client that wait. */
  readonly #outlets: Outlets;
  readonly #rounds = new Map<number, AskedRound>();
  #lastRound: number;
  readonly #inputs: OpenInputs;
  #deadline: Deadline | null = null;
  #isParked = false;
  readonly #gathering: Gathering;
  #answer: Answer | GatewayError | null = null;
  /** The capability for lack of which a question was refused last, and the words of the refusal. */
  #refusal: { readonly missing: string; readonly why: string } | null = null;
  #heldBytes: number;
  /** When it ended, by the owner's clock. */
  endedMs = 0;

  /**
   * @param key identifies it in states
   * @param exchange the request of the client that the upstream works on
   * @param answered the round that the request answers, with the digest of its answers; null: it is no retry
   * @param heldBytes what it holds of the owner's bytes
   */
  constructor(
    owner: ContinuationOwner,
    key: string,
    exchange: ModernCall,
    answered: { readonly round: number; readonly digest: string } | null,
    heldBytes: number,
  ) {
    super();
    this.#owner = owner;
    this.key = key;
    this.principal = exchange.caller.principal;
    this.isStateless = answered !== null;
    // A slice of the request would keep all of it, also once the call is over.
    this.server = copyOf(owner.serverOf(exchange));
    this.#item = itemOf(exchange, this.server);
    this.#exchange = exchange;
    this.#outlets = new Outlets(exchange);
    this.#heldBytes = heldBytes;
    this.#lastRound = answered?.round ?? 0;
    if (answered) this.#rounds.set(answered.round, { keys: null, digest: answered.digest });
    this.#inputs = new OpenInputs((method, result) => owner.count(method, result));
    this.#gathering = new Gathering(owner.deadlines.clock, () => this.#askClient());
    exchange.continuation = this;
  }

  /** Whether the client has been asked, so that it may come back. */
  get wasAsked(): boolean {
    return this.#lastRound > 0;
  }

  notify(method: string, paramsText?: string): Promise<void> | undefined {
    return this.#outlets.notify(method, paramsText);
  }

  /** Asks the client, together with what else the upstream asks within a moment. */
  ask(question: Question, done: Completion<QuestionAnswer>): void {
    const { method, paramsText } = question;
    const exchange = this.#outlets.latest ?? this.#exchange;
    const missing = exchange && missingCapability(exchange.caller.capabilities, method, paramsText);
    if (exchange === null || this.#exchange === null) this.#refuse(method, 'the call is over', done);
    else if (missing !== null) this.#refuse(method, this.#lacking(missing), done);
    else if (this.#inputs.isFull) this.#refuse(method, 'too many of its requests are open', done);
    else if (paramsText.length > maxQuestionChars || !this.#hold(paramsText.length))
      this.#refuse(method, 'it is too long, or too many are open', done);
    else {
      if (!this.#inputs.isEmpty) this.#owner.pace.askedTogether(this.#item);
      this.#inputs.add(question, done);
      this.#gather();
    }
  }

  /** Ends the call: its upstream has answered. */
  answer(answer: Answer): void {
    const exchange = this.#exchange;
    if (exchange === null) {
      freePayload(answer.payload);
      return;
    }
    if (this.#refusal !== null && quotes(answer, this.#refusal.why)) {
      freePayload(answer.payload);
      this.#end(lackingCapability(this.#refusal.missing));
      return;
    }
    let outcome: Answer;
    const request = this.#outlets.latest ?? exchange;
    try {
      // The answer to a retry must not be cached. MCP 2026-07-28, Caching.
      outcome = withoutCache(this.#owner.sealed(request, answer, this.#lastRound + 1));
    } catch (error) {
      exchange.fail(error);
      return;
    }
    this.#end(outcome);
  }

  /** Ends the call: its upstream, or the gateway, has failed. */
  fail(error: GatewayError): void {
    if (this.#exchange !== null) this.#end(error);
  }

  /** Takes a retry. Throws `invalid_params` if its answers are malformed or others than before. */
  resume(call: ModernCall, round: number, responses: InputResponses): void {
    const asked = this.#rounds.get(round);
    if (asked === undefined) throw stateError('is of a round that the call has not reached');
    const digest = responses.digest(asked.keys);
    if (asked.digest !== null && asked.digest !== digest)
      throw stateError(
        'was answered before, with other inputResponses; repeat those, or make the request anew',
      );
    if (asked.digest === null && this.#exchange !== null) {
      const answers = this.#inputs.answersIn(responses);
      if (answers.length > 0 || this.#inputs.isEmpty) asked.digest = digest;
      this.#attach(call);
      for (const { input, response } of answers) this.#inputs.resolve(input, response, responses);
    } else this.#attach(call);
    if (!this.#inputs.isEmpty) this.#gather();
  }

  onGone(call: ModernCall): void {
    this.#outlets.remove(call);
    if (this.#outlets.size > 0 || this.#exchange === null) return;
    if (this.#lastRound === 0) this.cancel();
    else this.#wait(lingerMs, 'its client has disconnected, and has not come back');
  }

  cancel(cause?: GatewayError): void {
    this.#abandon('cancelled', cancelledText(cause));
  }

  /** Forgets the answer. */
  forgetAnswer(): void {
    this.#answer = null;
    this.#release();
  }

  #refuse(method: QuestionMethod, why: string, done: Completion<QuestionAnswer>): void {
    this.#owner.count(method, 'refused');
    done.resolve(refusedQuestion(method, why));
  }

  #lacking(missing: string): string {
    const why = `the client did not declare the capability "${missing}"`;
    this.#refusal = { missing, why };
    return why;
  }

  #hold(bytes: number): boolean {
    if (!this.#owner.tryHold(bytes)) return false;
    this.#heldBytes += bytes;
    return true;
  }

  #release(): void {
    this.#owner.tryHold(-this.#heldBytes);
    this.#heldBytes = 0;
  }

  /** Makes `call` wait for what comes next, or answers it if that is known. */
  #attach(call: ModernCall): void {
    if (this.#exchange === null) {
      this.#deliverLate(call);
      return;
    }
    call.continuation = this;
    this.#outlets.add(call);
    this.#stopWaiting();
  }

  #deliverLate(call: ModernCall): void {
    if (this.#answer === null)
      throw stateError(
        'belongs to a call that has ended, whose answer is no longer kept; make the request anew',
      );
    answerRequest(call, this.#answer);
  }

  /** Asks the client once the upstream is quiet, if there is a request to answer. */
  #gather(): void {
    if (this.#outlets.size > 0) this.#gathering.extend(this.#owner.pace.quietMs(this.#item));
  }

  #askClient(): void {
    const exchange = this.#exchange;
    const outlet = this.#outlets.latest;
    if (exchange === null || outlet === undefined) return;
    this.#inputs.refuseOthers(outlet.caller.capabilities);
    if (this.#inputs.isEmpty) return;
    const requests = this.#inputs.requests();
    const keys = requests.map(({ key }) => key);
    const asked = this.#rounds.get(this.#lastRound);
    // Nothing has changed since the client was asked last.
    const isSame = asked?.digest === null && String(asked.keys) === String(keys);
    const round = isSame ? this.#lastRound : this.#lastRound + 1;
    let state: string;
    try {
      state = this.#owner.stateOf(outlet, round, { kind: 'parked', id: this.key });
    } catch (error) {
      this.#cut(exchange, toGatewayError(error, this.#owner.logger));
      return;
    }
    this.#lastRound = round;
    if (!isSame) {
      this.#rounds.set(round, { keys, digest: null });
      if (keys.length === 1) this.#owner.pace.askedAlone(this.#item);
    }
    this.#outlets.answer(inputRequiredAnswer(requests, state));
    this.#wait(parkedTimeoutMs, `its client has not answered within ${parkedTimeoutMs / 1000} s`);
  }

  /** Waits for a retry. @param cause the reason for the failure if none comes */
  #wait(timeoutMs: number, cause: string): void {
    this.#stopWaiting();
    this.#isParked = true;
    this.#owner.parkedChanged(1);
    this.#deadline = this.#owner.deadlines.add(timeoutMs, () =>
      this.#abandon('cancelled', `the call was cancelled: ${cause}`),
    );
  }

  #stopWaiting(): void {
    this.#deadline?.clear();
    this.#deadline = null;
    if (this.#isParked) this.#owner.parkedChanged(-1);
    this.#isParked = false;
  }

  /** Ends the call, and cancels it upstream. */
  #abandon(reason: CallFailureReason, message: string): void {
    const error = new CallFailure(this.server, reason, message);
    const exchange = this.#exchange;
    if (exchange !== null) this.#cut(exchange, error);
  }

  #cut(exchange: ModernCall, error: GatewayError): void {
    this.#exchange = null;
    // The upstream should hear of the cancellation first: without an answer, a tool may go on.
    exchange.signal.abort(error);
    this.#end(error);
  }

  #end(outcome: Answer | GatewayError): void {
    this.#exchange = null;
    this.#stopWaiting();
    this.#gathering.cancel();
    this.#inputs.rejectAll(new Error('the call is over'));
    this.#release();
    // Nobody can come back who was not asked.
    const kept = this.wasAsked ? this.#kept(outcome, this.#outlets.size) : null;
    this.#answer = kept;
    this.#owner.onEnded(this, outcome, this.#outlets.size > 0);
    this.#outlets.end(kept ?? outcome);
  }

  /** The outcome for later retries, and for several; null: it is too long to be kept for later ones. */
  #kept(outcome: Answer | GatewayError, outlets: number): Answer | GatewayError | null {
    if (outcome instanceof GatewayError) return outcome;
    const { payload } = outcome;
    if (payload.length <= maxKeptLength && this.#hold(payload.length)) {
      // A slice would keep the whole message, and the members of an object may take several times its length.
      const text = typeof payload === 'string' ? copyOf(payload) : textOf(payload);
      freePayload(payload);
      if (outcome.kind === 'error') return { ...outcome, payload: text };
      return { ...outcome, payload: text, result: undefined };
    }
    if (outlets === 1) return null;
    freePayload(payload);
    return new CallFailure(this.server, 'overloaded', 'the answer is too long to be kept for later requests');
  }
}

/** Whether an upstream fails a call with the words by which its question was refused, so that this is the reason. */
function quotes(answer: Answer, why: string): boolean {
  const isFailure = answer.kind === 'error' || answer.isError === true;
  const { payload } = answer;
  return (
    isFailure &&
    payload.length <= maxQuotingLength &&
    textOf(payload).includes(JSON.stringify(why).slice(1, -1))
  );
}

function withoutCache(answer: Answer): Answer {
  if (answer.kind === 'error' || answer.cache === undefined) return answer;
  const { cache, ...rest } = answer;
  return rest;
}
