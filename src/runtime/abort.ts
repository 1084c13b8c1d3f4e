/** The common part of an AbortSignal and an {@link Abort}. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * An AbortController and its signal in one object, for every request: the native ones are event targets, and an
 * AbortController with a listener costs as much as parsing a request. Listeners are called once.
 */
export class Abort implements Signal {
  #aborted = false;
  #reason: unknown;
  /** The first listener is kept apart: most signals have one at most. */
  #listener: (() => void) | null = null;
  #more: (() => void)[] | null = null;

  get aborted(): boolean {
    return this.#aborted;
  }
  get reason(): unknown {
    return this.#reason;
  }

  /** Aborts; later calls do nothing. */
  abort(reason: unknown = new Error('aborted')): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    // One by one, because a listener may remove another.
    for (let listener = this.#listener; listener; listener = this.#listener) {
      this.removeEventListener('abort', listener);
      listener();
    }
  }

  addEventListener(_type: 'abort', listener: () => void, _options?: { once: boolean }): void {
    if (this.#aborted) return;
    if (this.#listener === null) this.#listener = listener;
    else if (this.#more) this.#more.push(listener);
    else this.#more = [listener];
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listener === listener) this.#listener = this.#more?.shift() ?? null;
    else if (this.#more?.includes(listener)) this.#more.splice(this.#more.indexOf(listener), 1);
  }
}
