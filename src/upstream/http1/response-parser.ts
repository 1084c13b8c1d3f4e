import { HeaderFields } from './header-fields.ts';

/** The head of a response and what follows 1xx heads, in bytes; Node takes 16 KiB, and some proxies more. */
const maxHeadBytes = 64 * 1024;
/** As much as is looked at at a time for the end of a head, which seldom has more: what follows it is no text yet. */
const headWindowBytes = 512;
/** A chunk's size line with its extensions, and all trailers together. */
const maxChunkMetaBytes = 16 * 1024;
/** What every response begins with. */
const protocol = 'HTTP/1.';
const statusLine = /^HTTP\/1\.\d [1-9]\d{2}(?: [^\0\r\n]*)?\r?\n/;
/** The code of the digit 0. */
const zero = 0x30;
/** As much as is looked at for the end of a line between chunks, which seldom has ten bytes. */
const chunkLineWindowBytes = 64;
/** More digits would be no exact number. */
const maxChunkSizeDigits = 12;

/** A response whose framing breaks the rules; its connection cannot be used any more. */
export class HttpFramingError extends Error {}

/** The head of a response. RFC 9112, 4 and 5. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: HeaderFields;
  /** Whether the connection may serve another request after this response. RFC 9112, 9.3. */
  readonly persistent: boolean;
  /** The length of the body in bytes, where the head tells it. */
  readonly contentLength: number | null;
}

/** Takes what a {@link ResponseParser} finds, in order: one head, pieces of the body, the end. */
export interface ResponseSink {
  onHead(head: ResponseHead): void;
  /** Part of the body: what stands in `chunk`, the very one that was pushed, from `start` to `end`. */
  onData(chunk: Buffer, start: number, end: number): void;
  /** @param clean whether nothing came after the end, so that what comes next can be told from it */
  onEnd(clean: boolean): void;
}

type State =
  | 'head'
  | 'fixed'
  | 'until_close'
  | 'chunk_size'
  | 'chunk_data'
  | 'chunk_end'
  | 'trailers'
  | 'ended';

/**
 * Parses the HTTP/1.x responses that come over one connection, one after another, from pieces of any size.
 * RFC 9112, "Message Format", "Message Body" and "Chunked Transfer Coding". Interim responses (1xx) are passed over.
 * All requests are taken to be other than HEAD and CONNECT.
 */
export class ResponseParser {
  readonly #sink: ResponseSink;
  #state: State = 'ended';
  /** A head, or a line between chunks, whose end has not come yet. */
  #partial = '';
  /** What the head, a size line or the trailers may still take. */
  #budget = 0;
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** A request was sent: what comes next is its response. */
  expect(): void {
    this.#state = 'head';
    this.#budget = maxHeadBytes;
  }

