import { ObjectText } from '../json/object.ts';
import { notificationText, type RequestId } from '../protocol/messages.ts';

/** The most unanswered questions; beyond it the oldest is forgotten. */
const maxOpen = 1_000;

/** A request of the gateway to the client. */
interface PassedQuestion {
  /** The JSON texts of its id, as the client and as the gateway know it. */
  readonly clientId: string;
  readonly gatewayId: string;
  /** The request on whose stream it came; null: it came on that of the session. */
  readonly source: object | null;
}

/**
 * The requests of the gateway to the client. Their ids are unique in a session only: those of later sessions are replaced, so that
 * the client's answer to an earlier question never counts for a later one.
 */
export class AskedQuestions {
  /** By the ids that the client knows. */
  readonly #open = new Map<string, PassedQuestion>();
  #session = 0;

  /** Remembers a question. Returns its text for the client. */
  asked(gatewayId: string, text: string, source: object | null): string {
    const clientId = this.#clientId(gatewayId);
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && this.#open.size >= maxOpen) this.#open.delete(oldest);
    this.#open.set(keyOf(clientId), { clientId, gatewayId, source });
    return clientId === gatewayId ? text : new ObjectText(text).with({ name: 'id', value: clientId });
  }

  /** The gateway does not want an answer any more. Returns the text of that notification for the client. */
  withdrawn(text: string, params: ObjectText | undefined): string {
    const gatewayId = params?.member('requestId');
    if (params === undefined || gatewayId === undefined) return text;
    const clientId = this.#clientId(gatewayId);
    this.#open.delete(keyOf(clientId));
    if (clientId === gatewayId) return text;
    const renamed = params.with({ name: 'requestId', value: clientId });
    return new ObjectText(text).with({ name: 'params', value: renamed });
  }

  /** The client's response as the gateway knows it; null: nobody waits for it any more. */
  answered(id: RequestId | null, text: string): string | null {
    const key = JSON.stringify(id);
    const question = this.#open.get(key);
    if (question === undefined) return null;
    this.#open.delete(key);
    const { clientId, gatewayId } = question;
    return clientId === gatewayId ? text : new ObjectText(text).with({ name: 'id', value: gatewayId });
  }

  /** Forgets the questions of a request that is answered. */
  forget(source: object): void {
    for (const [key, question] of this.#open) if (question.source === source) this.#open.delete(key);
  }

  /** Ends the questions of a request that failed. Returns the notifications that tell the client. */
  end(source: object): string[] {
    const ended = [...this.#open.values()].filter((question) => question.source === source);
    this.forget(source);
    return ended.map(withdrawal);
  }

  /** Ends all questions, because another session begins. Returns the notifications that tell the client. */
  endSession(): string[] {
    const ended = [...this.#open.values()];
    this.#open.clear();
    this.#session++;
    return ended.map(withdrawal);
  }

  #clientId(gatewayId: string): string {
    return this.#session === 0 ? gatewayId : JSON.stringify(`${this.#session}:${gatewayId}`);
  }
}

function withdrawal({ clientId }: PassedQuestion): string {
  return notificationText(
    'notifications/cancelled',
    `{"requestId":${clientId},"reason":"the gateway does not wait for the answer any more"}`,
  );
}

/** The same for each way to write an id. */
function keyOf(idText: string): string {
  return JSON.stringify(JSON.parse(idText));
}
