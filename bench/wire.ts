// HTTP/1.1 on raw sockets, no more of it than the benchmark's upstream and its load generator need to be cheap.

/** The largest head that is taken. */
const maxHeadBytes = 65_536;

/** The head of a request or an answer. */
export interface Head {
  /** The first line and the headers, names in the case in which they came. */
  readonly text: string;
  /** The status of an answer; not a number in a request. */
  readonly status: number;
  readonly isSse: boolean;
  /** Whether the other side closes the connection after this message. */
  readonly closes: boolean;
}

/** What becomes of the messages that `Incoming` reads. */
export interface Taker {
  head(head: Head): void;
  /** A piece of the body, as it came off the wire, without the framing of chunks. */
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

/** Reads messages from whatever pieces they come in: with a length or in chunks, one after another. */
export class Incoming {
  #state: State = 'head';
  #left = 0;
  /** The beginning of what is not complete yet: a head, or the line before a chunk. */
  #rest: Buffer | null = null;

  constructor(readonly taker: Taker) {}

  feed(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#rest !== null) bytes = Buffer.concat([this.#rest, chunk]);
    this.#rest = null;
    let at = 0;
    while (at < bytes.length) {
      const next = this.#step(bytes, at);
      if (next < 0) {
        if (bytes.length - at > maxHeadBytes) throw new Error('the head of a message is too long');
        this.#rest = bytes.subarray(at);
        return;
      }
      at = next;
    }
  }

  /** Takes the next part and returns where it ends, or -1 where it is not complete. */
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
        this.taker.body(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
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
        if (Number.isNaN(this.#left)) throw new Error('the size of a chunk is no number');
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
    const isAnswer = lower.startsWith('http/1.1 ');
    const status = isAnswer ? Number(lower.slice(9, 12)) : Number.NaN;
    const lengthAt = lower.indexOf('\r\ncontent-length:');
    const isChunked = lower.includes('\r\ntransfer-encoding: chunked');
    if (isAnswer && lengthAt < 0 && !isChunked && status !== 202 && status !== 204) {
      throw new Error(`an answer has neither a length nor chunks: ${text}`);
    }
    this.#left = lengthAt < 0 ? 0 : Number.parseInt(lower.slice(lengthAt + 17), 10);
    this.#state = isChunked ? 'chunkSize' : 'length';
    this.taker.head({
      text,
      status,
      isSse: lower.includes('\r\ncontent-type: text/event-stream'),
      closes: lower.includes('\r\nconnection: close'),
    });
    if (!isChunked && this.#left === 0) this.#end();
  }

  #end(): void {
    this.#state = 'head';
    this.taker.end();
  }
}

/** A socket, as far as `Outgoing` needs one. */
interface Sink {
  write(bytes: Buffer): number;
}

/** Sends all that it is given, in order, however little the socket takes at once. What is given must not change. */
export class Outgoing {
  #waiting: Buffer[] = [];

  /** Whether all is with the system. */
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

  /** Goes on once the socket takes more. */
  drain(socket: Sink): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const bytes of waiting) this.send(socket, bytes);
  }
}
