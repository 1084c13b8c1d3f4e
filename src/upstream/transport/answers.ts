import type { Ends } from '../../json/scan.ts';
import { type Message, type ResponseMessage, serialOf } from '../../protocol/messages.ts';
import { UpstreamFailure } from '../failure.ts';
import { parseMessages } from './body-messages.ts';

/**
 * The answer to our request among the messages of its own body.
 * @param nullCounts whether an error whose sender could not read the id, and which stands alone, is one, too
 */
export function answerAmong(
  messages: readonly Message[],
  id: number,
  nullCounts: boolean,
): ResponseMessage | undefined {
  for (const message of messages) if (isAnswerTo(message, id)) return message as ResponseMessage;
  const [alone] = messages;
  if (!nullCounts || messages.length !== 1 || alone?.kind !== 'response') return undefined;
  return alone.id === null ? alone : undefined;
}

/** The answer to our request in a text that holds nothing else. */
export function answerAlone(text: string, id: number, ends?: Ends): ResponseMessage | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    return answerAmong(parseMessages(text, ends), id, true);
  } catch {
    return undefined;
  }
}

function isAnswerTo(message: Message, id: number): boolean {
  return message.kind === 'response' && (message.id === id || serialOf(message.id) === id);
}

/** The same for a stream that is the request's own: an error whose sender could not read the id is its answer, too. */
export function isAnswerOnStream(message: Message, id: number): boolean {
  return isAnswerTo(message, id) || (message.kind === 'response' && message.id === null);
}

/** Whether a text, or as much of it as has come, begins as server-sent events do. */
export function looksLikeEvents(text: string): boolean {
  return /^\s*(?::|(?:data|event|id|retry)\b|[deir]\w{0,4}$)/.test(text);
}

/** For an HTML page, say, which should not be called a stream that ended. */
export function neither(): UpstreamFailure {
  return new UpstreamFailure(
    'protocol',
    'answered with something that is neither JSON nor server-sent events',
  );
}

export function looksLikeJson(text: string): boolean {
  return /^\s*[{[]/.test(text);
}
