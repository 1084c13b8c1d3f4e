import { CollectedBytes } from '../runtime/collected-bytes.ts';
import { freePayload, type Payload, textOf } from '../runtime/owned-bytes.ts';
import { decoded } from './content-decoding.ts';
import { HttpFailure } from './http-failure.ts';
import { type Body, wholeOf } from './response-body.ts';
import type { ResponseHead } from './response-head.ts';

/** The largest body, or event of a stream, that is taken from an upstream. */
export const maxResponseBytes = 64 * 1024 * 1024;
/** As much of an error's body as is read, to see whether it speaks of a lost session. */
const maxBeginningBytes = 16 * 1024;

/** An upstream's response: its head is there, its body may still be coming. */
export class HttpResponse {
  readonly #head: ResponseHead;
  readonly #body: Body;

  private constructor(head: ResponseHead, body: Body) {
    this.#head = head;
    this.#body = body;
  }

  /** The response with its `Content-Encoding`, if there is one, undone. */
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
  /** The length of the body in bytes, where it is known before the body was read. */
  get contentLength(): number | null {
    return this.#head.contentLength;
  }
  /** The value of `Content-Type`, or null. */
  get contentType(): string | null {
    return this.#head.contentType;
  }
  /** The values of `Set-Cookie`; null: none. */
  get setCookies(): readonly string[] | null {
    return this.#head.setCookies;
  }
  /** The value of a header, named in lower case, or null. */
  header(name: string): string | null {
    return this.#head.headers.get(name);
  }

  /** Whether the end of the body has come, and all of it was read. */
  get over(): boolean {
    return this.#body.over;
  }
  /** The next piece of the body, or null at its end. */
  read(): Promise<Uint8Array | null> {
    return this.#body.read();
  }

  /** Gives the body up, and with it the connection. */
  cancel(): void {
    this.#body.cancel();
  }

  /** The rest of the body, after the pieces in `head`. Rejects where it is larger than the bound. */
  whole(head?: readonly Uint8Array[]): Payload | Promise<Payload> {
    return this.#body.whole() ?? this.#collected(head ?? []);
  }

  /** The rest of the body as text. Rejects where it is larger than the bound. */
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
        // The sender waits meanwhile, for nothing more is read.
        await collected.hold(piece.byteLength);
        collected.add(piece);
      }
    } catch (error) {
      collected.discard();
      this.cancel();
      throw error;
    }
    const { bytes, holding } = collected.end();
    return wholeOf(bytes, 0, bytes.length, holding);
  }

  #tooLarge(): HttpFailure {
    this.cancel();
    return new HttpFailure('protocol', `answered with more than ${maxResponseBytes} bytes`);
  }

  /** Does away with a body of no interest: reads one that is short, since a connection is lost with what is not read. */
  async discard(): Promise<void> {
    const { contentLength } = this;
    if (contentLength !== null && contentLength <= maxBeginningBytes) await this.text();
    else this.cancel();
  }

  /** The beginning of an error's body, for classification only: it may hold anything and is never shown. */
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
