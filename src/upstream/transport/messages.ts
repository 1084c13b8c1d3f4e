import { elements } from '../../protocol/json-text.ts';
import { classify, type Message } from '../../protocol/jsonrpc.ts';
import type { SseEvent, SseParser } from '../../protocol/sse.ts';
import { UpstreamFailure } from '../failure.ts';
import type { HttpResponse } from '../http1/response.ts';

/**
 * The JSON-RPC messages in a body or in the data of an event: one, or a batch.
 * Throws an {@link UpstreamFailure} of kind `protocol` where the text is no JSON-RPC.
 */
export function parseMessages(text: string): Message[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UpstreamFailure('protocol', 'answered with something that is not JSON');
  }
  if (!Array.isArray(value)) return [checked(classify(value, text))];
  const texts = elements(text);
  return value.map((entry, index) => checked(classify(entry, texts[index] as string)));
}

function checked(message: Message): Message {
  if (message.kind === 'invalid') {
    throw new UpstreamFailure('protocol', `answered with something that is not JSON-RPC: ${message.problem}`);
  }
  return message;
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

/** The events in `head` and then in what the response brings. */
export async function* eventsOf(
  parser: SseParser,
  head: readonly Uint8Array[],
  response: HttpResponse | null,
): AsyncGenerator<SseEvent, void> {
  for (const chunk of head) yield* parser.push(chunk);
  for (;;) {
    const chunk = response && (await response.read());
    if (!chunk) return;
    yield* parser.push(chunk);
  }
}
