import type { HttpResponse } from '../../http-client/response.ts';
import { maxShortChars } from '../../json/long-values.ts';
import type { Message } from '../../protocol/messages.ts';
import type { SseEvent, SseParser } from '../../protocol/sse-codec.ts';
import { Holding, maxFreeBytes } from '../../runtime/byte-budget.ts';
import { nextTurn } from '../../runtime/event-loop.ts';
import { parseEvent } from './parse-messages.ts';

/** The shortest wait before a stream is opened again, also if the server's `retry` is 0. */
export const minReopenDelayMs = 100;

/** How long the events of one stream may keep other work waiting (docs/performance.md#stream-turns). */
const maxTurnMs = 0.1;

/** The most bytes that a character takes. */
const charBytes = 2;

/**
 * Reads a stream to its end and calls `take` with each event and its messages. The next event follows when the promise that
 * `take` returns has settled. An event that the end of the stream cuts off counts if its data is JSON.
 *
 * @param head text of the stream that has come before, which `parser` has not parsed
 * @param response the rest of the stream; null: nothing more comes
 */
export async function readEvents(
  parser: SseParser,
  head: string,
  response: HttpResponse | null,
  take: (event: SseEvent, messages: readonly Message[]) => Promise<void> | undefined,
  isAnyEventName: () => boolean = () => false,
): Promise<void> {
  let events = parser.pushText(head.slice(0, maxShortChars));
  let headAt = maxShortChars;
  let hasEnded = false;
  let turnEndMs = performance.now() + maxTurnMs;
  let holding: Holding | null = null;
  const othersTurn = async () => {
    await nextTurn();
    turnEndMs = performance.now() + maxTurnMs;
  };
  try {
    for (;;) {
      for (const event of events) {
        const parsed = parseEvent(event, isAnyEventName(), hasEnded);
        const messages = parsed instanceof Promise ? await parsed : parsed;
        if (hasEnded && messages.length === 0) continue;
        const taken = take(event, messages);
        if (taken) await taken;
        if (performance.now() >= turnEndMs) await othersTurn();
      }
      // Comments complete no event.
      if (performance.now() >= turnEndMs) await othersTurn();
      if (headAt < head.length) {
        events = parser.pushText(head.slice(headAt, headAt + maxShortChars));
        headAt += maxShortChars;
        continue;
      }
      if (hasEnded) return;
      // The next chunk may be long in coming.
      holding?.force(charBytes * parser.pendingChars);
      const chunk = response && (await response.read());
      if (chunk === null) {
        hasEnded = true;
        events = parser.end();
        continue;
      }
      const heldBytes = charBytes * (parser.pendingChars + chunk.byteLength);
      if (holding || heldBytes > maxFreeBytes) {
        holding ??= new Holding();
        await holding.hold(heldBytes);
      }
      events = parser.push(chunk);
    }
  } finally {
    holding?.release();
  }
}
