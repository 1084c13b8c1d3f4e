import type { LogFields, Logger } from '../observability/log.ts';
import type { Message } from './messages.ts';

type Direction = 'from client' | 'to client' | 'from upstream' | 'to upstream';

/** Longer methods and ids of peers are truncated. */
const maxLoggedChars = 100;

/** Logs the method, id and size of each message at level trace. */
export class MessageLog {
  readonly #logger: Logger;
  readonly #fields: LogFields;

  /** @param fields the fields of every line */
  constructor(logger: Logger, fields: LogFields = {}) {
    this.#logger = logger;
    this.#fields = fields;
  }

  /** @param size the length of its text in characters, or in bytes if it arrived as bytes */
  message(direction: Direction, message: Message, size: number, fields: LogFields = {}): void {
    this.#log(direction, message.kind, { ...fieldsOf(message), size, ...fields });
  }

  /** Logs the response to the request whose id has the JSON text `idText`. */
  answer(direction: Direction, idText: string, size: number, fields: LogFields = {}): void {
    this.#log(direction, 'response', { id: truncate(idText), size, ...fields });
  }

  #log(direction: Direction, kind: Message['kind'], fields: LogFields): void {
    this.#logger.trace(`${kind} ${direction}`, { ...this.#fields, ...fields });
  }
}

function fieldsOf(message: Message): LogFields {
  switch (message.kind) {
    case 'request':
      return { method: truncate(message.method), id: truncate(message.idText) };
    case 'notification':
      return { method: truncate(message.method) };
    case 'response':
      return { id: truncate(JSON.stringify(message.id)), code: message.error?.code };
    case 'invalid':
      return { id: truncate(message.idText) };
  }
}

/** The text of a peer as it is logged: a long one is cut. */
export function truncate(text: string): string {
  return text.length > maxLoggedChars ? `${text.slice(0, maxLoggedChars)}…` : text;
}

/** The length of a message's result, error or params; the text of the whole message is not kept. */
export function sizeOf(message: Message): number {
  if (message.kind === 'response') return message.payload.length;
  return message.kind === 'invalid' ? 0 : (message.params?.toString().length ?? 0);
}