  /**
   * Takes the next bytes. Throws {@link HttpFramingError}: for bytes that belong to no response, too, which
   * would otherwise be taken for the answer to the next request.
   */
  push(chunk: Buffer): void {
    if (this.#state === 'ended') throw new HttpFramingError('sent what was not asked for');
    let at = 0;
    while (at < chunk.length) {
      switch (this.#state) {
        case 'ended':
          this.#sink.onEnd(false);
          return;
        case 'until_close':
          this.#sink.onData(chunk, at, chunk.length);
          return;
        case 'fixed':
        case 'chunk_data': {
          const end = Math.min(chunk.length, at + this.#left);
          this.#left -= end - at;
          this.#sink.onData(chunk, at, end);
          at = end;
          if (this.#left > 0) return;
          if (this.#state === 'fixed') this.#state = 'ended';
          else this.#expectLine('chunk_end');
          break;
        }
        case 'head':
          at = this.#readHead(chunk, at);
          break;
        default:
          at = this.#readLine(chunk, at);
      }
    }
    if (this.#state === 'ended') this.#sink.onEnd(true);
  }

  /** The connection ended in good order, which ends a body that has no other end. */
  close(): void {
    if (this.#state === 'until_close') this.#sink.onEnd(true);
    this.#state = 'ended';
  }

  /** Reads on in a head; returns where it stopped. */
  #readHead(chunk: Buffer, from: number): number {
    const to = Math.min(chunk.length, from + Math.min(this.#budget + 1, headWindowBytes));
    const text = chunk.toString('latin1', from, to);
    const before = this.#partial.length;
    const head = this.#partial + text;
    // The empty line at the end may have begun in the piece before.
    const end = endOfHead(head, Math.max(before - 3, 0));
    const taken = (end < 0 ? head.length : end) - before;
    this.#budget -= taken;
    if (this.#budget < 0) throw new HttpFramingError('answered with too long a head');
    this.#partial = end < 0 ? head : '';
    if (end >= 0) this.#takeHead(head.slice(0, end));
    // What speaks another protocol may never send an empty line.
    else if (!protocol.startsWith(head.slice(0, protocol.length))) throw notHttp();
    return from + taken;
  }

  /** @param head up to and with its empty line */
  #takeHead(head: string): void {
    const lineEnd = head.indexOf('\n');
    if (!statusLine.test(head)) throw notHttp();
    const headers = HeaderFields.parse(head.slice(lineEnd, head.lastIndexOf('\n', head.length - 2) + 1));
    if (headers === null) throw new HttpFramingError('answered with a malformed header');
    const digit = (at: number) => head.charCodeAt(at) - zero;
    this.#endHead(digit(7), digit(9) * 100 + digit(10) * 10 + digit(11), headers);
  }

  #endHead(minorVersion: number, status: number, headers: HeaderFields): void {
    if (status === 101) throw new HttpFramingError('switched protocols unasked (HTTP 101)');
    // An interim response; the head that counts is still to come, within the same bound.
    if (status < 200) return;
    const coding = headers.get('transfer-encoding');
    const chunked = coding !== null && endsChunked(coding);
    const length = contentLengthOf(headers.get('content-length'));
    const empty = status === 204 || status === 304;
    // RFC 9112, 6.3: an encoding overrides a length.
    const encoded = coding !== null && /[^,\s]/.test(coding);
    const contentLength = empty ? 0 : encoded ? null : length;
    const framed = empty || chunked || contentLength !== null;
    // Where both stand, where a version that has no chunks sends some, or where a body is announced that must not be
    // there, the two sides may not agree on what comes next.
    const suspicious =
      (coding !== null && (length !== null || minorVersion === 0 || empty)) ||
      (status === 204 && length !== null && length > 0);
    this.#sink.onHead({
      status,
      headers,
      contentLength,
      persistent: framed && !suspicious && isPersistent(minorVersion, headers.get('connection')),
    });
    if (contentLength === 0) this.#state = 'ended';
    else if (contentLength !== null) {
      this.#state = 'fixed';
      this.#left = contentLength;
    } else if (chunked) this.#expectLine('chunk_size');
    else this.#state = 'until_close';
  }

  /** Reads on in a line between chunks; returns where it stopped. */
  #readLine(chunk: Buffer, from: number): number {
    const text = chunk.toString('latin1', from, Math.min(chunk.length, from + chunkLineWindowBytes));
    const end = text.indexOf('\n');
    const taken = end < 0 ? text.length : end + 1;
    this.#budget -= taken;
    if (this.#budget < 0) throw new HttpFramingError('answered with too much between its chunks');
    const line = this.#partial + text.slice(0, taken);
    this.#partial = end < 0 ? line : '';
    if (end >= 0) this.#takeLine(line);
    return from + taken;
  }

  /** @param line with its end, which is a carriage return and a line feed here: only in heads the former may lack */
  #takeLine(line: string): void {
    if (this.#state === 'chunk_size') this.#takeChunkSize(line);
    else if (this.#state === 'trailers') {
      if (line === '\r\n' || line === '\n') this.#state = 'ended';
    } else {
      if (line !== '\r\n') throw new HttpFramingError('sent a chunk that is longer than its size');
      this.#expectLine('chunk_size');
    }
  }

  #takeChunkSize(line: string): void {
    const match = /^([0-9a-f]+)[ \t]*(?:;[^\r\n]*)?\r\n$/i.exec(line);
    const digits = match?.[1]?.replace(/^0+(?=.)/, '');
    if (digits === undefined || digits.length > maxChunkSizeDigits)
      throw new HttpFramingError('sent a chunk without a valid size');
    this.#left = Number.parseInt(digits, 16);
    if (this.#left === 0) this.#expectLine('trailers');
    else this.#state = 'chunk_data';
  }

  #expectLine(state: 'chunk_size' | 'chunk_end' | 'trailers'): void {
    this.#state = state;
    this.#budget = maxChunkMetaBytes;
  }
}

function notHttp(): HttpFramingError {
  return new HttpFramingError('answered with something that is not HTTP/1.1');
}

/** Where a head ends, after its empty line; negative: not yet. Lines may lack their carriage return (RFC 9112, 2.2). */
function endOfHead(text: string, from: number): number {
  const crlf = text.indexOf('\n\r\n', from);
  const lf = text.indexOf('\n\n', from);
  if (lf >= 0 && (crlf < 0 || lf < crlf)) return lf + 2;
  return crlf < 0 ? -1 : crlf + 3;
}

/** Whether the last of a list of codings is `chunked`. Throws {@link HttpFramingError} where one before is, too (RFC 9112, 6.1). */
function endsChunked(codings: string): boolean {
  const all = codings
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter(Boolean);
  if (all.indexOf('chunked') !== all.lastIndexOf('chunked'))
    throw new HttpFramingError('sent chunks within chunks');
  return all.at(-1) === 'chunked';
}

/** RFC 9112, 6.3: a list of equal lengths is one length. Throws {@link HttpFramingError} for what is none. */
function contentLengthOf(header: string | null): number | null {
  if (header === null) return null;
  if (/^\d{1,15}$/.test(header)) return Number(header);
  const [first, ...others] = header.split(/[ \t]*,[ \t]*/);
  if (!/^\d{1,15}$/.test(first as string) || others.some((other) => other !== first))
    throw new HttpFramingError('answered with an invalid Content-Length');
  return Number(first);
}

function isPersistent(minorVersion: number, connection: string | null): boolean {
  if (connection === null) return minorVersion > 0;
  const options = connection.toLowerCase().split(',');
  const has = (option: string) => options.some((given) => given.trim() === option);
  return !has('close') && (minorVersion > 0 || has('keep-alive'));
}
