import { Abort, type Signal } from '../../abort.ts';
import { deadlines } from '../../deadlines.ts';

/** How long a POST may go on when its request is over, before it is cut, which costs the connection. */
const postTimeoutMs = 5_000;

/** A request on its way, and the signal of its POST: aborted when that of the request is, or when the POST outlasts it. */
export class Sending extends Abort {
  readonly #request: Signal;

  constructor(request: Signal) {
    super();
    this.#request = request;
  }

  override get aborted(): boolean {
    return super.aborted || this.#request.aborted;
  }
  override get reason(): unknown {
    return super.aborted ? super.reason : this.#request.reason;
  }

  override addEventListener(type: 'abort', listener: () => void): void {
    super.addEventListener(type, listener);
    this.#request.addEventListener(type, listener, { once: true });
  }

  override removeEventListener(type: 'abort', listener: () => void): void {
    super.removeEventListener(type, listener);
    this.#request.removeEventListener(type, listener);
  }

  /** The request is over, though nothing was told of its POST, which may still end in good order. */
  drop(): void {
    deadlines.add(postTimeoutMs, () => this.abort());
  }
}
