import type { Caller } from '../../protocol/caller.ts';
import type { RequestMessage } from '../../protocol/messages.ts';
import { type Question, type QuestionAnswer, refusedQuestion } from '../../protocol/questions.ts';
import type { Completion } from '../../runtime/completion.ts';
import { Call, type CallParts } from '../call.ts';
import type { Reply } from '../reply.ts';
import type { Session } from './sessions.ts';

/** A request of the legacy era, within a session or not. */
export class LegacyCall extends Call {
  /** Undefined for a request outside a session. */
  readonly #session: Session | undefined;

  constructor(
    parts: CallParts,
    message: RequestMessage,
    caller: Caller,
    session: Session | undefined,
    reply: Reply,
  ) {
    super(parts, message, caller, reply);
    this.#session = session;
  }

  override start(): void {
    this.#session?.addCall(this);
    super.start();
  }

  ask({ method }: Question, done: Completion<QuestionAnswer>): void {
    done.resolve(refusedQuestion(method, 'the client cannot be asked'));
  }

  /** Cancels the call, because nobody waits for the answer. */
  onReplyGone(): void {
    this.cancel();
  }

  protected override onOver(nowMs: number): void {
    this.#session?.removeCall(this, nowMs);
  }
}
