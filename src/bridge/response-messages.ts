import { type HttpResponse, maxResponseBytes } from '../http-client/response.ts';
import { elementPlaces } from '../json/scan.ts';
import { mediaType, sseType } from '../protocol/headers.ts';
import { type Message, parseMessage } from '../protocol/messages.ts';
import { type SseEvent, SseParser } from '../protocol/sse-codec.ts';
import { Holding, maxFreeBytes } from '../runtime/byte-budget.ts';

/** The most messages of a batch in a response. */
const maxBatchMessages = 10_000;
/** The most bytes that a character takes. */
const charBytes = 2;

/** A message, and the JSON text that it was parsed from. */
export interface GatewayMessage {
  readonly message: Message;
  readonly text: string;
}

/** Takes what a response carries. The next message follows when the promise has settled. */
export interface MessageSink {
  take(message: GatewayMessage): Promise<void> | undefined;
  /** Something was received, be it a comment. */
  heard(): void;
  /** The id of the last event of a stream, and after which time the client should come back; null: it does not say. */
  onEvent?(id: string, retryMs: number | null): void;
}

/** Whether the body is a stream of events. */
export function isStream(response: HttpResponse): boolean {
  return mediaType(response.contentType) === sseType;
}

/** Reads a body to its end: JSON, or events as they come. Rejects with an `HttpFailure` if it breaks off. */
export async function readMessages(response: HttpResponse, sink: MessageSink): Promise<void> {
  if (isStream(response)) await readEvents(response, sink);
  else {
    const text = await response.text();
    sink.heard();
    await takeAll(text, sink);
  }
}

async function readEvents(response: HttpResponse, sink: MessageSink): Promise<void> {
  const parser = new SseParser(maxResponseBytes);
  const holding = new Holding();
  try {
    for (;;) {
      const chunk = await response.read();
      if (chunk === null) break;
      sink.heard();
      const heldBytes = charBytes * (parser.pendingChars + chunk.byteLength);
      if (heldBytes > maxFreeBytes) await holding.hold(heldBytes);
      else holding.release();
      for (const event of parser.push(chunk)) await takeEvent(event, parser.retryMs, sink);
    }
    for (const event of parser.end()) await takeEvent(event, parser.retryMs, sink);
  } finally {
    holding.release();
  }
}

async function takeEvent(event: SseEvent, retryMs: number | null, sink: MessageSink): Promise<void> {
  // A priming event has an id and no data.
  if (event.id !== '') sink.onEvent?.(event.id, retryMs);
  if (event.event === 'message') await takeAll(event.data, sink);
}

/** What is no message is skipped, as the clients of the SDKs do. */
async function takeAll(text: string, sink: MessageSink): Promise<void> {
  for (const message of messagesIn(text)) await sink.take(message);
}

/** The messages in a text: one, several, or none if it is no JSON-RPC. */
export function messagesIn(text: string): GatewayMessage[] {
  if (text.trim() === '') return [];
  try {
    const places = elementPlaces(text, maxBatchMessages, 'messages in a batch');
    if (places === null) return [{ message: parseMessage(text), text }];
    const messages: GatewayMessage[] = [];
    for (let i = 0; i < places.length; i += 2) {
      const element = text.slice(places[i], places[i + 1]);
      messages.push({ message: parseMessage(element), text: element });
    }
    return messages;
  } catch {
    return [];
  }
}
