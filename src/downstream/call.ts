import { GatewayError } from '../errors.ts';
import type { ObjectText } from '../json/object.ts';
import type { DownstreamMetrics } from '../observability/downstream-metrics.ts';
import type { Logger } from '../observability/log.ts';
import type { Caller } from '../protocol/caller.ts';
import type { Answer } from '../protocol/exchange.ts';
import { errorText, notificationText, type RequestMessage, resultText } from '../protocol/messages.ts';
import type { Question, QuestionAnswer } from '../protocol/questions.ts';
import type { Router } from '../router/router.ts';
import { Abort } from '../runtime/abort.ts';
import type { Completion } from '../runtime/completion.ts';
import { LinkedNode } from '../runtime/linked-list.ts';
import { rpcErrorText, toGatewayError } from './error-answers.ts';
import type { AnswerSource, RunningCall } from './in-flight.ts';
import type { Reply } from './reply.ts';
import { type Content, isLong } from './reply-body.ts';
import type { RequestLog } from './request-log.ts';

/** Shared by all calls of an endpoint. */
export interface CallParts {
  readonly router: Router;
  readonly metrics: DownstreamMetrics;
  readonly logger: Logger;
  readonly log: RequestLog;
}

/** A client's request from its arrival to its answer. Each era has calls of its own. */
export abstract class Call extends LinkedNode implements RunningCall, AnswerSource {
  readonly caller: Caller;
  readonly startMs = performance.now();
  readonly signal = new Abort();
  protected readonly parts: CallParts;
  protected message: RequestMessage;
  /** Carries messages and the answer to the client. */
  protected readonly reply: Reply;
  /** Null until first read. */
  #meta: ObjectText | undefined | null = null;
  #isOver = false;

  constructor(parts: CallParts, message: RequestMessage, caller: Caller, reply: Reply) {
    super();
    this.parts = parts;
    this.message = message;
    this.caller = caller;
    this.reply = reply;
  }

  get method(): string {
    return this.message.method;
  }
  get methodText(): string {
    return this.message.methodText;
  }
  get idText(): string {
    return this.message.idText;
  }
  get params(): ObjectText | undefined {
    return this.message.params;
  }
  get httpTraceparent(): string | null {
    return this.reply.header('traceparent');
  }
  get runningCalls(): readonly Call[] {
    return this.#isOver ? [] : [this];
  }
  get isOver(): boolean {
    return this.#isOver;
  }

  get meta(): ObjectText | undefined {
    if (this.#meta === null) this.#meta = this.params?.object('_meta');
    return this.#meta;
  }

  /** Passes the request to the router. */
  start(): void {
    try {
      if (this.method === 'initialize')
        throw new GatewayError('invalid_request', 'initialize must not be in a batch');
      this.parts.router.handle(this);
    } catch (error) {
      this.fail(error);
    }
  }

  notify(method: string, paramsText?: string): Promise<void> | undefined {
    return this.reply.notify(notificationText(method, paramsText));
  }

  abstract ask(question: Question, done: Completion<QuestionAnswer>): void;

  answer(answer: Answer): void {
    this.end(answer, answerText(this.idText, answer));
  }

  /**
   * Ends the call.
   * @param content the answer as the client gets it
   * @param status the HTTP status, if the answer is the first thing that the client gets
   */
  protected end(answer: Answer, content: Content, status?: number): void {
    const { router, metrics, log } = this.parts;
    const nowMs = performance.now();
    this.#isOver = true;
    this.onOver(nowMs);
    metrics.request(this.method, answer.kind === 'result', (nowMs - this.startMs) / 1000);
    if (log.isDebug) log.answered(this, this.idText, answer, nowMs, router.serverOf(this));
    this.reply.answer(content, status);
  }

  fail(error: unknown): void {
    const known = toGatewayError(error, this.parts.logger);
    this.answer({ kind: 'error', payload: rpcErrorText(known), code: known.rpcCode });
  }

  /** Aborts the call, unless it is over. @param cause why, if the client has not caused it */
  cancel(cause?: GatewayError): void {
    if (!this.#isOver) this.signal.abort(cause);
  }

  /** The client disconnected before the answer. */
  abstract onReplyGone(): void;

  /** The call has its answer, which is sent next. */
  protected onOver(_nowMs: number): void {}
}

/** The text of an answer; a long payload stays apart. */
export function answerText(idText: string, answer: Answer): Content {
  const { kind, payload } = answer;
  if (typeof payload === 'string' && !isLong(payload))
    return kind === 'error' ? errorText(idText, payload) : resultText(idText, payload);
  return [`{"jsonrpc":"2.0","id":${idText},"${kind}":`, payload, '}'];
}
