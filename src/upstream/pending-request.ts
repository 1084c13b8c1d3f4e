import { type MemberEdit, ObjectText } from '../json/object.ts';
import type { TraceSpan } from '../observability/tracing.ts';
import type { Caller } from '../protocol/caller.ts';
import { type ResponseMessage, requestText } from '../protocol/messages.ts';
import type { Question, QuestionAnswer } from '../protocol/questions.ts';
import { Abort, type Signal } from '../runtime/abort.ts';
import type { Completion } from '../runtime/completion.ts';
import { type Deadline, deadlines } from '../runtime/deadlines.ts';
import type { LinkedNode } from '../runtime/linked-list.ts';
import { freePayload } from '../runtime/owned-bytes.ts';
import { UpstreamFailure } from './failure.ts';
import type { RequestCompletion, RequestHeaders, Transport } from './transport/transport.ts';

/** How long the POST of a request that has ended may go on before it is cut, which costs the connection. */
const postTimeoutMs = 5_000;
/** How long the deadline of a request rests at a time while the server's questions are open. */
const maxHoldMs = 600_000;
/** Sent in place of absent params, which some servers refuse. */
const noParams = new ObjectText('{}');

/** A request to send upstream: the members of an exchange that concern a session. */
export interface UpstreamCall {
  /** The JSON text of the method. */
  readonly methodText: string;
  readonly params: ObjectText | undefined;
  /** The `_meta` of the params. */
  readonly meta: ObjectText | undefined;
  /** Aborted when the caller no longer wants the response. */
  readonly signal: Signal;
  /** Sends the caller a notification. */
  notify(method: string, paramsText?: string): Promise<void> | undefined;
  /** As in an `Exchange`. */
  ask(question: Question, done: Completion<QuestionAnswer>): void;
  /** Null for the gateway's own requests. */
  readonly caller: Caller | null;
  /** Whether a task is made of it, for whose lifetime its progress token stays valid; by default not. */
  readonly makesTask?: boolean | undefined;
  /** The span that the request is part of, while that is traced. */
  readonly trace?: TraceSpan | undefined;
}

/** A question of the server that belongs to a request. Its client's answer may take longer than the server's own work. */
export interface HeldQuestion {
  /** The request is over. */
  onRequestOver(): void;
}

/** How the requests of an era are written. */
export interface RequestForm {
  /**
   * The JSON text of the params, with `id` in place of the caller's progress token.
   * @param token the JSON text of that token; `null`, which an upstream may refuse, if there should be none
   */
  paramsText(call: UpstreamCall, target: MemberEdit | null, id: number, token: string | undefined): string;
  /** The headers of the request alone, if it has any. */
  headers(call: UpstreamCall, target: MemberEdit | null): RequestHeaders | undefined;
  /** Whether the end of its stream cancels a request, so that it is the way to cancel one. */
  readonly isCancelledByClosing: boolean;
}

/** Requests whose metadata is that of the session: all of the legacy era. */
export const plainForm: RequestForm = {
  paramsText({ params = noParams, meta }, target, id, token) {
    if (meta === undefined || token === undefined)
      return target === null ? params.toString() : params.with(target);
    const value =
      token === 'null'
        ? meta.without('progressToken')
        : meta.with({ name: 'progressToken', value: String(id) });
    const edit = { name: '_meta', value };
    return target === null ? params.with(edit) : params.with(target, edit);
  },
  headers: () => undefined,
  isCancelledByClosing: false,
};

/** The session of pending requests. */
export interface RequestOwner {
  onAnswered(request: PendingRequest, answer: ResponseMessage): void;
  /** @param isGivenUp whether the gateway no longer wants the response */
  onFailed(request: PendingRequest, reason: unknown, isGivenUp: boolean): void;
}

/**
 * A request that waits for its response. It is its own deadline, and the signal of its transport: aborted when the
 * caller aborts, when the time is over, and when its POST outlasts it.
 */
export class PendingRequest extends Abort implements Deadline, RequestCompletion {
  list: LinkedNode['list'] = null;
  previous: LinkedNode | null = null;
  next: LinkedNode | null = null;
  atMs = 0;
  readonly id: number;
  readonly call: UpstreamCall;
  /** The JSON text of the caller's own progress token, if it sent one. */
  readonly progressToken: string | undefined;
  readonly done: Completion<ResponseMessage>;
  readonly #owner: RequestOwner;
  readonly #timeoutMs: number;
  /** The JSON text of the params, with our id in place of the caller's progress token. */
  readonly #paramsText: string;
  /** The open questions, and when the first of them was asked; null: none was. */
  #hold: { readonly questions: HeldQuestion[]; startMs: number } | null = null;
  readonly #headers: RequestHeaders | undefined;
  readonly #isClosing: boolean;
  #hasBegun = false;
  #isDeferred = false;
  #isOver = false;

