import { CollectedBytes } from '../runtime/collected-bytes.ts';
import { freePayload, type Payload, textOf } from '../runtime/owned-bytes.ts';
import { decoded } from './content-decoding.ts';
import { HttpFailure } from './http-failure.ts';
import { type Body, payloadOf } from './response-body.ts';
import type { ResponseHead } from './response-head.ts';

/** The bound on a body that is read as a whole, and on one event of a stream. */
export const maxResponseBytes = 64 * 1024 * 1024;
/** The part of an error's body that is read. */
const maxBeginningBytes = 16 * 1024;

/** A response whose head has arrived; the body may follow. */
export class HttpResponse {
  readonly #head: ResponseHead;
  readonly #body: Body;

  private constructor(head: ResponseHead, body: Body) {
    this.#head = head;
    this.#body = body;
  }

  /** The response with its `Content-Encoding` decoded. */
  static of(head: ResponseHead, body: Body): HttpResponse {
    const encoding = head.contentEncoding;
    if (encoding === null) return new HttpResponse(head, body);
    const plain = decoded(body, encoding);
    return new HttpResponse(plain === body ? head : { ...head, contentLength: null }, plain);
  }

  get status(): number {
    return this.#head.status;
  }
  get ok(): boolean {
    return this.#head.status >= 200 && this.#head.status < 300;
  }
  /** The length of the body in bytes, or null if it is unknown until the body is read. */
  get contentLength(): number | null {
    return this.#head.contentLength;
  }
  /** The value of `Content-Type`, or null. */
  get contentType(): string | null {
    return this.#head.contentType;
  }
  /** The values of `Set-Cookie`, or null if there is none. */
  get setCookies(): readonly string[] | null {
    return this.#head.setCookies;
  }
  /** The value of the header `name` (in lower case), or null. */
  header(name: string): string | null {
    return this.#head.headers.get(name);
  }

  /** Whether the body was read to its end. */
  get isOver(): boolean {
    return this.#body.isOver;
  }
  /** The next chunk of the body, or null at its end. */
  read(): Promise<Uint8Array | null> {
    return this.#body.read();
  }

  /** Aborts the body, and with it the connection. */
  cancel(): void {
    this.#body.cancel();
  }

  /** The chunks in `head` and the rest of the body. Rejects if it exceeds {@link maxResponseBytes}. */
  whole(head?: readonly Uint8Array[]): Payload | Promise<Payload> {
    return this.#body.whole() ?? this.#collected(head ?? []);
  }

  /** The rest of the body as text. Rejects if it exceeds {@link maxResponseBytes}. */
  async text(): Promise<string> {
    const body = await this.whole();
    const text = textOf(body);
    freePayload(body);
    return text;
  }

  async #collected(head: readonly Uint8Array[]): Promise<Payload> {
    if ((this.contentLength ?? 0) > maxResponseBytes) throw this.#tooLarge();
    const collected = new CollectedBytes(this.contentLength);
    try {
      for (const piece of head) collected.add(piece);
      for (;;) {
        const piece = await this.#body.read();
        if (piece === null) break;
        if (collected.length + piece.byteLength > maxResponseBytes) throw this.#tooLarge();
        // Nothing is read meanwhile, so the sender waits.
        await collected.hold(piece.byteLength);
        collected.add(piece);
      }
    } catch (error) {
      collected.discard();
      this.cancel();
      throw error;
    }
    const { bytes, holding } = collected.end();
    return payloadOf(bytes, 0, bytes.length, holding);
  }

  #tooLarge(): HttpFailure {
    this.cancel();
    return new HttpFailure('protocol', `answered with more than ${maxResponseBytes} bytes`);
  }

  /** Discards the body: reads a short one, because aborting it would cost the connection. */
  async discard(): Promise<void> {
    const { contentLength } = this;
    if (contentLength !== null && contentLength <= maxBeginningBytes) await this.text();
    else this.cancel();
  }

  /** The beginning of the body, up to 16 KiB and a chunk. The rest is aborted. */
  async beginning(): Promise<string> {
    const decoder = new TextDecoder();
    let text = '';
    for (let bytes = 0; bytes < maxBeginningBytes; ) {
      const piece = await this.#body.read();
      if (piece === null) return text;
      bytes += piece.byteLength;
      text += decoder.decode(piece, { stream: true });
    }
    this.cancel();
    return text;
  }
}
