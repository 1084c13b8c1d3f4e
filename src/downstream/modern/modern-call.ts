import { CallFailure, GatewayError, messageOf } from '../../errors.ts';
import { ObjectText } from '../../json/object.ts';
import type { Caller } from '../../protocol/caller.ts';
import type { Answer, CacheHints } from '../../protocol/exchange.ts';
import type { RequestMessage } from '../../protocol/messages.ts';
import {
  inputRequired,
  type Question,
  type QuestionAnswer,
  urlElicitationRequired,
} from '../../protocol/questions.ts';
import type { Completion } from '../../runtime/completion.ts';
import { freePayload } from '../../runtime/owned-bytes.ts';
import { answerText, Call, type CallParts } from '../call.ts';
import { rpcErrorText, toGatewayError } from '../error-answers.ts';
import { isWantedLog, logNotification } from '../log-filter.ts';
import type { Reply } from '../reply.ts';
import { notCached } from './caching.ts';
import { modernError, statusOfError } from './errors.ts';
import { modernResult } from './results.ts';

/** Notifications that only clients of the legacy era know. */
const legacyNotifications: readonly string[] = ['notifications/elicitation/complete'];

/** What a client sends along when it retries a request whose result was `input_required`: JSON texts, as they arrived. */
export interface Retry {
  readonly inputResponses: string | undefined;
  readonly requestState: string | undefined;
}

/** Carries calls over several requests. MCP 2026-07-28, Multi Round-Trip Requests. */
export interface RoundTrips {
  /** Starts a call that has a {@link Retry}, in place of the router. Throws a {@link GatewayError} instead of answering. */
  resume(call: ModernCall, retry: Retry): void;
  /** As `ask` of an `Exchange`: an upstream asks the client of a running call. */
  ask(call: ModernCall, question: Question, done: Completion<QuestionAnswer>): void;
  /**
   * Turns an answer by which the upstream needs input of the client into one for the client: a result of type `input_required`, or
   * error -32042 of a legacy upstream. Throws a {@link GatewayError} if the client must not be asked.
   */
  seal(call: ModernCall, answer: Answer): Answer;
}

/** What becomes of a call that goes on after its own reply, or of a retry that waits for such a call. */
export interface CallContinuation {
  notify(method: string, paramsText?: string): Promise<void> | undefined;
  ask(question: Question, done: Completion<QuestionAnswer>): void;
  answer(answer: Answer): void;
  fail(error: GatewayError): void;
  /** The client of `call` has disconnected. */
  onGone(call: ModernCall): void;
  cancel(cause?: GatewayError): void;
}

/** Shared by all modern calls of an endpoint. */
export interface ModernCallParts extends CallParts {
  readonly rounds: RoundTrips;
  /** The hints for the result of a call; null if such results are not cacheable. */
  cacheHints(call: ModernCall, answer: Answer): CacheHints | null;
  /** Whether the client has declared the extension that defines this type of results. */
  hasNegotiated(caller: Caller, resultType: string): boolean;
}

/** A request of the modern era. Its params have none of the members that only concern this hop. */
export class ModernCall extends Call {
  readonly #parts: ModernCallParts;
  /** Null for a request that is no retry. */
  readonly #retry: Retry | null;
  /** Takes whatever happens to the call, in place of its reply. Null for nearly all calls. */
  continuation: CallContinuation | null = null;

  constructor(
    parts: ModernCallParts,
    message: RequestMessage,
    caller: Caller,
    reply: Reply,
    retry: Retry | null,
  ) {
    super(parts, message, caller, reply);
    this.#parts = parts;
    this.#retry = retry;
  }

