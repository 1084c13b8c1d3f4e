import type { LogFields, Logger } from '../observability/log.ts';
import type { Message } from './messages.ts';

type Direction = 'from client' | 'to client' | 'from upstream' | 'to upstream';

/** Longer methods and ids of peers are truncated. */
const maxShownChars = 100;

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
    this.#log(direction, 'response', { id: shown(idText), size, ...fields });
  }

  #log(direction: Direction, kind: Message['kind'], fields: LogFields): void {
    this.#logger.trace(`${kind} ${direction}`, { ...this.#fields, ...fields });
  }
}

function fieldsOf(message: Message): LogFields {
  switch (message.kind) {
    case 'request':
      return { method: shown(message.method), id: shown(message.idText) };
    case 'notification':
      return { method: shown(message.method) };
    case 'response':
      return { id: shown(JSON.stringify(message.id)), code: message.error?.code };
    case 'invalid':
      return { id: shown(message.idText) };
  }
}

/** A peer's text, truncated if it is long. */
export function shown(text: string): string {
  return text.length > maxShownChars ? `${text.slice(0, maxShownChars)}…` : text;
}

/** The length of a message's result, error or params; the text of the whole message is not kept. */
export function sizeOf(message: Message): number {
  if (message.kind === 'response') return message.payload.length;
  return message.kind === 'invalid' ? 0 : (message.params?.toString().length ?? 0);
}
