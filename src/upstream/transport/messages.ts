import { checkValue, elements, TooManyError } from '../../protocol/json-text.ts';
import { type InvalidMessage, type Message, parseMessage } from '../../protocol/jsonrpc.ts';
import type { SseEvent, SseParser } from '../../protocol/sse.ts';
import { nextTurn } from '../../turn.ts';
import { UpstreamFailure } from '../failure.ts';
import type { HttpResponse } from '../http1/response.ts';

/** The most messages in one body or event: what is made of an empty one takes a hundred times its size. */
const maxMessages = 10_000;

/**
 * The messages in a body: one, or a batch. What is no JSON-RPC is among them, as such.
 * Throws an {@link UpstreamFailure} of kind `protocol` where the text is no JSON, or holds too many.
 */
export function parseMessages(text: string): Message[] {
  try {
    return messagesIn(text);
  } catch (error) {
    throw new UpstreamFailure('protocol', `answered with ${faultOf(error) ?? 'something that is not JSON'}`);
  }
}

/**
 * The messages of one event. Priming events (empty data) and the `[DONE]` of chat-like servers carry none, and
 * neither do events of other names, unless `anyEventName` says so. An event that is no JSON is an invalid message, too:
 * one such event says nothing about the others.
 */
export function eventMessages(event: SseEvent, anyEventName: boolean): Message[] {
  if (event.event !== 'message' && !anyEventName) return [];
  const data = event.data.trim();
  if (data === '' || data === '[DONE]') return [];
  try {
    return messagesIn(data);
  } catch (error) {
    const invalid: InvalidMessage = {
      kind: 'invalid',
      idText: 'null',
      problem: faultOf(error) ?? 'it is not JSON',
    };
    return [invalid];
  }
}

function messagesIn(text: string): Message[] {
  return elements(text, maxMessages, 'messages in a batch')?.map(parseMessage) ?? [parseMessage(text)];
}

function faultOf(error: unknown): string | undefined {
  return error instanceof TooManyError ? error.message : undefined;
}

/** How long the events of one stream may keep all others waiting. */
const maxTurnMs = 0.1;

/**
 * Gives `take` each event that `head` completes, and then each that the response brings. The next one follows when what
 * `take` returned is settled. An event that the end of the stream cut off counts where its data is JSON as it is.
 */
export async function readEvents(
  parser: SseParser,
  head: string,
  response: HttpResponse | null,
  take: (event: SseEvent) => Promise<void> | undefined,
): Promise<void> {
  let events = parser.pushText(head);
  let ended = false;
  let turnEndMs = performance.now() + maxTurnMs;
  for (;;) {
    for (const event of events) {
      const taken = take(event);
      if (taken) await taken;
      if (performance.now() < turnEndMs) continue;
      await nextTurn();
      turnEndMs = performance.now() + maxTurnMs;
    }
    if (ended) return;
    const chunk = response && (await response.read());
    if (chunk) events = parser.push(chunk);
    else {
      ended = true;
      events = parser.end().filter(({ data }) => isJson(data));
    }
  }
}

function isJson(text: string): boolean {
  try {
    checkValue(text);
    return true;
  } catch {
    return false;
  }
}
