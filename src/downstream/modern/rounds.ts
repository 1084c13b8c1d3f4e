import { CallFailure, type GatewayError } from '../../errors.ts';
import { type MemberEdit, ObjectText } from '../../json/object.ts';
import { stringAt, TooManyError } from '../../json/scan.ts';
import type { DownstreamMetrics } from '../../observability/downstream-metrics.ts';
import type { Logger } from '../../observability/log.ts';
import type { Answer, Exchange } from '../../protocol/exchange.ts';
import {
  inputRequired,
  mayAskOn,
  type Question,
  type QuestionAnswer,
  questions,
  refusedQuestion,
  urlElicitationRequired,
} from '../../protocol/questions.ts';
import { unknownServer } from '../../router/router.ts';
import type { Completion } from '../../runtime/completion.ts';
import { Deadlines } from '../../runtime/deadlines.ts';
import { freePayload } from '../../runtime/owned-bytes.ts';
import type { Seal } from '../../state/seal.ts';
import { AskingPace } from './asking-pace.ts';
import { ContinuedCalls } from './continued-calls.ts';
import {
  checkCapability,
  inputRequiredAnswer,
  readInputRequired,
  readUrlElicitations,
} from './input-required.ts';
import { InputResponses } from './input-responses.ts';
import type { ModernCall, Retry, RoundTrips } from './modern-call.ts';
import { digestOf, type RequestState, RequestStates, stateError } from './request-state.ts';

/** How often a client may be asked for one call. */
const maxRounds = 10;

interface RoundsParts {
  readonly seal: Seal;
  readonly metrics: DownstreamMetrics;
  readonly logger: Logger;
  /** As `serverOf` of the router. */
  readonly serverOf: (exchange: Exchange) => string;
  readonly deadlines?: Deadlines;
  /** The time since the epoch. */
  readonly nowMs?: () => number;
}

/**
 * Multi round-trips: a request is answered with questions, and its client sends it again with the answers. The questions of a
 * modern upstream pass through, and its state travels in ours. A legacy upstream goes on with its call, which waits here.
 * MCP 2026-07-28, Multi Round-Trip Requests.
 */
export class Rounds implements RoundTrips {
  readonly #parts: RoundsParts;
  readonly #states: RequestStates;
  readonly #calls: ContinuedCalls;

