import { elements, TooManyError } from '../../protocol/json-text.ts';
import { type Message, parseMessage } from '../../protocol/jsonrpc.ts';
import type { SseEvent, SseParser } from '../../protocol/sse.ts';
import { nextTurn } from '../../turn.ts';
import { UpstreamFailure } from '../failure.ts';
import type { HttpResponse } from '../http1/response.ts';

/** The most messages in one body or event: what is made of an empty one takes a hundred times its size. */
const maxMessages = 10_000;

/**
 * The JSON-RPC messages in a body or in the data of an event: one, or a batch.
 * Throws an {@link UpstreamFailure} of kind `protocol` where the text is no JSON-RPC.
 */
export function parseMessages(text: string): Message[] {
  let messages: Message[];
  try {
    messages = elements(text, maxMessages, 'messages in a batch')?.map(parseMessage) ?? [parseMessage(text)];
  } catch (error) {
    if (error instanceof TooManyError)
      throw new UpstreamFailure('protocol', `answered with ${error.message}`);
    throw new UpstreamFailure('protocol', 'answered with something that is not JSON');
  }
  for (const message of messages) {
    if (message.kind === 'invalid') {
      const found = `something that is not JSON-RPC: ${message.problem}`;
      throw new UpstreamFailure('protocol', `answered with ${found}`);
    }
  }
  return messages;
}

/**
 * The messages of one event. Priming events (empty data) and the `[DONE]` of chat-like servers carry none, and
 * neither do events of other names, unless `anyEventName` says so.
 */
export function eventMessages(event: SseEvent, anyEventName: boolean): Message[] {
  if (event.event !== 'message' && !anyEventName) return [];
  const data = event.data.trim();
  return data === '' || data === '[DONE]' ? [] : parseMessages(data);
}

/** How long the events of one stream may keep all others waiting. */
const maxTurnMs = 0.1;

/**
 * Gives `take` each event that `head` completes, and then each that the response brings. The next one follows when what
 * `take` returned is settled.
 */
export async function readEvents(
  parser: SseParser,
  head: string,
  response: HttpResponse | null,
  take: (event: SseEvent) => Promise<void> | undefined,
): Promise<void> {
  let events = parser.pushText(head);
  let turnEndMs = performance.now() + maxTurnMs;
  for (;;) {
    for (const event of events) {
      const taken = take(event);
      if (taken) await taken;
      if (performance.now() < turnEndMs) continue;
      await nextTurn();
      turnEndMs = performance.now() + maxTurnMs;
    }
    const chunk = response && (await response.read());
    if (!chunk) return;
    events = parser.push(chunk);
  }
}
