import {
  beginningLength,
  checkBeginning,
  HttpFramingError,
  parseHead,
  type ResponseHead,
} from './response-head.ts';

/** The head of a response with its interim (1xx) heads; Node allows 16 KiB, and some proxies more. */
const maxHeadBytes = 64 * 1024;
/** The size line of a chunk with its extensions, and all trailers together. */
const maxChunkMetaBytes = 16 * 1024;
/** The part that is decoded at once to find the end of a line between chunks, which rarely exceeds ten bytes. */
const chunkLineWindowBytes = 64;
/** More digits could exceed an exact number. */
const maxChunkSizeDigits = 12;
/** Enough for most sizes; the result fits 28 bits. */
const usualChunkSizeDigits = 7;

const carriageReturn = 0x0d;
const lineFeed = 0x0a;

/** Callbacks of a {@link ResponseParser}, for each response: one head, parts of the body, the end. */
export interface ResponseSink {
  onHead(head: ResponseHead): void;
  /** A part of the body: from `start` to `end` in the pushed `chunk`. */
  onData(chunk: Buffer, start: number, end: number): void;
  /** @param isClean whether nothing followed the end */
  onEnd(isClean: boolean): void;
}

type ParserState =
  | 'head'
  | 'fixed'
  | 'until_close'
  | 'chunk_size'
  | 'chunk_data'
  | 'chunk_end'
  | 'trailers'
  | 'ended';

/**
 * Parses the HTTP/1.x responses of one connection from chunks of any size. RFC 9112, "Message Format", "Message Body"
 * and "Chunked Transfer Coding". Interim responses (1xx) are skipped. The requests must not be HEAD; of the response to a
 * CONNECT only the head is valid.
 */
export class ResponseParser {
  readonly #sink: ResponseSink;
  #state: ParserState = 'ended';
  /** An incomplete head, or line between chunks. */
  #partial = '';
  /** How an incomplete head ends: 1 with a line feed, 2 with that and a carriage return, 0 otherwise. */
  #lineEnd: 0 | 1 | 2 = 0;
  /** The bytes left to the head, the size line or the trailers. */
  #budget = 0;
  /** The bytes left of the body or the chunk. */
  #left = 0;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** A request was sent: its response comes next. */
  expect(): void {
    this.#state = 'head';
    this.#budget = maxHeadBytes;
  }

  /**
   * Parses the next bytes. Throws an {@link HttpFramingError}, also for bytes that belong to no response: they would be
   * taken for the response to the next request.
   */
  push(chunk: Buffer): void {
    if (this.#state === 'ended') throw new HttpFramingError('sent data without a request');
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

  /** The connection was closed in good order, which ends a body without a length. */
  close(): void {
    if (this.#state === 'until_close') this.#sink.onEnd(true);
    this.#state = 'ended';
  }

  /** Continues a head. Returns the index after the part that was read. */
  #readHead(chunk: Buffer, from: number): number {
    const to = Math.min(chunk.length, from + this.#budget + 1);
    const end = this.#endOfHead(chunk, from, to);
    const readTo = end < 0 ? to : end;
    this.#budget -= readTo - from;
    if (this.#budget < 0)
      throw new HttpFramingError(`sent an invalid HTTP response: head longer than ${maxHeadBytes} bytes`);
    const before = this.#partial.length;
    const text = this.#partial + chunk.toString('latin1', from, readTo);
    if (end < 0) {
      this.#partial = text;
      if (before < beginningLength) checkBeginning(text);
    } else {
      this.#partial = '';
      this.#takeHead(parseHead(text));
    }
    return readTo;
  }

  /** The index after the head's empty line, or -1. Lines may lack their carriage return (RFC 9112, 2.2). */
  #endOfHead(chunk: Buffer, from: number, to: number): number {
    let lineEnd = this.#partial === '' ? 0 : this.#lineEnd;
    for (let at = from; at < to; at++) {
      const byte = chunk[at];
      if (byte === lineFeed) {
        if (lineEnd !== 0) return at + 1;
        lineEnd = 1;
      } else lineEnd = byte === carriageReturn && lineEnd === 1 ? 2 : 0;
    }
    this.#lineEnd = lineEnd;
    return -1;
  }

  /** An interim head is skipped: the final one follows, within the same bound. */
  #takeHead(head: ResponseHead): void {
    if (head.status < 200) return;
    this.#sink.onHead(head);
    if (head.contentLength === 0) this.#state = 'ended';
    else if (head.contentLength !== null) {
      this.#state = 'fixed';
      this.#left = head.contentLength;
    } else if (head.isChunked) this.#expectLine('chunk_size');
    else this.#state = 'until_close';
  }

  /** Continues a line between chunks. Returns the index after the part that was read. */
  #readLine(chunk: Buffer, from: number): number {
    const end = this.#partial === '' ? this.#readUsualLine(chunk, from) : from;
    return end > from ? end : this.#readAnyLine(chunk, from);
  }

  /**
   * Reads a complete line that is empty or has only a size, as nearly all do, without decoding it to text
   * (docs/performance.md#chunk-sizes). Returns its end, or `from` for any other line.
   */
  #readUsualLine(chunk: Buffer, from: number): number {
    let at = from;
    if (this.#state === 'chunk_size') {
      let size = 0;
      const limit = Math.min(chunk.length, from + usualChunkSizeDigits);
      for (; at < limit; at++) {
        const digit = hexDigit(chunk[at]!);
        if (digit < 0) break;
        size = size * 16 + digit;
      }
      if (at === from || !isLineEnd(chunk, at)) return from;
      this.#takeChunkSize(size);
    } else {
      if (!isLineEnd(chunk, at)) return from;
      this.#takeEmptyLine();
    }
    return at + 2;
  }

