/** The head of a response and what follows 1xx heads, in bytes; Node takes 16 KiB, and some proxies more. */
const maxHeadBytes = 64 * 1024;
/** A chunk's size line with its extensions, and all trailers together. */
const maxChunkMetaBytes = 16 * 1024;
/** As much as is looked at for the end of a line between chunks, which seldom has ten bytes. */
const chunkLineWindowBytes = 64;
/** More digits would be no exact number. */
const maxChunkSizeDigits = 12;

/** A response whose framing breaks the rules; its connection cannot be used any more. */
export class HttpFramingError extends Error {}

/** The head of a response. RFC 9112, 4 and 5. */
export interface ResponseHead {
  readonly status: number;
  /** By name in lower case; the values of a repeated header are joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
  /** Whether the connection may serve another request after this response. RFC 9112, 9.3. */
  readonly persistent: boolean;
  /** The length of the body in bytes, where the head tells it. */
  readonly contentLength: number | null;
}

/** Takes what a {@link ResponseParser} finds, in order: one head, pieces of the body, the end. */
export interface ResponseSink {
  onHead(head: ResponseHead): void;
  /** @param bytes part of the chunk that was pushed, not a copy */
  onData(bytes: Buffer): void;
  /** @param clean whether nothing came after the end, so that what comes next can be told from it */
  onEnd(clean: boolean): void;
}

type State =
  | 'status'
  | 'headers'
  | 'fixed'
  | 'until_close'
  | 'chunk_size'
  | 'chunk_data'
  | 'chunk_end'
  | 'trailers'
  | 'ended';

const carriageReturn = 0x0d;

/**
 * Parses the HTTP/1.x responses that come over one connection, one after another, from pieces of any size.
 * RFC 9112, "Message Format", "Message Body" and "Chunked Transfer Coding". Interim responses (1xx) are passed over.
 * All requests are taken to be other than HEAD and CONNECT.
 */
