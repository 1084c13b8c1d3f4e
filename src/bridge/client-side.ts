import { errorText } from '../protocol/messages.ts';
import { AskedQuestions } from './asked-questions.ts';
import type { MessageOutput } from './message-output.ts';
import type { GatewayMessage } from './response-messages.ts';

/** The client: what goes to it. */
export class ClientSide {
  readonly questions = new AskedQuestions();
  readonly #output: MessageOutput;

  constructor(output: MessageOutput) {
    this.#output = output;
  }

  /**
   * Passes a message of the gateway on. The returned promise settles when there is room for more.
   * @param source the request on whose stream it came; null: none
   */
  pass({ message, text }: GatewayMessage, source: object | null): Promise<void> | undefined {
    switch (message.kind) {
      case 'invalid':
        return undefined;
      case 'request':
        return this.#output.message(this.questions.asked(message.idText, text, source));
      case 'notification':
        if (message.method !== 'notifications/cancelled') break;
        return this.#output.message(this.questions.withdrawn(text, message.params));
    }
    return this.#output.message(text);
  }

  /** Sends a message of the bridge itself. */
  send(text: string): void {
    void this.#output.message(text);
  }

  /** Answers a request with an error. */
  refuse(idText: string, code: number, message: string, reason: string): void {
    this.send(errorText(idText, JSON.stringify({ code, message, data: { reason } })));
  }
}
