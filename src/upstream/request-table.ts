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
export class RequestTable<T extends { readonly id: number }> {
  readonly #requests: (T | undefined)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @param request its id was given out by {@link RequestIds}, and is not in this table yet */
  add(request: T): void {
    this.#requests[request.id % maxRequestsInFlight] = request;
    this.#size++;
  }

  get(id: number): T | undefined {
    const request = this.#requests[id % maxRequestsInFlight];
    return request?.id === id ? request : undefined;
  }

  delete(id: number): void {
    if (this.get(id) === undefined) return;
    this.#requests[id % maxRequestsInFlight] = undefined;
    this.#size--;
  }

  *values(): Generator<T, void> {
    for (const request of [...this.#requests]) if (request) yield request;
  }
}
