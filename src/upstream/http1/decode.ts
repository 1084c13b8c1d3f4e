import type { Transform } from 'node:stream';
import { nodeZlib } from '../../node-modules.ts';
import { UpstreamFailure } from '../failure.ts';
import type { Body } from './body.ts';

const decoders = new Map<string, () => Transform>([
  ['gzip', () => nodeZlib().createGunzip()],
  ['x-gzip', () => nodeZlib().createGunzip()],
  ['deflate', () => nodeZlib().createInflate()],
  ['br', () => nodeZlib().createBrotliDecompress()],
  ['zstd', () => nodeZlib().createZstdDecompress()],
]);

/**
 * A body without its `Content-Encoding`. We ask for none, and some servers and the proxies before them compress all
 * the same. An encoding that is not known fails the reading.
 */
export function decoded(body: Body, encoding: string): Body {
  const create = decoders.get(encoding.toLowerCase());
  return create === undefined ? new UnknownBody(body) : new DecodedBody(body, create());
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
    throw new UpstreamFailure('protocol', 'answered in a content encoding that was not asked for');
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
  readonly #decoder: Transform;
  readonly #pieces: AsyncIterator<Uint8Array>;
  /** What broke the encoded body, which is no fault of its encoding. */
  #broken: unknown = null;
  /** Nothing came at all, which decoders take for a body that was cut off. */
  #empty = true;
  #inBytes = 0;
  #outBytes = 0;

  constructor(body: Body, decoder: Transform) {
    this.#body = body;
    // The error reaches the reader; without a listener of its own it would end up as one that nobody handles.
    this.#decoder = decoder.on('error', () => {});
    this.#pieces = decoder[Symbol.asyncIterator]();
    void this.#feed();
  }

  whole(): null {
    return null;
  }

  async read(): Promise<Uint8Array | null> {
    try {
      const { done, value } = await this.#pieces.next();
      if (done) return null;
      this.#outBytes += value.byteLength;
      if (this.#outBytes > maxFreeGrowthBytes + maxGrowth * this.#inBytes) throw this.#tooLarge();
      return value;
    } catch (error) {
      if (error instanceof UpstreamFailure) throw error;
      if (this.#empty) return null;
      if (this.#broken !== null) throw this.#broken;
      this.#body.cancel();
      throw new UpstreamFailure('protocol', 'answered with a body that is not encoded as it says');
    }
  }

  cancel(): void {
    this.#body.cancel();
    this.#decoder.destroy();
  }

  #tooLarge(): UpstreamFailure {
    this.cancel();
    return new UpstreamFailure(
      'protocol',
      `answered with a body that grows more than ${maxGrowth}-fold when it is decoded`,
    );
  }

  async #feed(): Promise<void> {
    try {
      for (;;) {
        const piece = await this.#body.read();
        if (piece === null) break;
        this.#empty = false;
        this.#inBytes += piece.byteLength;
        // What comes out is bounded by whoever reads it; until that is read, nothing more is put in.
        if (!this.#decoder.write(piece)) await this.#drained();
      }
      if (this.#empty) this.#decoder.destroy();
      else this.#decoder.end();
    } catch (error) {
      this.#empty = false;
      this.#broken = error;
      this.#decoder.destroy(error as Error);
    }
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#decoder.off('drain', done).off('close', done);
        resolve();
      };
      this.#decoder.on('drain', done).on('close', done);
    });
  }
}