  #readAnyLine(chunk: Buffer, from: number): number {
    const text = chunk.toString('latin1', from, Math.min(chunk.length, from + chunkLineWindowBytes));
    const end = text.indexOf('\n');
    const taken = end < 0 ? text.length : end + 1;
    this.#budget -= taken;
    if (this.#budget < 0)
      throw new HttpFramingError(
        `sent an invalid HTTP response: more than ${maxChunkMetaBytes} bytes between chunks`,
      );
    const line = this.#partial + text.slice(0, taken);
    this.#partial = end < 0 ? line : '';
    if (end >= 0) this.#takeLine(line);
    return from + taken;
  }

  /** @param line with its line end: unlike in heads, the carriage return is required */
  #takeLine(line: string): void {
    if (this.#state === 'chunk_size') this.#takeChunkSize(chunkSizeIn(line));
    else if (this.#state === 'trailers') {
      if (line === '\r\n' || line === '\n') this.#takeEmptyLine();
    } else {
      if (line !== '\r\n')
        throw new HttpFramingError('sent an invalid HTTP response: chunk longer than its size');
      this.#takeEmptyLine();
    }
  }

  /** An empty line ends a chunk, or the trailers and with them the body. */
  #takeEmptyLine(): void {
    if (this.#state === 'trailers') this.#state = 'ended';
    else this.#expectLine('chunk_size');
  }

  #takeChunkSize(size: number): void {
    this.#left = size;
    if (size === 0) this.#expectLine('trailers');
    else this.#state = 'chunk_data';
  }

  #expectLine(state: 'chunk_size' | 'chunk_end' | 'trailers'): void {
    this.#state = state;
    this.#budget = maxChunkMetaBytes;
  }
}

/** The chunk size in a line with its line end. */
function chunkSizeIn(line: string): number {
  const match = /^([0-9a-f]+)[ \t]*(?:;[^\r\n]*)?\r\n$/i.exec(line);
  const digits = match?.[1]?.replace(/^0+(?=.)/, '');
  if (digits === undefined || digits.length > maxChunkSizeDigits)
    throw new HttpFramingError('sent an invalid HTTP response: invalid chunk size');
  return Number.parseInt(digits, 16);
}

/** The value of a hexadecimal digit, or -1. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function isLineEnd(chunk: Buffer, at: number): boolean {
  return at + 1 < chunk.length && chunk[at] === carriageReturn && chunk[at + 1] === lineFeed;
}
