import { isUtf8 } from 'node:buffer';
import { elementPlaces, TooManyError } from '../json/scan.ts';
import { type Line, LineSplitter, OverlongLine } from '../process/line-splitter.ts';
import { type Message, parseMessage } from '../protocol/messages.ts';
import { OwnedBytes } from '../runtime/owned-bytes.ts';

/** The longest line: as long as the longest answer over HTTP. */
const maxLineBytes = 64 * 1024 * 1024;
/** The most messages of a batch. MCP 2025-03-26, Messages, Batching. */
const maxBatchMessages = 100;

/** What takes the messages of {@link ClientLines}. */
interface ClientLineEvents {
  /** @param text the JSON text of the message */
  onMessage(message: Message, text: string): void;
  /** A line that is no message. @param idText of the request that it seems to be; null: it has none */
  onRefused(idText: string | null, problem: string): void;
}

/** The messages of a client, one a line. The elements of a batch count as messages of their own, which are answered one by one. */
export class ClientLines {
  readonly #events: ClientLineEvents;
  readonly #splitter: LineSplitter;
  readonly #maxBytes: number;

  /** @param maxBytes the longest line */
  constructor(events: ClientLineEvents, maxBytes = maxLineBytes) {
    this.#events = events;
    this.#maxBytes = maxBytes;
    this.#splitter = new LineSplitter(maxBytes);
  }

  /** Takes a part of the input. The next one should come when the promise has settled, which never rejects. */
  async push(chunk: Uint8Array): Promise<void> {
    try {
      await this.#splitter.reserve(chunk.length);
    } catch {
      this.#splitter.skip();
    }
    for (const line of this.#splitter.push(chunk)) this.#take(line);
  }

  #take(line: Line): void {
    if (line instanceof OverlongLine) {
      const problem = `the message has ${line.length} bytes; the longest that can be passed on has ${this.#maxBytes}`;
      this.#events.onRefused(idIn(line), problem);
      return;
    }
    const bytes = line instanceof OwnedBytes ? line.bytes : line;
    const isText = isUtf8(bytes);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString().trim();
    if (line instanceof OwnedBytes) line.free();
    if (!isText) this.#events.onRefused(null, 'a line is not UTF-8');
    else if (text !== '') this.#parse(text);
  }

  #parse(text: string): void {
    try {
      const places = elementPlaces(text, maxBatchMessages, 'messages in a batch');
      if (places === null) {
        this.#events.onMessage(parseMessage(text), text);
        return;
      }
      for (let i = 0; i < places.length; i += 2) {
        const element = text.slice(places[i], places[i + 1]);
        this.#events.onMessage(parseMessage(element), element);
      }
    } catch (error) {
      const problem = error instanceof TooManyError ? error.message : 'a line is not JSON';
      this.#events.onRefused(null, problem);
    }
  }
}

const id = '(-?\\d{1,15}|"(?:[^"\\\\]|\\\\.){0,200}")';
/** Serializers write the id of a request before its params or after them. */
const idAtHead = new RegExp(
  `^\\s*\\{(?:\\s*"jsonrpc"\\s*:\\s*"2\\.0"\\s*,)?\\s*"id"\\s*:\\s*${id}\\s*,\\s*"(?:jsonrpc|method)"`,
);
const idAtTail = new RegExp(`,\\s*"id"\\s*:\\s*${id}\\s*(?:,\\s*"jsonrpc"\\s*:\\s*"2\\.0"\\s*)?\\}\\s*$`);

/** The id of a request that is too long, if one of its ends tells it. */
function idIn({ head, tail }: OverlongLine): string | null {
  // Only a request has a method, at one of its ends.
  if (!/"method"\s*:/.test(head) && !/"method"\s*:/.test(tail)) return null;
  return idAtHead.exec(head)?.[1] ?? idAtTail.exec(tail)?.[1] ?? null;
}
