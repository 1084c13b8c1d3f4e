import type { ObjectText } from '../json/object.ts';
import type { Answer, Exchange } from '../protocol/exchange.ts';
import type { RequestMessage } from '../protocol/messages.ts';
import { Abort, type Signal } from '../runtime/abort.ts';
import { LinkedNode } from '../runtime/linked-list.ts';
import type { Session } from './legacy/sessions.ts';
import type { Reply } from './reply.ts';

/** Takes what ends a call. */
export interface CallTaker {
  answered(call: Call, answer: Answer): void;
  failed(call: Call, error: unknown): void;
}

/** A client's request while it is being answered. */
export class Call extends LinkedNode implements Exchange {
  readonly message: RequestMessage;
  readonly reply: Reply;
  readonly session: Session | undefined;
  readonly abort = new Abort();
  readonly startMs = performance.now();
  readonly #taker: CallTaker;
  /** Null until it is asked for. */
  #meta: ObjectText | undefined | null = null;
  /** It has been answered. */
  isOver = false;

  /** @param reply takes what the client is to see before the answer */
  constructor(message: RequestMessage, reply: Reply, session: Session | undefined, taker: CallTaker) {
    super();
    this.#taker = taker;
    this.message = message;
    this.reply = reply;
    this.session = session;
  }

  get method(): string {
    return this.message.method;
  }
  get methodText(): string {
    return this.message.methodText;
  }
  get params(): ObjectText | undefined {
    return this.message.params;
  }

  get signal(): Signal {
    return this.abort;
  }

  get meta(): ObjectText | undefined {
    if (this.#meta === null) this.#meta = this.message.params?.object('_meta');
    return this.#meta;
  }

  notify(message: string): Promise<void> | undefined {
    return this.reply.notify(message);
  }

  answer(answer: Answer): void {
    this.#taker.answered(this, answer);
  }

  fail(error: unknown): void {
    this.#taker.failed(this, error);
  }
}
