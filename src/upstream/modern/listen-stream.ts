import { ObjectText } from '../../json/object.ts';
import { errorCodes } from '../../protocol/error-codes.ts';
import type { ResponseMessage } from '../../protocol/messages.ts';
import { type Question, type QuestionAnswer, refusedQuestion } from '../../protocol/questions.ts';
import { Abort } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import { freePayload } from '../../runtime/owned-bytes.ts';
import { toFailure, UpstreamFailure } from '../failure.ts';
import type { UpstreamCall } from '../pending-request.ts';

/** How a stream of notifications came to its end. */
export interface ListenEnd {
  readonly failure: UpstreamFailure;
  /** The server ended the stream in good order. */
  readonly isGraceful: boolean;
  /** The server knows no such streams. */
  readonly isUnknown: boolean;
}

/** One stream of notifications: a `subscriptions/listen` request. MCP 2026-07-28, Subscriptions. */
export class ListenStream implements UpstreamCall, Completion<ResponseMessage> {
  readonly methodText = '"subscriptions/listen"';
  readonly meta = undefined;
  readonly caller = null;
  readonly params: ObjectText;
  readonly signal = new Abort();
  /** The JSON text of the filter. */
  readonly filter: string;
  readonly #acknowledged = Promise.withResolvers<void>();
  readonly #onEnd: (stream: ListenStream, end: ListenEnd) => void;
  #isIdle = false;
  #isOver = false;
  #resources: ReadonlySet<string> = new Set();

  /** @param filter the JSON text of the wanted notifications */
  constructor(filter: string, onEnd: (stream: ListenStream, end: ListenEnd) => void) {
    this.filter = filter;
    this.params = new ObjectText(`{"notifications":${filter}}`);
    this.#onEnd = onEnd;
    this.#acknowledged.promise.catch(() => {});
  }

  /** Resolves when the server has acknowledged the stream. Rejects with an {@link UpstreamFailure} when it ends before. */
  get acknowledged(): Promise<void> {
    return this.#acknowledged.promise;
  }

  /** Whether the server sends none of the wanted notifications. */
  get isIdle(): boolean {
    return this.#isIdle;
  }
  get isOver(): boolean {
    return this.#isOver;
  }
  /** The resources of which the server sends updates. */
  get resources(): ReadonlySet<string> {
    return this.#resources;
  }

  /** @param params of the acknowledgment */
  acknowledge(params: ObjectText | undefined): void {
    const honored = params?.object('notifications');
    const listed: unknown = JSON.parse(honored?.member('resourceSubscriptions') ?? '[]');
    if (Array.isArray(listed)) this.#resources = new Set(listed);
    this.#isIdle = !honored?.size;
    this.#acknowledged.resolve();
  }

  /** Ends the stream: the server must send nothing more. */
  close(): void {
    this.signal.abort(new UpstreamFailure('cancelled', 'the stream of notifications is no longer needed'));
  }

  notify(): undefined {}

  ask({ method }: Question, done: Completion<QuestionAnswer>): void {
    done.resolve(refusedQuestion(method, 'no client waits for this request'));
  }

  resolve({ error, payload }: ResponseMessage): void {
    freePayload(payload);
    const what = error
      ? `refused a stream of notifications (error ${error.code})`
      : 'ended its stream of notifications';
    const failure = new UpstreamFailure('returned_error', what);
    this.#end({ failure, isGraceful: !error, isUnknown: error?.code === errorCodes.methodNotFound });
  }

  reject(reason: unknown): void {
    this.#end({ failure: toFailure(reason), isGraceful: false, isUnknown: false });
  }

  #end(end: ListenEnd): void {
    this.#isOver = true;
    this.#acknowledged.reject(end.failure);
    this.#onEnd(this, end);
  }
}