  /**
   * @param target the member of the params that names the target, as the upstream knows it; null: the params stay
   * @param timeoutMs infinite: no deadline but the caller's signal
   */
  constructor(
    owner: RequestOwner,
    form: RequestForm,
    id: number,
    call: UpstreamCall,
    target: MemberEdit | null,
    timeoutMs: number,
    done: Completion<ResponseMessage>,
  ) {
    super();
    this.done = done;
    this.#owner = owner;
    this.id = id;
    this.call = call;
    this.#timeoutMs = timeoutMs;
    const token = call.meta?.member('progressToken');
    this.progressToken = token === 'null' ? undefined : token;
    this.#paramsText = form.paramsText(call, target, id, token);
    this.#headers = form.headers(call, target);
    this.#isClosing = form.isCancelledByClosing;
  }

  /** Sends the request over `transport`. */
  start(transport: Transport): void {
    this.call.signal.addEventListener('abort', this);
    deadlines.start(this, this.#timeoutMs);
    const body = requestText(String(this.id), this.call.methodText, this.#paramsText);
    transport.request(this.id, body, this, this, this.#headers);
  }

  /** Whether the upstream accepted the request, whose response comes on another stream. */
  get isDeferred(): boolean {
    return this.#isDeferred;
  }

  /** Whether the upstream may have it. */
  get hasBegun(): boolean {
    return this.#hasBegun || this.#isDeferred;
  }

  expire(): void {
    const waited = this.#hold?.questions.length
      ? `asked its client something, which was not answered within ${maxHoldMs / 1000} s`
      : `did not answer within ${this.#timeoutMs / 1000} s`;
    this.#giveUp(new UpstreamFailure('timeout', waited));
  }

  /** Adds an open question. While there are any, the deadline rests, for a time. */
  hold(question: HeldQuestion): void {
    this.#hold ??= { questions: [], startMs: 0 };
    if (this.#hold.questions.push(question) > 1) return;
    this.#hold.startMs = deadlines.clock.nowMs();
    this.atMs += maxHoldMs;
  }

  /** Removes a question that is no longer open. */
  release(question: HeldQuestion): void {
    const hold = this.#hold;
    const at = hold?.questions.indexOf(question) ?? -1;
    if (hold === null || at < 0) return;
    hold.questions.splice(at, 1);
    if (hold.questions.length > 0 || this.#isOver) return;
    const leftMs = this.atMs - maxHoldMs - hold.startMs;
    this.clear();
    deadlines.start(this, Math.max(0, leftMs));
  }

  /**
   * The caller has aborted. The stream of the response is left to the server to end, because some servers lose more than it if
   * somebody else ends it; unless the server may not have the request, which is not sent then.
   */
  handleEvent(): void {
    const { reason } = this.call.signal;
    if (!this.#hasBegun || this.#isClosing || this.call.caller === null) this.#giveUp(reason);
    else {
      this.drop();
      this.#fail(reason, true);
    }
  }

  clear(): void {
    this.unlink();
  }

  unlink(): void {
    this.list?.remove(this);
  }

  resolve(answer: ResponseMessage): void {
    if (this.#isOver) freePayload(answer.payload);
    else {
      this.#end();
      this.#owner.onAnswered(this, answer);
      this.#endQuestions();
    }
  }

  reject(reason: unknown): void {
    // Its transport may reject it because of its signal.
    this.#fail(reason, this.aborted);
  }

  #fail(reason: unknown, isGivenUp: boolean): void {
    if (this.#isOver) return;
    this.#end();
    this.#owner.onFailed(this, reason, isGivenUp);
    // The upstream should hear of a cancellation first: a tool may go on without an answer.
    this.#endQuestions();
  }

  begin(): void {
    this.#hasBegun = true;
  }

  defer(): void {
    this.#isDeferred = true;
  }

  /** Lets its POST end in good order, within a time: the response came on another stream. */
  drop(): void {
    if (!this.#isDeferred) deadlines.add(postTimeoutMs, () => this.abort(new Error('the request is over')));
  }

  #giveUp(reason: unknown): void {
    this.abort(reason);
    this.#fail(reason, true);
  }

  #end(): void {
    this.#isOver = true;
    this.clear();
    this.call.signal.removeEventListener('abort', this);
  }

  #endQuestions(): void {
    if (this.#hold) for (const question of [...this.#hold.questions]) question.onRequestOver();
  }
}
