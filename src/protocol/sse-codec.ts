/** Server-Sent Events, both ways. WHATWG HTML, 9.2 "Server-sent events". */

/** One event as dispatched: `event` is `message` where the stream named none. */
export interface SseEvent {
  readonly event: string;
  readonly data: string;
  /** The last event id in force, for `Last-Event-ID`; empty when none was seen. */
  readonly id: string;
}

/** A comment: clients ignore it, proxies see traffic. */
export const keepAliveComment = ': keep-alive\n\n';

/** What stands before and after the JSON text, which is one line, in the event that carries it. */
export const eventHead = 'event: message\ndata: ';
export const eventEnd = '\n\n';

/** The event that carries one JSON text. Line breaks inside JSON can only be white space between tokens. */
export function sseMessage(json: string): string {
  const line = /[\r\n]/.test(json) ? json.replace(/[\r\n]+/g, ' ') : json;
  return eventHead + line + eventEnd;
}

/** A line of data counts for at least so much: what is kept of an empty one is more than nothing. */
const minLineChars = 32;

/** As many lines are kept as such: millions of them take several times as much as their text. */
const linesInBlock = 4_096;

/** One event outgrew its bound; the stream cannot be read on. */
export class SseTooLargeError extends Error {
  constructor(maxEventChars: number) {
    super(`an event of the stream is larger than ${maxEventChars} characters`);
  }
}

/**
 * Parses a stream of bytes into events, in pieces of any size. Understands LF, CRLF and CR, a leading byte
 * order mark, comments and multi-line data. Throws {@link SseTooLargeError} once one event outgrows the bound.
 */
export class SseParser {
  /** Made when bytes come: what is there as text needs none. */
  #decoder: TextDecoder | null = null;
  readonly #maxEventChars: number;
  /** The pieces of a line whose end has not come yet: joined once, so that a long line costs no more than its length. */
  #line: string[] = [];
  /** A CR ended the last line: an LF that follows belongs to it. */
  #afterCr = false;
  #data: string[] = [];
  /** How many at its beginning are lines that were joined already. */
  #blocks = 0;
  #event = '';
  #id = '';
  #chars = 0;
  /** The last `retry` field, in milliseconds. */
  retryMs: number | null = null;

  constructor(maxEventChars: number) {
    this.#maxEventChars = maxEventChars;
  }

  /** How much of an event has come whose end has not. */
  get pendingChars(): number {
    return this.#chars;
  }

  /** Takes the next bytes and returns the events that they complete. */
  push(bytes: Uint8Array): SseEvent[] {
    return this.pushText(this.decode(bytes));
  }

  /** The text in the next bytes, for {@link pushText}. */
  decode(bytes: Uint8Array): string {
    this.#decoder ??= new TextDecoder();
    return this.#decoder.decode(bytes, { stream: true });
  }

  /** The same as {@link push} for text, without a byte order mark. */
  pushText(text: string): SseEvent[] {
    const events: SseEvent[] = [];
    let at = 0;
    if (this.#afterCr && text.length > 0) {
      this.#afterCr = false;
      if (text.startsWith('\n')) at = 1;
    }
    // Each is looked for again only when it was passed: of the one that is not there, every line would search all the rest.
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
      const event = this.#take(line);
      if (event) events.push(event);
    }
    return events;
  }

  /**
   * What the stream has ended in: the event whose last lines have no end, or none. By the standard it is none, and some
   * servers end with it all the same.
   */
  end(): SseEvent[] {
    return this.pushText('\n\n');
  }

  #grow(chars: number): void {
    this.#chars += chars;
    if (this.#chars > this.#maxEventChars) throw new SseTooLargeError(this.#maxEventChars);
  }

  #take(line: string): SseEvent | null {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) {
      // A comment counts for nothing: a stream of them alone must be able to go on for ever.
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
    const data = this.#data.length === 1 ? (this.#data[0] as string) : this.#data.join('\n');
    const dispatched = this.#data.length > 0 ? { event: this.#event || 'message', data, id: this.#id } : null;
    this.#data = [];
    this.#blocks = 0;
    this.#event = '';
    this.#chars = 0;
    return dispatched;
  }
}
