/** The most requests that may be in flight in one session. */
export const maxRequestsInFlight = 65_536;

/** Gives out the ids of requests. None is ever used again: it is a serial number above a place that is. */
export class RequestIds {
  readonly #freePlaces: number[] = [];
  #places = 0;
  #serial = 0;

  /** An id for a request, or null where too many are in flight. */
  take(): number | null {
    const place = this.#freePlaces.pop() ?? this.#places;
    if (place === maxRequestsInFlight) return null;
    if (place === this.#places) this.#places++;
    return ++this.#serial * maxRequestsInFlight + place;
  }

  /** The request of that id is over. */
  release(id: number): void {
    this.#freePlaces.push(id % maxRequestsInFlight);
  }
}

/**
 * Requests in flight by their id, kept in an array by its place: a Map whose entries come and go by the thousand
 * keeps dead ones reachable, see live-list.ts.
 */
export class RequestTable<T> {
  readonly #entries: ({ readonly id: number; readonly value: T } | undefined)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @param id given out by {@link RequestIds}, and not in this table yet */
  set(id: number, value: T): void {
    this.#entries[id % maxRequestsInFlight] = { id, value };
    this.#size++;
  }

  get(id: number): T | undefined {
    const entry = this.#entries[id % maxRequestsInFlight];
    return entry?.id === id ? entry.value : undefined;
  }

  delete(id: number): void {
    if (this.get(id) === undefined) return;
    this.#entries[id % maxRequestsInFlight] = undefined;
    this.#size--;
  }

  *values(): Generator<T, void> {
    for (const entry of [...this.#entries]) if (entry) yield entry.value;
  }
}
