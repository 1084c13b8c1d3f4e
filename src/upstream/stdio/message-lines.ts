import { isUtf8 } from 'node:buffer';
import { type Line, LineSplitter, OverlongLine } from '../../process/line-splitter.ts';
import type { InvalidMessage, Message } from '../../protocol/messages.ts';
import { forEachInShortTurns } from '../../runtime/event-loop.ts';
import { OwnedBytes } from '../../runtime/owned-bytes.ts';
import { parseBody } from '../transport/parse-messages.ts';

/** The longest line: as long as the longest body over HTTP. */
const maxLineBytes = 64 * 1024 * 1024;

/** What takes the messages of {@link MessageLines}. */
export interface LineEvents {
  onMessage(message: Message): void;
  /** A line is not JSON, such as a banner. */
  onNoise(line: string): void;
  /** A line is not UTF-8; its other characters are kept. */
  onLossyLine(): void;
  /** A line was skipped because it is too long, or because the gateway has no room for it. `isAnswer`: its request fails. */
  onSkippedLine(bytes: number, isAnswer: boolean): void;
}

/** The messages in the output of a process, one a line. Lines that are no messages are skipped. */
export class MessageLines {
  readonly #events: LineEvents;
  readonly #splitter: LineSplitter;
  readonly #takeLine = (line: Line) => this.#take(line);

  /** @param maxBytes the longest line */
  constructor(events: LineEvents, maxBytes = maxLineBytes) {
    this.#events = events;
    this.#splitter = new LineSplitter(maxBytes);
  }

  /** Takes a part of the output. The next one should come when the promise has settled, which never rejects. */
  push(chunk: Uint8Array): Promise<void> | undefined {
    const reserved = this.#splitter.reserve(chunk.length);
    if (reserved) return this.#pushLater(reserved, chunk);
    return forEachInShortTurns(this.#splitter.push(chunk), this.#takeLine);
  }

  /** The output has ended. */
  end(): Promise<void> | undefined {
    const last = this.#splitter.end();
    return last === null ? undefined : this.#take(last);
  }

  async #pushLater(reserved: Promise<void>, chunk: Uint8Array): Promise<void> {
    try {
      await reserved;
    } catch {
      this.#splitter.skip();
    }
    await forEachInShortTurns(this.#splitter.push(chunk), this.#takeLine);
  }

  #take(line: Line): Promise<void> | undefined {
    if (line instanceof OverlongLine) {
      this.#takeOverlong(line);
      return undefined;
    }
    if (!(line instanceof OwnedBytes)) return this.#takeText(this.#textOf(line));
    if (isUtf8(line.bytes)) return this.#parse(line);
    const text = this.#textOf(line.bytes);
    line.free();
    return this.#takeText(text);
  }

  #takeText(text: string): Promise<void> | undefined {
    const content = text.trim();
    return content === '' ? undefined : this.#parse(content);
  }

  /** Not decoded in part: a replacement character of the server's own is rare enough to look twice. */
  #textOf(bytes: Uint8Array): string {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
    if (text.includes('\ufffd') && !isUtf8(bytes)) this.#events.onLossyLine();
    return text;
  }

  #parse(body: string | OwnedBytes): Promise<void> | undefined {
    const noise = () => this.#events.onNoise(typeof body === 'string' ? body : '');
    try {
      const parsed = parseBody(body);
      if (parsed instanceof Promise) return parsed.then((messages) => this.#deliver(messages), noise);
      this.#deliver(parsed);
    } catch {
      noise();
    }
    return undefined;
  }

  #deliver(messages: readonly Message[]): void {
    for (const message of messages) this.#events.onMessage(message);
  }

  /** The request fails that the line was the answer to, if one of its ends names it. */
  #takeOverlong(line: OverlongLine): void {
    const answers = idIn(line);
    this.#events.onSkippedLine(line.length, answers !== null);
    if (answers !== null) this.#events.onMessage(tooLong(answers, line.length));
  }
}

/** Serializers write the id of a response before its result or after it. */
const idAtHead =
  /^\s*\{(?:\s*"jsonrpc"\s*:\s*"2\.0"\s*,)?\s*"id"\s*:\s*(?:(\d{1,15})|"(\d{1,15})")\s*,\s*"(?:jsonrpc|result|error)"/;
const idAtTail = /,\s*"id"\s*:\s*(?:(\d{1,15})|"(\d{1,15})")\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/;

function idIn({ head, tail }: OverlongLine): number | null {
  const [, number, digits] = idAtHead.exec(head) ?? idAtTail.exec(tail) ?? [];
  return number === undefined && digits === undefined ? null : Number(number ?? digits);
}

function tooLong(answers: number, bytes: number): InvalidMessage {
  const mebibytes = Math.ceil(bytes / (1024 * 1024));
  const problem = `a line of ${mebibytes} MiB, which is too long, or too much for the gateway at the moment`;
  return { kind: 'invalid', idText: String(answers), answers, problem };
}
