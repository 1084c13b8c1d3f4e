import type { GatewayError } from '../errors.ts';
import { errorText, type InvalidMessage, type RequestMessage } from '../protocol/messages.ts';
import { nextTurn } from '../runtime/event-loop.ts';
import type { Call } from './call.ts';
import { rpcErrorText } from './error-answers.ts';
import type { AnswerSource } from './in-flight.ts';
import type { Reply } from './reply.ts';

/** A batch occupies the event loop for about this long before others get a turn. */
const maxTurnMs = 10;

/** The calls of one batch, which share a reply. */
export class Batch implements AnswerSource {
  readonly #reply: Reply;
  readonly #calls: Call[] = [];
  #isGone = false;

  constructor(reply: Reply) {
    this.#reply = reply;
    reply.source = this;
  }

  get runningCalls(): readonly Call[] {
    return this.#calls.flatMap((call) => call.runningCalls);
  }

  /**
   * Starts a call for each request, over several turns of the event loop if that takes long.
   * @param newCall returns the call for a request
   * @param refuse returns the error to answer an invalid message with
   */
  async run(
    messages: readonly (RequestMessage | InvalidMessage)[],
    newCall: (message: RequestMessage) => Call,
    refuse: (message: InvalidMessage) => GatewayError,
  ): Promise<void> {
    let turnEndMs = performance.now() + maxTurnMs;
    for (const message of messages) {
      if (message.kind === 'request') {
        const call = newCall(message);
        this.#calls.push(call);
        call.start();
      } else this.#reply.answer(errorText(message.idText, rpcErrorText(refuse(message))));
      if (performance.now() < turnEndMs) continue;
      await nextTurn();
      if (this.#isGone) return;
      turnEndMs = performance.now() + maxTurnMs;
    }
  }

  onReplyGone(): void {
    this.#isGone = true;
    for (const call of this.#calls) call.onReplyGone();
  }
}
