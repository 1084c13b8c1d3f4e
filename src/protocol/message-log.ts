import type { LogFields, Logger } from '../observability/log.ts';
import type { Message } from './messages.ts';

/** From where to where a message goes. */
type Direction = 'from client' | 'to client' | 'from upstream' | 'to upstream';

/** As much of a method or id that came from outside as is shown. */
const maxShownChars = 100;

/** Tells each message's method, id and size, at level trace. */
export class MessageLog {
  readonly #logger: Logger;
  readonly #fields: LogFields;

  /** @param fields what all lines have in common */
  constructor(logger: Logger, fields: LogFields = {}) {
    this.#logger = logger;
    this.#fields = fields;
  }

  /** @param size characters of its JSON text, or bytes where it came so */
  message(direction: Direction, message: Message, size: number, fields: LogFields = {}): void {
    this.#tell(direction, message.kind, { ...factsOf(message), size, ...fields });
  }

  /** The answer to the request whose id has that JSON text. */
  answer(direction: Direction, idText: string, size: number, fields: LogFields = {}): void {
    this.#tell(direction, 'response', { id: shown(idText), size, ...fields });
  }

  #tell(direction: Direction, kind: Message['kind'], fields: LogFields): void {
    this.#logger.trace(`${kind} ${direction}`, { ...this.#fields, ...fields });
  }
}

function factsOf(message: Message): LogFields {
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

/** Text from outside, short. */
export function shown(text: string): string {
  return text.length > maxShownChars ? `${text.slice(0, maxShownChars)}…` : text;
}

/** Of its result, error or params: the rest of its text is not kept. */
export function sizeOf(message: Message): number {
  if (message.kind === 'response') return message.payload.length;
  return message.kind === 'invalid' ? 0 : (message.params?.toString().length ?? 0);
}
