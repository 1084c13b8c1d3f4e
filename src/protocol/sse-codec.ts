/** Server-Sent Events, both ways. WHATWG HTML, 9.2 "Server-sent events". */

/** A dispatched event. */
export interface SseEvent {
  /** The event type, by default `message`. */
  readonly event: string;
  readonly data: string;
  /** The last event id of the stream so far, for `Last-Event-ID`; empty if there was none. */
  readonly id: string;
}

/** A comment, which clients ignore. It keeps proxies from closing an idle connection. */
export const keepAliveComment = ': keep-alive\n\n';

/** The text before and after a JSON text of one line in the event that carries it. */
export const eventHead = 'event: message\ndata: ';
export const eventEnd = '\n\n';

/** The {@link eventHead} of an event with an id. */
export function eventHeadWithId(id: string): string {
  return `id: ${id}\n${eventHead}`;
}

/**
 * An event without a message, from which a client that loses its connection can resume. MCP 2025-11-25, Transports, Sending
 * Messages to the Server.
 * @param retryMs after which time it should reconnect
 */
export function primingEvent(id: string, retryMs: number): string {
  return `id: ${id}\nretry: ${retryMs}\ndata: ${eventEnd}`;
}

/** The event that carries a JSON text. Line breaks in JSON are white space between tokens, so a space can replace them. */
export function sseMessage(json: string, head = eventHead): string {
  const line = /[\r\n]/.test(json) ? json.replace(/[\r\n]+/g, ' ') : json;
  return head + line + eventEnd;
}

/** The least that a line of data counts against the limit: even an empty line takes memory. */
const minLineChars = 32;

/** After this many lines of data they are joined, because millions of strings take several times the memory of their text. */
const linesInBlock = 4_096;

/** An event exceeds the limit. The rest of the stream cannot be parsed. */
export class SseTooLargeError extends Error {
  constructor(maxEventChars: number) {
    super(`an event of the stream is larger than ${maxEventChars} characters`);
  }
}

/**
 * Parses a stream into events, from chunks of any size. Handles LF, CRLF and CR, a leading byte order mark, comments and
 * multi-line data. Throws an {@link SseTooLargeError} when an event exceeds the limit.
 */
export class SseParser {
  /** Created with the first bytes; text needs none. */
  #decoder: TextDecoder | null = null;
  readonly #maxEventChars: number;
  /** The parts of an incomplete line. They are joined once, so the cost of a long line is linear in its length. */
  #line: string[] = [];
  /** A CR ended the last line. An LF that follows is part of the same line end. */
  #afterCr = false;
  #data: string[] = [];
  /** The number of elements at the start of the data that are joined lines. */
  #blocks = 0;
  #event = '';
  #id = '';
  #chars = 0;
  /** The last `retry` field, in milliseconds. */
  retryMs: number | null = null;

  constructor(maxEventChars: number) {
    this.#maxEventChars = maxEventChars;
  }

  /** The length of the incomplete event. */
  get pendingChars(): number {
    return this.#chars;
  }

  /** Parses the next bytes and returns the events that they complete. */
  push(bytes: Uint8Array): SseEvent[] {
    return this.pushText(this.decode(bytes));
  }

  /** Decodes the next bytes for {@link pushText}. */
  decode(bytes: Uint8Array): string {
    this.#decoder ??= new TextDecoder();
    return this.#decoder.decode(bytes, { stream: true });
  }

  /** Like {@link push}, for text without a byte order mark. */
  pushText(text: string): SseEvent[] {
    const events: SseEvent[] = [];
    let at = 0;
    if (this.#afterCr && text.length > 0) {
      this.#afterCr = false;
      if (text.startsWith('\n')) at = 1;
    }
    // Each is searched again only after it was passed. Otherwise every line would search the whole rest for one that is absent.
    let cr = text.indexOf('\r', at);
    let lf = text.indexOf('\n', at);
    while (at < text.length) {
      if (cr >= 0 && cr < at) cr = text.indexOf('\r', at);
      if (lf >= 0 && lf < at) lf = text.indexOf('\n', at);
      const end = cr >= 0 && (lf < 0 || cr < lf) ? cr : lf;
      if (end < 0) {
        this.#grow(text.length - at);
        this.#line.push(text.slice(at));
        break;
      }
      let line = text.slice(at, end);
      this.#grow(line.length);
      if (this.#line.length > 0) {
        line = this.#line.join('') + line;
        this.#line = [];
      }
      at = end + 1;
      if (end === cr) {
        if (text.charCodeAt(at) === 0x0a) at++;
        else if (at === text.length) this.#afterCr = true;
      }
      const event = this.#parseLine(line);
      if (event) events.push(event);
    }
    return events;
  }

  /**
   * Returns the incomplete event at the end of the stream, if any. The standard discards it, but some servers end their streams
   * without the blank line.
   */
  end(): SseEvent[] {
    return this.pushText('\n\n');
  }

  #grow(chars: number): void {
    this.#chars += chars;
    if (this.#chars > this.#maxEventChars) throw new SseTooLargeError(this.#maxEventChars);
  }

  #parseLine(line: string): SseEvent | null {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) {
      // Comments do not count, so that a stream of keep-alive comments never reaches the limit.
      if (this.#data.length === 0) this.#chars = 0;
      return null;
    }
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1);
    if (field === 'data') {
      this.#grow(Math.max(0, minLineChars - line.length));
      if (this.#data.push(value) - this.#blocks === linesInBlock) {
        const block = this.#data.splice(this.#blocks).join('\n');
        this.#blocks = this.#data.push(block);
      }
    } else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^[0-9]{1,9}$/.test(value)) this.retryMs = Number(value);
    return null;
  }

  #dispatch(): SseEvent | null {
    const data = this.#data.length === 1 ? this.#data[0]! : this.#data.join('\n');
    const dispatched = this.#data.length > 0 ? { event: this.#event || 'message', data, id: this.#id } : null;
    this.#data = [];
    this.#blocks = 0;
    this.#event = '';
    this.#chars = 0;
    return dispatched;
  }
}