export class ResponseParser {
  readonly #sink: ResponseSink;
  #state: State = 'ended';
  /** The pieces of a line whose end has not come yet. */
  #line: string[] = [];
  /** What head, size line or trailers may still take. */
  #budget = 0;
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0;
  #status = 0;
  #minorVersion = 1;
  #headers = new Map<string, string>();
  #lastName = '';

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** A request was sent: what comes next is its response. */
  expect(): void {
    this.#state = 'status';
    this.#budget = maxHeadBytes;
    this.#headers = new Map();
    this.#lastName = '';
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
          this.#sink.onData(at === 0 ? chunk : chunk.subarray(at));
          return;
        case 'fixed':
        case 'chunk_data': {
          const end = Math.min(chunk.length, at + this.#left);
          this.#left -= end - at;
          this.#sink.onData(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
          at = end;
          if (this.#left > 0) return;
          if (this.#state === 'fixed') this.#state = 'ended';
          else this.#expectLine('chunk_end');
          break;
        }
        default:
          at = this.#readLines(chunk, at);
      }
    }
    if (this.#state === 'ended') this.#sink.onEnd(true);
  }

  /** The connection ended in good order, which ends a body that has no other end. */
  close(): void {
    if (this.#state === 'until_close') this.#sink.onEnd(true);
    this.#state = 'ended';
  }

  /** Reads lines for as long as the state asks for them; returns where it stopped. */
  #readLines(chunk: Buffer, from: number): number {
    // As text, since looking for line ends in a string costs a tenth of looking for them in bytes.
    const inHead = this.#state === 'status' || this.#state === 'headers';
    const window = inHead ? this.#budget + 1 : chunkLineWindowBytes;
    const text = chunk.toString('latin1', from, Math.min(chunk.length, from + window));
    let at = 0;
    do {
      const end = text.indexOf('\n', at);
      const taken = (end < 0 ? text.length : end + 1) - at;
      this.#budget -= taken;
      if (this.#budget < 0) throw new HttpFramingError('answered with too long a head');
      if (end < 0) {
        this.#line.push(text.slice(at));
        return from + text.length;
      }
      let line = text.slice(at, end);
      if (this.#line.length > 0) {
        line = this.#line.join('') + line;
        this.#line = [];
      }
      at = end + 1;
      this.#take(line.charCodeAt(line.length - 1) === carriageReturn ? line.slice(0, -1) : line);
    } while (at < text.length && (this.#state === 'headers' || this.#state === 'status'));
    return from + at;
  }

  #take(line: string): void {
    switch (this.#state) {
      case 'status':
        this.#takeStatus(line);
        break;
      case 'headers':
        if (line === '') this.#endHead();
        else this.#takeHeader(line);
        break;
      case 'chunk_size':
        this.#takeChunkSize(line);
        break;
      case 'chunk_end':
        if (line !== '') throw new HttpFramingError('sent a chunk that is longer than its size');
        this.#expectLine('chunk_size');
        break;
      case 'trailers':
        if (line === '') this.#state = 'ended';
    }
  }

  #takeStatus(line: string): void {
    // RFC 9112, 2.2: an empty line ahead of a message is passed over.
    if (line === '') return;
    const match = /^HTTP\/1\.(\d) (\d{3})(?: |$)/.exec(line);
    if (!match) throw new HttpFramingError('answered with something that is not HTTP/1.1');
    this.#minorVersion = Number(match[1]);
    this.#status = Number(match[2]);
    this.#state = 'headers';
  }

  #takeHeader(line: string): void {
    const first = line.charCodeAt(0);
    if (first === 0x20 || first === 0x09) {
      // A folded line goes on with the value before. RFC 9112, 5.2.
      if (this.#lastName === '') throw new HttpFramingError('answered with a malformed header');
      this.#headers.set(this.#lastName, `${this.#headers.get(this.#lastName)} ${line.trim()}`);
      return;
    }
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (!isToken(name) || hasControl(value)) throw new HttpFramingError('answered with a malformed header');
    const before = this.#headers.get(name);
    this.#headers.set(name, before === undefined ? value : `${before}, ${value}`);
    this.#lastName = name;
  }

  #endHead(): void {
    const status = this.#status;
    if (status === 101) throw new HttpFramingError('switched protocols unasked (HTTP 101)');
    if (status < 200) {
      // An interim response; the head that counts is still to come, within the same bound.
      this.#state = 'status';
      this.#headers = new Map();
      this.#lastName = '';
      return;
    }
    const headers = this.#headers;
    const coding = headers.get('transfer-encoding');
    const length = contentLengthOf(headers.get('content-length'));
    const empty = status === 204 || status === 304;
    const chunked = coding !== undefined && /(?:^|,)[ \t]*chunked$/i.test(coding);
    // RFC 9112, 6.3: an encoding overrides a length, and where both stand something tampered with the message.
    const contentLength = empty ? 0 : coding === undefined ? length : null;
    const framed = empty || chunked || contentLength !== null;
    const suspicious = coding !== undefined && length !== null;
    this.#sink.onHead({
      status,
      headers,
      contentLength,
      persistent: framed && !suspicious && isPersistent(this.#minorVersion, headers.get('connection')),
    });
    if (contentLength === 0) this.#state = 'ended';
    else if (contentLength !== null) {
      this.#state = 'fixed';
      this.#left = contentLength;
    } else if (chunked) this.#expectLine('chunk_size');
    else this.#state = 'until_close';
  }

  #takeChunkSize(line: string): void {
    const match = /^([0-9a-f]+)[ \t]*(?:;|$)/i.exec(line);
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

/** RFC 9112, 6.3: a list of equal lengths is one length. Throws {@link HttpFramingError} for what is none. */
function contentLengthOf(header: string | undefined): number | null {
  if (header === undefined) return null;
  if (/^\d{1,15}$/.test(header)) return Number(header);
  const [first, ...others] = header.split(',').map((value) => value.trim());
  if (!/^\d{1,15}$/.test(first as string) || others.some((other) => other !== first))
    throw new HttpFramingError('answered with an invalid Content-Length');
  return Number(first);
}

function isPersistent(minorVersion: number, connection: string | undefined): boolean {
  if (connection === undefined) return minorVersion > 0;
  const options = connection.toLowerCase().split(',');
  const has = (option: string) => options.some((given) => given.trim() === option);
  return !has('close') && (minorVersion > 0 || has('keep-alive'));
}

/** RFC 9110, 5.6.2. */
function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(text);
}

function hasControl(text: string): boolean {
  return /[\0\r\n]/.test(text);
}
