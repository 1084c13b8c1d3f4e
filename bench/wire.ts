// A minimal HTTP/1.1 on raw sockets, so that the benchmark's upstream and load generator cost little CPU.

/** The longest head that is accepted. */
const maxHeadBytes = 65_536;

/** The head of a request or a response. */
export interface Head {
  /** The first line and the headers, with names in their original case. */
  readonly text: string;
  /** The status of a response; NaN for a request. */
  readonly status: number;
  readonly isSse: boolean;
  /** Whether the peer closes the connection after this message. */
  readonly closes: boolean;
}

/** Callbacks for the messages that a `MessageReader` reads. */
export interface MessageHandler {
  head(head: Head): void;
  /** A piece of the body, without chunk framing. */
  body(piece: Buffer): void;
  end(): void;
}

/** The value of a header, or null. */
export function headerOf(head: Head, name: string): string | null {
  const found = new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(head.text);
  return found?.[1] ?? null;
}

const headEnd = Buffer.from('\r\n\r\n');
const lineEnd = Buffer.from('\r\n');

type State = 'head' | 'length' | 'chunkSize' | 'chunk' | 'chunkEnd' | 'trailer';

/** Reads consecutive messages, with a length or chunked, however their bytes are split. */
export class MessageReader {
  #state: State = 'head';
  #left = 0;
  /** The start of an incomplete head or chunk-size line. */
  #rest: Buffer | null = null;

  constructor(readonly handler: MessageHandler) {}

  feed(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#rest !== null) bytes = Buffer.concat([this.#rest, chunk]);
    this.#rest = null;
    let at = 0;
    while (at < bytes.length) {
      const next = this.#step(bytes, at);
      if (next < 0) {
        if (bytes.length - at > maxHeadBytes) throw new Error('message head too long');
        this.#rest = bytes.subarray(at);
        return;
      }
      at = next;
    }
  }

  /** Parses the next part and returns its end, or -1 if it is incomplete. */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'head': {
        const end = bytes.indexOf(headEnd, at);
        if (end < 0) return -1;
        this.#takeHead(bytes.toString('latin1', at, end));
        return end + headEnd.length;
      }
      case 'length':
      case 'chunk': {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        const isLast = this.#left === 0;
        this.handler.body(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
        if (isLast && this.#state === 'chunk') this.#state = 'chunkEnd';
        else if (isLast) this.#end();
        return end;
      }
      case 'chunkEnd':
        if (bytes.length - at < lineEnd.length) return -1;
        this.#state = 'chunkSize';
        return at + lineEnd.length;
      case 'chunkSize': {
        const end = bytes.indexOf(lineEnd, at);
        if (end < 0) return -1;
        this.#left = Number.parseInt(bytes.toString('latin1', at, end), 16);
        if (Number.isNaN(this.#left)) throw new Error('invalid chunk size');
        this.#state = this.#left === 0 ? 'trailer' : 'chunk';
        return end + lineEnd.length;
      }
      case 'trailer': {
        const end = bytes.indexOf(lineEnd, at);
        if (end < 0) return -1;
        if (end === at) this.#end();
        return end + lineEnd.length;
      }
    }
  }

  #takeHead(text: string): void {
    const lower = text.toLowerCase();
    const isResponse = lower.startsWith('http/1.1 ');
    const status = isResponse ? Number(lower.slice(9, 12)) : Number.NaN;
    const lengthAt = lower.indexOf('\r\ncontent-length:');
    const isChunked = lower.includes('\r\ntransfer-encoding: chunked');
    if (isResponse && lengthAt < 0 && !isChunked && status !== 202 && status !== 204) {
      throw new Error(`response without a length or chunks: ${text}`);
    }
    this.#left = lengthAt < 0 ? 0 : Number.parseInt(lower.slice(lengthAt + 17), 10);
    this.#state = isChunked ? 'chunkSize' : 'length';
    this.handler.head({
      text,
      status,
      isSse: lower.includes('\r\ncontent-type: text/event-stream'),
      closes: lower.includes('\r\nconnection: close'),
    });
    if (!isChunked && this.#left === 0) this.#end();
  }

  #end(): void {
    this.#state = 'head';
    this.handler.end();
  }
}

/** The part of a socket that `SocketWriter` uses. */
interface Sink {
  write(bytes: Buffer): number;
}

/** Writes buffers to a socket in order, and keeps what the socket does not accept yet. Buffers must not change. */
export class SocketWriter {
  #waiting: Buffer[] = [];

  /** Whether the kernel has accepted everything. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  send(socket: Sink, bytes: Buffer): void {
    if (this.#waiting.length > 0) {
      this.#waiting.push(bytes);
      return;
    }
    const taken = Math.max(0, socket.write(bytes));
    if (taken < bytes.length) this.#waiting.push(bytes.subarray(taken));
  }

  /** Continues when the socket accepts more. */
  drain(socket: Sink): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const bytes of waiting) this.send(socket, bytes);
  }
}
