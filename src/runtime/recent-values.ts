/**
 * A bounded map from texts to values, which drops those that were not used for a while: two maps that are dropped as a whole,
 * because a Map keeps deleted entries reachable.
 */
export class RecentValues<T> {
  readonly #maxInGeneration: number;
  #young = new Map<string, T>();
  /** Values that become young again when they are used, and else go. */
  #old: ReadonlyMap<string, T> = new Map();

  /** @param maxInGeneration half of the most values */
  constructor(maxInGeneration: number) {
    this.#maxInGeneration = maxInGeneration;
  }

  get(key: string): T | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  /** Keeps a copy of the key: a slice would keep the whole text that it comes from in memory. */
  set(key: string, value: T): void {
    if (this.#young.size >= this.#maxInGeneration && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(copyOf(key), value);
  }
}

/** A copy of a text that does not keep the text in memory that it is a slice of. */
export function copyOf(text: string): string {
  return Buffer.from(text).toString();
}
