/** The wrong tokens that are free, and how often another one is afterwards. */
const maxAtOnce = 10;
const intervalMs = 6_000;

/** Bounds how often a wrong token can be tried, by all browsers together: people mistype it rarely. */
export class Attempts {
  readonly #nowMs: () => number;
  /** The time at which all attempts are free again. */
  #restedMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** How long the next attempt has to wait; 0: it need not. */
  get waitMs(): number {
    return Math.max(0, this.#restedMs - this.#nowMs() - (maxAtOnce - 1) * intervalMs);
  }

  /** Counts a wrong token. */
  failed(): void {
    this.#restedMs = Math.max(this.#restedMs, this.#nowMs()) + intervalMs;
  }
}
