import type { Transform } from 'node:stream';
import { nodeZlib } from '../runtime/node-modules.ts';
import { HttpFailure } from './http-failure.ts';
import type { Body } from './response-body.ts';

const decoders = new Map<string, (first: number) => Transform>([
  ['gzip', () => nodeZlib().createGunzip()],
  ['x-gzip', () => nodeZlib().createGunzip()],
  // RFC 9110, 8.4.1.2: some servers omit the zlib wrapper, whose first byte ends in 8.
  ['deflate', (first) => ((first & 0x0f) === 8 ? nodeZlib().createInflate() : nodeZlib().createInflateRaw())],
  ['br', () => nodeZlib().createBrotliDecompress()],
  ['zstd', () => nodeZlib().createZstdDecompress()],
]);

/** Names of no encoding at all: a charset, or a transfer encoding of mail. */
const noEncoding = /^(?:identity|none|utf-?8|[78]bit|binary)?$/i;

/**
 * Decodes a body with a `Content-Encoding`. We request none, but some servers and proxies compress anyway. An unknown
 * encoding fails on reading.
 */
export function decoded(body: Body, encoding: string): Body {
  if (noEncoding.test(encoding)) return body;
  return new DecodedBody(body, decoders.get(encoding.toLowerCase()));
}

/** Decoding may multiply a body by this factor, beyond a free allowance; text usually shrinks to a tenth. */
const maxGrowth = 100;
const maxFreeGrowthBytes = 1024 * 1024;

class DecodedBody implements Body {
  /** The decoder finds the end only on reading. */
  readonly isOver = false;
  readonly #body: Body;
  readonly #create: ((first: number) => Transform) | undefined;
  /** The decoded chunks, from the first read on; null for an empty body, which decoders take for a truncated one. */
  #chunks: Promise<AsyncIterator<Uint8Array> | null> | null = null;
  #decoder: Transform | null = null;
  /** The failure of the encoded body, as opposed to its decoding. */
  #broken: unknown = null;
  #inBytes = 0;
  #outBytes = 0;

  /** @param create returns the decoder for a body with this first byte; undefined for an unknown encoding */
  constructor(body: Body, create: ((first: number) => Transform) | undefined) {
    this.#body = body;
    this.#create = create;
  }

  whole(): null {
    return null;
  }

  async read(): Promise<Uint8Array | null> {
    this.#chunks ??= this.#open();
    const chunks = await this.#chunks;
    if (chunks === null) return null;
    try {
      const { done, value } = await chunks.next();
      if (done) return null;
      this.#outBytes += value.byteLength;
      if (this.#outBytes > maxFreeGrowthBytes + maxGrowth * this.#inBytes) throw this.#tooLarge();
      return value;
    } catch (error) {
      if (error instanceof HttpFailure) throw error;
      if (this.#broken !== null) throw this.#broken;
      this.#body.cancel();
      throw new HttpFailure('protocol', 'answered with an invalid compressed body');
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
      `answered with a compressed body that expands more than ${maxGrowth} times`,
    );
  }

  async #open(): Promise<AsyncIterator<Uint8Array> | null> {
    const create = this.#create;
    if (create === undefined) {
      this.cancel();
      throw new HttpFailure('protocol', 'answered in an unsupported content encoding');
    }
    const first = await this.#body.read();
    if (first === null) return null;
    // The reader gets the error; without a listener it would also be unhandled.
    const decoder = create(first[0]!).on('error', () => {});
    this.#decoder = decoder;
    void this.#feed(decoder, first);
    return decoder[Symbol.asyncIterator]();
  }

  async #feed(decoder: Transform, first: Uint8Array): Promise<void> {
    try {
      for (let chunk: Uint8Array | null = first; chunk !== null; chunk = await this.#body.read()) {
        this.#inBytes += chunk.byteLength;
        // Back-pressure: the decoder buffers little until its output is read.
        if (!decoder.write(chunk)) await drained(decoder);
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
