import type { Caller } from '../protocol/caller.ts';
import { errorText, type InvalidMessage, type RequestMessage } from '../protocol/messages.ts';
import { nextTurn } from '../runtime/event-loop.ts';
import { Call } from './call.ts';
import type { Calls } from './calls.ts';
import { rpcErrorText } from './error-answers.ts';
import type { Session } from './legacy/sessions.ts';
import type { AnswerSource, Reply } from './reply.ts';

/** A batch occupies the event loop for about this long before others get a turn. */
const maxTurnMs = 10;

/** The requests of one batch, which share a reply. */
export class Batch implements AnswerSource {
  readonly #calls: Calls;
  readonly #caller: Caller;
  readonly #session: Session | undefined;
  readonly #reply: Reply;
  readonly #started: Call[] = [];
  #isGone = false;

  constructor(calls: Calls, caller: Caller, session: Session | undefined, reply: Reply) {
    this.#calls = calls;
    this.#caller = caller;
    this.#session = session;
    this.#reply = reply;
    reply.source = this;
  }

  get running(): readonly Call[] {
    return this.#started.filter((call) => !call.isOver);
  }

  /** Starts a call for each request, over several turns of the event loop if that takes long. */
  async run(messages: readonly (RequestMessage | InvalidMessage)[]): Promise<void> {
    let turnEndMs = performance.now() + maxTurnMs;
    for (const message of messages) {
      if (message.kind === 'request') this.#start(message);
      else this.#reply.answer(errorText(message.idText, rpcErrorText(this.#calls.refuse(message))));
      if (performance.now() < turnEndMs) continue;
      await nextTurn();
      if (this.#isGone) return;
      turnEndMs = performance.now() + maxTurnMs;
    }
  }

  replyGone(): void {
    this.#isGone = true;
    for (const call of this.running) call.replyGone();
  }

  #start(message: RequestMessage): void {
    const call = new Call(message, this.#caller, this.#session, this.#reply, this.#calls);
    this.#started.push(call);
    this.#calls.start(call);
  }
}
