import { UpstreamFailure } from '../failure.ts';
import type { Body } from './body.ts';
import { decoded } from './decode.ts';
import type { ResponseHead } from './response-parser.ts';

/** The largest body, or event of a stream, that is taken from an upstream. */
export const maxUpstreamBodyBytes = 64 * 1024 * 1024;
/** As much of an error's body as is read, to see whether it speaks of a lost session. */
const maxBeginningBytes = 16 * 1024;

const utf8 = new TextDecoder();

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
    const encoding = head.headers.get('content-encoding');
    if (encoding === null || encoding === '' || encoding.toLowerCase() === 'identity')
      return new HttpResponse(head, body);
    return new HttpResponse({ ...head, contentLength: null }, decoded(body, encoding));
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
  /** The value of a header, named in lower case, or null. */
  header(name: string): string | null {
    return this.#head.headers.get(name);
  }

  /** The next piece of the body, or null at its end. */
  read(): Promise<Uint8Array | null> {
    return this.#body.read();
  }

  /** Gives the body up, and with it the connection. */
  cancel(): void {
    this.#body.cancel();
  }

  /** The rest of the body as text, after the pieces in `head`. Rejects where it is larger than the bound. */
  text(head: readonly Uint8Array[] = []): string | Promise<string> {
    return this.#body.wholeText() ?? this.#collected(head);
  }

  async #collected(head: readonly Uint8Array[]): Promise<string> {
    if ((this.contentLength ?? 0) > maxUpstreamBodyBytes) throw this.#tooLarge();
    const pieces = [...head];
    let bytes = head.reduce((sum, piece) => sum + piece.byteLength, 0);
    for (;;) {
      const piece = await this.#body.read();
      if (piece === null) return utf8.decode(Buffer.concat(pieces, bytes));
      pieces.push(piece);
      bytes += piece.byteLength;
      if (bytes > maxUpstreamBodyBytes) throw this.#tooLarge();
    }
  }

  #tooLarge(): UpstreamFailure {
    this.cancel();
    return new UpstreamFailure('protocol', `answered with more than ${maxUpstreamBodyBytes} bytes`);
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
