/** The common part of an AbortSignal and an {@link Abort}. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: AbortListener, options?: { once: boolean }): void;
  removeEventListener(type: 'abort', listener: AbortListener): void;
}

/** A function, or an object that needs none made for it. */
type AbortListener = (() => void) | { handleEvent(): void };

/**
 * An AbortController and its signal in one object, for every request: the native ones are event targets, and an
 * AbortController with a listener costs as much as parsing a request (docs/performance.md#abort). Listeners are called
 * once.
 */
export class Abort implements Signal {
  aborted = false;
  reason: unknown;
  /** The first listener is kept apart: most signals have one at most. */
  #listener: AbortListener | null = null;
  #more: AbortListener[] | null = null;

  /** Aborts; later calls do nothing. */
  abort(reason: unknown = new Error('aborted')): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    // One by one, because a listener may remove another.
    for (let listener = this.#listener; listener; listener = this.#listener) {
      this.removeEventListener('abort', listener);
      if (typeof listener === 'function') listener();
      else listener.handleEvent();
    }
  }

  addEventListener(_type: 'abort', listener: AbortListener, _options?: { once: boolean }): void {
    if (this.aborted) return;
    if (this.#listener === null) this.#listener = listener;
    else if (this.#more) this.#more.push(listener);
    else this.#more = [listener];
  }

  removeEventListener(_type: 'abort', listener: AbortListener): void {
    if (this.#listener === listener) this.#listener = this.#more?.shift() ?? null;
    else if (this.#more?.includes(listener)) this.#more.splice(this.#more.indexOf(listener), 1);
  }
}
