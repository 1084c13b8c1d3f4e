import type { Signal } from '../../runtime/abort.ts';
import { deadlines } from '../../runtime/deadlines.ts';

/** How long a POST may go on when its request is over, before it is cut, which costs the connection. */
const postTimeoutMs = 5_000;
/** Made once: every call registers a listener. */
const once = { once: true };

/** A request on its way, and the signal of its POST: aborted when that of the request is, or when the POST outlasts it. */
export class Sending implements Signal {
  readonly #request: Signal;
  #cut = false;
  /** Of those that listen, the one that listens longest: the connection, which fails all that waits for the response. */
  #listener: (() => void) | null = null;

  constructor(request: Signal) {
    this.#request = request;
  }

  get aborted(): boolean {
    return this.#cut || this.#request.aborted;
  }
  get reason(): unknown {
    return this.#cut ? new Error('the request is over') : this.#request.reason;
  }

  addEventListener(type: 'abort', listener: () => void): void {
    this.#listener ??= listener;
    this.#request.addEventListener(type, listener, once);
  }

  removeEventListener(type: 'abort', listener: () => void): void {
    if (this.#listener === listener) this.#listener = null;
    this.#request.removeEventListener(type, listener);
  }

  /** The request is over, though nothing was told of its POST, which may still end in good order. */
  drop(): void {
    deadlines.add(postTimeoutMs, () => {
      this.#cut = true;
      this.#listener?.();
    });
  }
}