  constructor(parts: RoundsParts) {
    this.#parts = parts;
    this.#states = new RequestStates(parts.seal, parts.nowMs);
    this.#calls = new ContinuedCalls({
      deadlines: parts.deadlines ?? new Deadlines(),
      serverOf: parts.serverOf,
      logger: parts.logger,
      pace: new AskingPace(),
      stateOf: (...wanted) => this.#stateOf(...wanted),
      sealed: (...answered) => this.seal(...answered),
      parkedChanged: (by) => parts.metrics.parkedChanged(by),
      count: (method, result) => parts.metrics.questionEnded(questions[method].capability, result),
    });
  }

  /** Goes on with the call of which `call` is the retry. Throws a {@link GatewayError} instead of answering. */
  resume(call: ModernCall, { inputResponses, requestState = 'null' }: Retry): void {
    const responses = new InputResponses(inputResponses);
    if (requestState === 'null') {
      // A client may know what a stateless upstream will ask.
      call.proceed(paramsOf(call.params, { kind: 'upstream', state: null }, responses));
      return;
    }
    const stateText = stringAt(requestState, 0, requestState.length);
    if (stateText === undefined) throw stateError('must be a string');
    const state = this.#states.open(call, stateText);
    if (state.next.kind === 'parked') {
      const parked = this.#calls.find(state.next.id);
      if (parked) parked.resume(call, state.round, responses);
      else throw lost();
    } else this.#repeat(call, state, responses, digestOf(stateText));
  }

  /**
   * Asks the client of `call`, which gets an `input_required` for an answer. `done` resolves to its answer, or at once to a
   * refusal; it rejects if the call ends before.
   */
  ask(call: ModernCall, question: Question, done: Completion<QuestionAnswer>): void {
    const refuse = (why: string) => {
      this.#parts.metrics.questionEnded(questions[question.method].capability, 'refused');
      done.resolve(refusedQuestion(question.method, why));
    };
    if (!mayAskOn(call.method)) {
      refuse(`a client of MCP 2026-07-28 cannot be asked while it waits for ${call.method}`);
      return;
    }
    const continued = this.#calls.add(crypto.randomUUID(), call);
    if (continued) continued.ask(question, done);
    else refuse('the gateway has too many calls that wait for their clients');
  }

  /**
   * Turns an upstream's answer into the client's: questions get a state of ours. Throws a {@link GatewayError} if the client
   * must not be asked so.
   * @param round how often the client has been asked, this time included
   */
  seal(exchange: Exchange, answer: Answer, round = 1): Answer {
    const isQuestion =
      answer.kind === 'error' ? answer.code === urlElicitationRequired : answer.resultType === inputRequired;
    if (!isQuestion) return answer;
    try {
      return answer.kind === 'error'
        ? this.#sealUrls(exchange, answer, round)
        : this.#sealInputs(exchange, answer, round);
    } catch (error) {
      if (!(error instanceof TooManyError)) throw error;
      const server = this.#parts.serverOf(exchange);
      const message = `upstream "${server}": answered with ${error.message}`;
      throw new CallFailure(server, 'upstream_protocol_error', message);
    }
  }

  /** Cancels all calls that wait or go on, and returns their number for each server. @param cause the error for their clients */
  cancelAll(cause: GatewayError): Map<string, number> {
    const counts = new Map<string, number>();
    for (const call of this.#calls.running) {
      const server = call.server;
      counts.set(server, (counts.get(server) ?? 0) + 1);
      call.cancel(cause);
    }
    return counts;
  }

  /** Sends a request again with the client's answers, unless that has been done. */
  #repeat(call: ModernCall, state: RequestState, responses: InputResponses, key: string): void {
    const earlier = this.#calls.find(key);
    if (earlier) {
      earlier.resume(call, state.round, responses);
      return;
    }
    const server = this.#parts.serverOf(call);
    // After a restart the owner of a bare name may not be known yet.
    if (server !== unknownServer && state.server !== unknownServer && server !== state.server)
      throw stateError('is of another server than the one that serves the request now');
    for (const name of responses.keys) {
      const { capability } = questions[responses.kindOf(name)];
      this.#parts.metrics.questionEnded(capability, responses.resultOf(name));
    }
    if (state.next.kind === 'anew') this.#checkConsent(responses, server);
    if (!this.#calls.add(key, call, { round: state.round, digest: responses.digest(null) }))
      throw new CallFailure(
        server,
        'overloaded',
        'the gateway has too many requests of this kind; try again later',
      );
    call.proceed(paramsOf(call.params, state.next, responses));
  }

  /** A client that refuses to visit the URL would be asked again and again. */
  #checkConsent(responses: InputResponses, server: string): void {
    for (const name of responses.keys)
      if (responses.resultOf(name) === 'declined')
        throw new CallFailure(
          server,
          'cancelled',
          'the client declined to visit a URL that the server requires',
        );
  }

  /** The text of a state. Throws a {@link GatewayError} after too many rounds. */
  #stateOf(exchange: Exchange, round: number, next: RequestState['next']): string {
    const server = this.#parts.serverOf(exchange);
    if (round <= maxRounds) return this.#states.issue(exchange, { round, server, next });
    const message = `upstream "${server}": it asked for input more than ${maxRounds} times, which is the most for one call`;
    throw new CallFailure(server, 'upstream_protocol_error', message);
  }

  #sealInputs(exchange: Exchange, { payload }: Answer, round: number): Answer {
    const server = this.#parts.serverOf(exchange);
    if (!mayAskOn(exchange.method)) {
      freePayload(payload);
      const message = `upstream "${server}": it asked for input, which the protocol does not allow on this method`;
      throw new CallFailure(server, 'upstream_protocol_error', message);
    }
    const { state, withState } = readInputRequired(payload, exchange.caller.capabilities, server);
    return withState(this.#stateOf(exchange, round, { kind: 'upstream', state }));
  }

  #sealUrls(exchange: Exchange, { payload }: Answer, round: number): Answer {
    const server = this.#parts.serverOf(exchange);
    const requests = readUrlElicitations(payload, server);
    if (!mayAskOn(exchange.method)) {
      const message = `upstream "${server}": requires the client to visit a URL, which cannot be passed on for this method`;
      throw new CallFailure(server, 'upstream_returned_error', message);
    }
    for (const { method, paramsText } of requests)
      checkCapability(exchange.caller.capabilities, method, paramsText);
    return inputRequiredAnswer(requests, this.#stateOf(exchange, round, { kind: 'anew' }));
  }
}

/** The params of a retry as its upstream expects them; null: as they are. */
function paramsOf(
  params: ObjectText | undefined,
  next: RequestState['next'],
  responses: InputResponses,
): string | null {
  if (next.kind === 'anew') return null;
  const own = next.kind === 'upstream' ? next.state : null;
  const edits: MemberEdit[] = [];
  if (responses.text !== null) edits.push({ name: 'inputResponses', value: responses.text });
  if (own !== null) edits.push({ name: 'requestState', value: own });
  return edits.length === 0 ? null : (params ?? new ObjectText('{}')).with(...edits);
}

function lost(): GatewayError {
  return stateError(
    'belongs to a call that this gateway does not know (any more); make the request anew, without it',
  );
}
