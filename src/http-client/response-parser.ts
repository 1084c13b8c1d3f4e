import {
  beginningLength,
  checkBeginning,
  endOfHead,
  HttpFramingError,
  parseHead,
  type ResponseHead,
} from './response-head.ts';

/** The head of a response and what follows 1xx heads, in bytes; Node takes 16 KiB, and some proxies more. */
const maxHeadBytes = 64 * 1024;
/** As much as is looked at at a time for the end of a head, which seldom has more: what follows it is no text yet. */
const headWindowBytes = 512;
/** As much of an empty line at a head's end as may have come in an earlier piece. */
const seamLength = 2;
/** A chunk's size line with its extensions, and all trailers together. */
const maxChunkMetaBytes = 16 * 1024;
/** As much as is looked at for the end of a line between chunks, which seldom has ten bytes. */
const chunkLineWindowBytes = 64;
/** More digits would be no exact number. */
const maxChunkSizeDigits = 12;
/** As many as a size has nearly always: they make a number of 28 bits. */
const usualChunkSizeDigits = 7;

const carriageReturn = 0x0d;
const lineFeed = 0x0a;

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
  /** A head, or a line between chunks, whose end has not come yet: put together, and looked at, only then. */
  #partial = '';
  /** The end of a partial head. */
  #seam = '';
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
    const before = this.#partial.length;
    const to = Math.min(chunk.length, from + Math.min(this.#budget + 1, headWindowBytes));
    const text = chunk.toString('latin1', from, to);
    const seam = this.#seam + text;
    const end = endOfHead(seam) - this.#seam.length;
    const taken = end < 0 ? text.length : end;
    this.#budget -= taken;
    if (this.#budget < 0) throw new HttpFramingError('answered with too long a head');
    if (end < 0) {
      this.#partial += text;
      this.#seam = seam.slice(-seamLength);
      if (before < beginningLength) checkBeginning(this.#partial);
    } else {
      const head = parseHead(this.#partial + text.slice(0, end));
      this.#partial = '';
      this.#seam = '';
      this.#takeHead(head);
    }
    return from + taken;
  }

  /** A head came. An interim one is passed over: the one that counts is still to come, within the same bound. */
  #takeHead(head: ResponseHead): void {
    if (head.status < 200) return;
    this.#sink.onHead(head);
    if (head.contentLength === 0) this.#state = 'ended';
    else if (head.contentLength !== null) {
      this.#state = 'fixed';
      this.#left = head.contentLength;
    } else if (head.chunked) this.#expectLine('chunk_size');
    else this.#state = 'until_close';
  }

  /** Reads on in a line between chunks; returns where it stopped. */
  #readLine(chunk: Buffer, from: number): number {
    const end = this.#partial === '' ? this.#readUsualLine(chunk, from) : from;
    return end > from ? end : this.#readAnyLine(chunk, from);
  }

  /**
   * Reads a line that is there as a whole and has nothing but a size, or nothing at all, as nearly all do: with no text
   * made of it. Returns its end, or `from` where it is another.
   */
  #readUsualLine(chunk: Buffer, from: number): number {
    let at = from;
    if (this.#state === 'chunk_size') {
      let size = 0;
      const most = Math.min(chunk.length, from + usualChunkSizeDigits);
      for (; at < most; at++) {
        const digit = hexDigit(chunk[at] as number);
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
    if (this.#budget < 0) throw new HttpFramingError('answered with too much between its chunks');
    const line = this.#partial + text.slice(0, taken);
    this.#partial = end < 0 ? line : '';
    if (end >= 0) this.#takeLine(line);
    return from + taken;
  }

  /** @param line with its end, which is a carriage return and a line feed here: only in heads the former may lack */
  #takeLine(line: string): void {
    if (this.#state === 'chunk_size') this.#takeChunkSize(chunkSizeIn(line));
    else if (this.#state === 'trailers') {
      if (line === '\r\n' || line === '\n') this.#takeEmptyLine();
    } else {
      if (line !== '\r\n') throw new HttpFramingError('sent a chunk that is longer than its size');
      this.#takeEmptyLine();
    }
  }

  /** A line without anything came, which ends a chunk, or the trailers and with them the body. */
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

/** The size in a line with its end. */
function chunkSizeIn(line: string): number {
  const match = /^([0-9a-f]+)[ \t]*(?:;[^\r\n]*)?\r\n$/i.exec(line);
  const digits = match?.[1]?.replace(/^0+(?=.)/, '');
  if (digits === undefined || digits.length > maxChunkSizeDigits)
    throw new HttpFramingError('sent a chunk without a valid size');
  return Number.parseInt(digits, 16);
}

/** The value of a hexadecimal digit by its code, or -1. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function isLineEnd(chunk: Buffer, at: number): boolean {
  return at + 1 < chunk.length && chunk[at] === carriageReturn && chunk[at + 1] === lineFeed;
}