  override start(): void {
    if (this.#retry === null) {
      super.start();
      return;
    }
    try {
      this.#parts.rounds.resume(this, this.#retry);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Goes on to the router. @param paramsText replaces the params; null: they stay */
  proceed(paramsText: string | null): void {
    if (paramsText !== null) this.message = { ...this.message, params: new ObjectText(paramsText) };
    super.start();
  }

  override notify(method: string, paramsText?: string): Promise<void> | undefined {
    if (this.continuation !== null) return this.continuation.notify(method, paramsText);
    return this.send(method, paramsText);
  }

  /**
   * Sends a notification on the call's own reply. Log messages go only to clients that want them for this request. MCP 2026-07-28,
   * Logging, Log Levels.
   */
  send(method: string, paramsText?: string): Promise<void> | undefined {
    if (legacyNotifications.includes(method)) return undefined;
    const { logLevel } = this.caller;
    if (method === logNotification && (logLevel === null || !isWantedLog(paramsText, logLevel)))
      return undefined;
    return super.notify(method, paramsText);
  }

  ask(question: Question, done: Completion<QuestionAnswer>): void {
    if (this.continuation !== null) this.continuation.ask(question, done);
    else this.#parts.rounds.ask(this, question, done);
  }

  override answer(answer: Answer): void {
    if (this.continuation !== null) {
      this.continuation.answer(answer);
      return;
    }
    const needsInput =
      answer.kind === 'error' ? answer.code === urlElicitationRequired : answer.resultType === inputRequired;
    if (needsInput) this.#askForInput(answer);
    else this.complete(answer);
  }

  #askForInput(answer: Answer): void {
    let sealed: Answer;
    try {
      sealed = this.#parts.rounds.seal(this, answer);
    } catch (error) {
      this.fail(error);
      return;
    }
    this.complete(sealed);
  }

  /** Ends the call with an answer that the client gets as it is, in the words of its era. */
  complete(answer: Answer): void {
    try {
      this.#complete(answer);
    } catch (error) {
      freePayload(answer.payload);
      const server = this.parts.router.serverOf(this);
      const problem = `answered with ${messageOf(error)}`;
      this.completeWith(
        new CallFailure(server, 'upstream_protocol_error', `upstream "${server}": ${problem}`),
      );
    }
  }

  #complete(answer: Answer): void {
    if (answer.kind === 'error') {
      const error = modernError(answer, this.params);
      this.end(error, answerText(this.idText, error), statusOfError(error.code));
      return;
    }
    const { resultType = 'complete' } = answer;
    if (resultType !== 'complete' && resultType !== inputRequired) {
      if (!this.#parts.hasNegotiated(this.caller, resultType)) {
        freePayload(answer.payload);
        this.completeWith(notNegotiated(resultType));
        return;
      }
    }
    const cacheable = resultType === 'complete' ? this.#parts.cacheHints(this, answer) : null;
    // The result of a retry depends on answers that are no part of a cache's key. MCP 2026-07-28, Caching, Cache Key.
    const hints = cacheable !== null && this.#retry !== null ? notCached : cacheable;
    this.end(answer, modernResult(this.idText, answer, hints));
  }

  override fail(error: unknown): void {
    const known = toGatewayError(error, this.parts.logger);
    if (this.continuation !== null) {
      this.continuation.fail(known);
      return;
    }
    this.completeWith(known);
  }

  /** Ends the call with an error. */
  completeWith(error: GatewayError): void {
    const { code, status } = error.modern;
    const answer: Answer = { kind: 'error', payload: rpcErrorText(error, code), code };
    this.end(answer, answerText(this.idText, answer), status);
  }

  /** The closed stream of a request cancels it. MCP 2026-07-28, Cancellation. */
  onReplyGone(): void {
    if (this.continuation !== null) this.continuation.onGone(this);
    else this.cancel();
  }

  override cancel(cause?: GatewayError): void {
    if (this.continuation !== null) this.continuation.cancel(cause);
    else super.cancel(cause);
  }
}

function notNegotiated(resultType: string): GatewayError {
  const type = JSON.stringify(resultType.slice(0, 100));
  return new GatewayError(
    'internal',
    `the upstream answered with a result of type ${type}, whose extension the client has not declared`,
  );
}
