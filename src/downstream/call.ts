import type { ObjectText } from '../json/object.ts';
import type { Caller } from '../protocol/caller.ts';
import type { Answer } from '../protocol/exchange.ts';
import { notificationText, type RequestMessage } from '../protocol/messages.ts';
import { Abort, type Signal } from '../runtime/abort.ts';
import { LinkedNode } from '../runtime/linked-list.ts';
import type { RunningCall } from './in-flight.ts';
import type { Session, SessionCall } from './legacy/sessions.ts';
import type { AnswerSource, Reply } from './reply.ts';

/** The owner of a call is notified of its end: one of the two methods is called, once. */
export interface CallOwner {
  callAnswered(call: Call, answer: Answer): void;
  callFailed(call: Call, error: unknown): void;
}

/** A client's request from its arrival to its answer. */
export class Call extends LinkedNode implements RunningCall, AnswerSource, SessionCall {
  readonly message: RequestMessage;
  readonly caller: Caller;
  /** Undefined for a request outside a session. */
  readonly session: Session | undefined;
  /** Carries notifications and the answer to the client. */
  readonly reply: Reply;
  readonly startMs = performance.now();
  readonly #abort = new Abort();
  readonly #owner: CallOwner;
  /** Null until first read. */
  #meta: ObjectText | undefined | null = null;
  /** Set by the owner once the call has its answer. */
  isOver = false;

  constructor(
    message: RequestMessage,
    caller: Caller,
    session: Session | undefined,
    reply: Reply,
    owner: CallOwner,
  ) {
    super();
    this.message = message;
    this.caller = caller;
    this.session = session;
    this.reply = reply;
    this.#owner = owner;
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

  get signal(): Signal {
    return this.#abort;
  }

  get meta(): ObjectText | undefined {
    if (this.#meta === null) this.#meta = this.message.params?.object('_meta');
    return this.#meta;
  }

  notify(method: string, paramsText?: string): Promise<void> | undefined {
    return this.reply.notify(notificationText(method, paramsText));
  }

  answer(answer: Answer): void {
    this.#owner.callAnswered(this, answer);
  }

  fail(error: unknown): void {
    this.#owner.callFailed(this, error);
  }

  /** Aborts the call, unless it is over. */
  cancel(): void {
    if (!this.isOver) this.#abort.abort();
  }

  /** The client is gone, and with it the only way to answer: the call is cancelled. */
  replyGone(): void {
    this.cancel();
  }

  get running(): readonly Call[] {
    return this.isOver ? [] : [this];
  }
}
