/** The wait for the next attempt to connect. */
export class ReconnectWait {
  #timer: Timer | null = null;
  #startMs = 0;
  #ms = 0;

  /** How long it lasts in all, in milliseconds. */
  get ms(): number {
    return this.#ms;
  }

  /** How much of it is left, in milliseconds; null: none runs. */
  get leftMs(): number | null {
    return this.#timer ? Math.max(0, this.#startMs + this.#ms - performance.now()) : null;
  }

  /** Calls `onOver` in `ms`, in place of what was to come before. */
  start(ms: number, onOver: () => void): void {
    this.stop();
    this.#startMs = performance.now();
    this.#ms = ms;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      onOver();
    }, ms);
  }

  /** Ends it early; how long it lasted, in milliseconds: 0 where none ran. */
  stop(): number {
    if (!this.#timer) return 0;
    clearTimeout(this.#timer);
    this.#timer = null;
    return Math.min(this.#ms, performance.now() - this.#startMs);
  }
}
