import { isAscii, isUtf8 } from 'node:buffer';
import { LongText } from '../../json/long-text.ts';
import { longValues, maxShortChars } from '../../json/long-values.ts';
import { type Ends, elementPlaces, TooManyError } from '../../json/scan.ts';
import { type Message, parseMessage, type ResponseMessage } from '../../protocol/messages.ts';
import type { SseEvent } from '../../protocol/sse-codec.ts';
import { Holding, maxFreeBytes } from '../../runtime/byte-budget.ts';
import { freePayload, OwnedBytes, type Payload } from '../../runtime/owned-bytes.ts';
import { UpstreamFailure } from '../failure.ts';

/** The most messages in a batch: parsed, an empty one takes a hundred times the memory of its text. */
const maxMessages = 10_000;
const messagesInBatch = 'messages in a batch';
/** Bodies from this length on are parsed one at a time, because the text of each takes memory, too. */
const minHugeBytes = 4 * 1024 * 1024;

/** The parsing of the last huge body. */
let lastHuge: Promise<unknown> = Promise.resolve();

/**
 * The messages in a body: one, or a batch. Other JSON is an invalid message. A long payload is owned bytes, and keeps the body
 * if it is part of it; otherwise the body is freed. Long bodies are parsed in slices, between which other work runs. Throws, or
 * rejects with, an {@link UpstreamFailure} of kind `protocol` if the body is not JSON or the batch is too long.
 */
export function parseBody(body: Payload): Message[] | Promise<Message[]> {
  try {
    const messages = typeof body === 'string' ? parseText(body) : parseBytes(body);
    return messages instanceof Promise ? messages.catch(failBody) : messages;
  } catch (error) {
    return failBody(error);
  }
}

/**
 * The messages of an event, as {@link parseBody} has them. There are none in events of other names, unless `isAnyEventName`,
 * in priming events (empty data) and in the `[DONE]` of chat-like servers. Data that is not JSON is an invalid message, because
 * it says nothing about other events.
 *
 * @param isCutOff whether the stream ended within the event, which is ignored then if it is not JSON
 */
export function parseEvent(
  event: SseEvent,
  isAnyEventName: boolean,
  isCutOff = false,
): Message[] | Promise<Message[]> {
  if (event.event === 'endpoint' || (event.event !== 'message' && !isAnyEventName)) return [];
  const data = event.data.trim();
  if (data === '' || data === '[DONE]') return [];
  try {
    const messages = parseText(data);
    return messages instanceof Promise ? messages.catch((error) => notJson(error, isCutOff)) : messages;
  } catch (error) {
    return notJson(error, isCutOff);
  }
}

/** Frees messages that nobody uses. */
export function freeMessages(messages: readonly Message[]): void {
  for (const message of messages) if (message.kind === 'response') freePayload(message.payload);
}

function failBody(error: unknown): never {
  throw new UpstreamFailure('protocol', `answered with ${faultOf(error) ?? 'something that is not JSON'}`);
}

function notJson(error: unknown, isCutOff: boolean): Message[] {
  return isCutOff ? [] : [{ kind: 'invalid', idText: 'null', problem: faultOf(error) ?? 'it is not JSON' }];
}

function faultOf(error: unknown): string | undefined {
  return error instanceof TooManyError ? error.message : undefined;
}

function parseText(text: string): Message[] | Promise<Message[]> {
  if (text.length <= maxShortChars) return messagesIn(text);
  return longValues(text, maxMessages, messagesInBatch).then((ends) => messagesIn(text, ends));
}

function messagesIn(text: string, ends?: Ends): Message[] {
  const places = elementPlaces(text, maxMessages, messagesInBatch, ends);
  if (places === null) return [withOwnedPayload(parseMessage(text, ends))];
  const messages: Message[] = [];
  for (let i = 0; i < places.length; i += 2)
    messages.push(withOwnedPayload(parseMessage(text, ends, places[i])));
  return messages;
}

/** The same message, with a long payload as bytes, which can be freed when they are sent. */
function withOwnedPayload(message: Message): Message {
  if (message.kind !== 'response' || message.payload.length <= maxFreeBytes) return message;
  const bytes = Buffer.from(message.payload as string);
  const holding = new Holding();
  holding.force(bytes.length);
  const { start, payload } = message;
  const text = payload as string;
  const place = (index: number) =>
    bytes.length === text.length ? index - start : Buffer.byteLength(text.slice(0, index - start));
  return { ...message, payload: new OwnedBytes(bytes, holding), place };
}

async function parseBytes(bytes: OwnedBytes): Promise<Message[]> {
  try {
    const response = await (bytes.length < minHugeBytes ? responseIn(bytes) : responseInHuge(bytes));
    if (response) return [response];
    const text = bytes.toString();
    bytes.free();
    return await parseText(text);
  } catch (error) {
    bytes.free();
    throw error;
  }
}

function responseInHuge(bytes: OwnedBytes): Promise<ResponseMessage | undefined> {
  const response = lastHuge.then(() => responseIn(bytes));
  lastHuge = response;
  return response;
}

/** The response that the bytes are, with a part of them as its payload; undefined if the whole text has to tell what they are. */
async function responseIn(bytes: OwnedBytes): Promise<ResponseMessage | undefined> {
  const placed = placedText(bytes.bytes);
  if (placed === null) return undefined;
  const { text } = placed;
  try {
    const isShort = text.length <= maxShortChars;
    const message = parseMessage(
      text,
      isShort ? undefined : await longValues(text, maxMessages, messagesInBatch),
    );
    if (message.kind !== 'response') return undefined;
    const { start, payload } = message;
    const first = placed.place(start);
    const place = (index: number) => placed.place(index) - first;
    // The payload does not keep the text, which would take twice the memory of the bytes until the response is sent.
    return { ...message, payload: bytes.part(first, placed.place(start + payload.length)), place };
  } catch {
    return undefined;
  }
}

/** The text of a body, or most of it, and a map from its indexes to those of the bytes. */
interface PlacedText {
  readonly text: string;
  place(index: number): number;
}

/** Null if the bytes are not UTF-8. */
function placedText(bytes: Uint8Array): PlacedText | null {
  if (isAscii(bytes)) return LongText.of(bytes);
  if (!isUtf8(bytes)) return null;
  const text = new OwnedBytes(bytes).toString();
  return { text, place: (index) => Buffer.byteLength(text.slice(0, index)) };
}
