import type { Transform } from 'node:stream';
import { nodeZlib } from '../runtime/node-modules.ts';
import { HttpFailure } from './http-failure.ts';
import type { Body } from './response-body.ts';

const decoders = new Map<string, (first: number) => Transform>([
  ['gzip', () => nodeZlib().createGunzip()],
  ['x-gzip', () => nodeZlib().createGunzip()],
  // RFC 9110, 8.4.1.2: some leave the envelope of zlib away, by which the first byte ends in 8.
  ['deflate', (first) => ((first & 0x0f) === 8 ? nodeZlib().createInflate() : nodeZlib().createInflateRaw())],
  ['br', () => nodeZlib().createBrotliDecompress()],
  ['zstd', () => nodeZlib().createZstdDecompress()],
]);

/** What is named in place of an encoding, and changes no byte: a charset, or how mail is sent. */
const noEncoding = /^(?:identity|none|utf-?8|[78]bit|binary)?$/i;

/**
 * A body without its `Content-Encoding`. We ask for none, and some servers and the proxies before them compress all
 * the same. An encoding that is not known fails the reading.
 */
export function decoded(body: Body, encoding: string): Body {
  if (noEncoding.test(encoding)) return body;
  const create = decoders.get(encoding.toLowerCase());
  return create === undefined ? new UnknownBody(body) : new DecodedBody(body, create);
}

class UnknownBody implements Body {
  readonly over = false;
  readonly #body: Body;

  constructor(body: Body) {
    this.#body = body;
  }

  whole(): null {
    return null;
  }

  async read(): Promise<never> {
    this.cancel();
    throw new HttpFailure('protocol', 'answered in a content encoding that was not asked for');
  }

  cancel(): void {
    this.#body.cancel();
  }
}

/** As much may come out of what came in, times, and beyond what is little anyway: text shrinks to a tenth or so. */
const maxGrowth = 100;
const maxFreeGrowthBytes = 1024 * 1024;

class DecodedBody implements Body {
  /** Never known before the end was read. */
  readonly over = false;
  readonly #body: Body;
  readonly #create: (first: number) => Transform;
  /** What comes out; null where nothing went in, which decoders take for a body that was cut off. */
  readonly #pieces: Promise<AsyncIterator<Uint8Array> | null>;
  #decoder: Transform | null = null;
  /** What broke the encoded body, which is no fault of its encoding. */
  #broken: unknown = null;
  #inBytes = 0;
  #outBytes = 0;

  /** @param create makes the decoder of a body that begins with this byte */
  constructor(body: Body, create: (first: number) => Transform) {
    this.#body = body;
    this.#create = create;
    this.#pieces = this.#open();
    // It reaches the reader, where there is one.
    this.#pieces.catch(() => {});
  }

  whole(): null {
    return null;
  }

  async read(): Promise<Uint8Array | null> {
    const pieces = await this.#pieces;
    if (pieces === null) return null;
    try {
      const { done, value } = await pieces.next();
      if (done) return null;
      this.#outBytes += value.byteLength;
      if (this.#outBytes > maxFreeGrowthBytes + maxGrowth * this.#inBytes) throw this.#tooLarge();
      return value;
    } catch (error) {
      if (error instanceof HttpFailure) throw error;
      if (this.#broken !== null) throw this.#broken;
      this.#body.cancel();
      throw new HttpFailure('protocol', 'answered with a body that is not encoded as it says');
    }
  }

  cancel(): void {
    this.#body.cancel();
    this.#decoder?.destroy();
  }

  #tooLarge(): HttpFailure {
    this.cancel();
    return new HttpFailure(
      'protocol',
      `answered with a body that grows more than ${maxGrowth}-fold when it is decoded`,
    );
  }

  async #open(): Promise<AsyncIterator<Uint8Array> | null> {
    const piece = await this.#body.read();
    if (piece === null) return null;
    // An error reaches the reader; without a listener of its own it would end up as one that nobody handles.
    const decoder = this.#create(piece[0] as number).on('error', () => {});
    this.#decoder = decoder;
    void this.#feed(decoder, piece);
    return decoder[Symbol.asyncIterator]();
  }

  async #feed(decoder: Transform, first: Uint8Array): Promise<void> {
    try {
      for (let piece: Uint8Array | null = first; piece !== null; piece = await this.#body.read()) {
        this.#inBytes += piece.byteLength;
        // What comes out is bounded by whoever reads it; until that is read, nothing more is put in.
        if (!decoder.write(piece)) await drained(decoder);
      }
      decoder.end();
    } catch (error) {
      this.#broken = error;
      decoder.destroy(error as Error);
    }
  }
}

function drained(decoder: Transform): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      decoder.off('drain', done).off('close', done);
      resolve();
    };
    decoder.on('drain', done).on('close', done);
  });
}
