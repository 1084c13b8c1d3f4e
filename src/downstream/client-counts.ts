/** Some clients by how they describe themselves, the JSON text of their `clientInfo`, and how many sessions or streams each has. */
export type ClientCounts = ReadonlyMap<string, number>;

/** Counts clients by how they describe themselves. There are at most as many descriptions as clients. */
export class ClientCounter {
  readonly #counts = new Map<string, number>();

  add(clientInfo: string): void {
    this.#counts.set(clientInfo, (this.#counts.get(clientInfo) ?? 0) + 1);
  }

  remove(clientInfo: string): void {
    const count = this.#counts.get(clientInfo) ?? 0;
    if (count > 1) this.#counts.set(clientInfo, count - 1);
    else this.#counts.delete(clientInfo);
  }

  /** The counts of the `max` most frequent descriptions. */
  most(max: number): ClientCounts {
    if (this.#counts.size <= max) return new Map(this.#counts);
    return new Map([...this.#counts].toSorted(([, a], [, b]) => b - a).slice(0, max));
  }
}
