import type { HttpResponse } from '../../http-client/response.ts';
import { longValues, maxShortChars } from '../../json/long-values.ts';
import { checkValue, type Ends, elementPlaces, TooManyError } from '../../json/scan.ts';
import { type InvalidMessage, type Message, parseMessage } from '../../protocol/messages.ts';
import type { SseEvent, SseParser } from '../../protocol/sse-codec.ts';
import { Holding, maxFreeBytes } from '../../runtime/byte-budget.ts';
import { nextTurn } from '../../runtime/event-loop.ts';
import { UpstreamFailure } from '../failure.ts';

/** The most messages in one body or event: what is made of an empty one takes a hundred times its size. */
const maxMessages = 10_000;
const messagesInBatch = 'messages in a batch';

/**
 * The messages in a body: one, or a batch. What is no JSON-RPC is among them, as such.
 * Throws an {@link UpstreamFailure} of kind `protocol` where the text is no JSON, or holds too many.
 */
export function parseMessages(text: string, ends?: Ends): Message[] {
  try {
    return messagesIn(text, ends);
  } catch (error) {
    throw noMessages(error);
  }
}

/**
 * The messages of one event. Priming events (empty data) and the `[DONE]` of chat-like servers carry none, and
 * neither do events of other names, unless `anyEventName` says so. An event that is no JSON is an invalid message, too:
 * one such event says nothing about the others.
 */
export function eventMessages(event: ReadEvent, anyEventName: boolean): Message[] {
  if (event.event !== 'message' && !anyEventName) return [];
  const data = event.data.trim();
  if (data === '' || data === '[DONE]') return [];
  if (event.fault) return [noMessage(event.fault)];
  try {
    return messagesIn(data, event.ends);
  } catch (error) {
    return [noMessage(error)];
  }
}

function noMessage(error: unknown): InvalidMessage {
  return { kind: 'invalid', idText: 'null', problem: faultOf(error) ?? 'it is not JSON' };
}

/** An event, and, where it is long, what is known of its data. */
interface ReadEvent extends SseEvent {
  /** Where its long values end. */
  readonly ends?: Ends;
  /** Why there is no message in it. */
  readonly fault?: unknown;
}

async function scanned(event: SseEvent): Promise<ReadEvent> {
  const data = event.data.trim();
  try {
    return { ...event, data, ends: await longValues(data, maxMessages, messagesInBatch) };
  } catch (fault) {
    return { ...event, data, fault };
  }
}

function messagesIn(text: string, ends?: Ends): Message[] {
  const places = elementPlaces(text, maxMessages, messagesInBatch, ends);
  if (places === null) return [parseMessage(text, ends)];
  const messages: Message[] = [];
  for (let i = 0; i < places.length; i += 2) messages.push(parseMessage(text, ends, places[i]));
  return messages;
}

/**
 * Where the long values in a long text end, for {@link parseMessages}; undefined where the text is short.
 * Rejects as that throws.
 */
export async function endsIn(text: string): Promise<Ends | undefined> {
  if (text.length <= maxShortChars) return undefined;
  try {
    return await longValues(text, maxMessages, messagesInBatch);
  } catch (error) {
    throw noMessages(error);
  }
}

function noMessages(error: unknown): UpstreamFailure {
  return new UpstreamFailure('protocol', `answered with ${faultOf(error) ?? 'something that is not JSON'}`);
}

function faultOf(error: unknown): string | undefined {
  return error instanceof TooManyError ? error.message : undefined;
}

/** How long the events of one stream may keep all others waiting. */
const maxTurnMs = 0.1;

/** As many bytes may a character take. */
const charBytes = 2;

/**
 * Gives `take` each event that `head` completes, and then each that the response brings. The next one follows when what
 * `take` returned is settled. An event that the end of the stream cut off counts where its data is JSON as it is.
 */
export async function readEvents(
  parser: SseParser,
  head: string,
  response: HttpResponse | null,
  take: (event: ReadEvent) => Promise<void> | undefined,
): Promise<void> {
  let events = parser.pushText(head.slice(0, maxShortChars));
  let headAt = maxShortChars;
  let ended = false;
  let turnEndMs = performance.now() + maxTurnMs;
  let holding: Holding | null = null;
  const othersTurn = async () => {
    await nextTurn();
    turnEndMs = performance.now() + maxTurnMs;
  };
  try {
    for (;;) {
      for (const next of events) {
        const event = next.data.length > maxShortChars ? await scanned(next) : next;
        if (ended && !isWhole(event)) continue;
        const taken = take(event);
        if (taken) await taken;
        if (performance.now() >= turnEndMs) await othersTurn();
      }
      // Comments and the like complete no event.
      if (performance.now() >= turnEndMs) await othersTurn();
      if (headAt < head.length) {
        events = parser.pushText(head.slice(headAt, headAt + maxShortChars));
        headAt += maxShortChars;
        continue;
      }
      if (ended) return;
      // The next piece may be long in coming.
      holding?.force(charBytes * parser.pendingChars);
      const chunk = response && (await response.read());
      if (chunk === null) {
        ended = true;
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

/** Whether the data of an event that the end of its stream cut off is JSON all the same. */
function isWhole(event: ReadEvent): boolean {
  if (event.ends || event.fault) return event.fault === undefined;
  try {
    checkValue(event.data);
    return true;
  } catch {
    return false;
  }
}
