/** The most requests that may be in flight in one session. */
export const maxRequestsInFlight = 65_536;

/** The initial and the largest number of places: powers of two, and twice the requests that may be in flight. */
const minPlaces = 16;
const maxPlaces = 2 * maxRequestsInFlight;

/**
 * The requests in flight by their id. Ids are small serial numbers that are never reused: a number of more than 31 bits takes
 * ten times as long to become text. The low bits of the id are the index into an array; a Map would keep deleted requests
 * reachable, see linked-list.ts (docs/performance.md#request-table).
 */
export class RequestTable<T extends { readonly id: number }> {
  #places: (T | undefined)[] = new Array(minPlaces).fill(undefined);
  #size = 0;
  #lastId: number;

  /** @param firstId the id of the first request */
  constructor(firstId = 1) {
    this.#lastId = firstId - 1;
  }

  get size(): number {
    return this.#size;
  }

  /** The id for the next request to add, or null if too many are in flight. */
  nextId(): number | null {
    if (this.#size >= maxRequestsInFlight) return null;
    // Keeps a free place near.
    if (this.#size * 2 >= this.#places.length) this.#grow();
    do this.#lastId++;
    while (this.#places[this.#placeOf(this.#lastId)] !== undefined);
    return this.#lastId;
  }

  /**
   * Adds a request whose id is not in the table. Throws a RangeError if ids are too far apart to have places of their own, which
   * ids of one table never are.
   */
  add(request: T): void {
    // An id of another, larger table may have its place taken here.
    while (this.#places[this.#placeOf(request.id)] !== undefined) this.#grow();
    this.#places[this.#placeOf(request.id)] = request;
    this.#size++;
  }

  get(id: number): T | undefined {
    const request = this.#places[this.#placeOf(id)];
    return request?.id === id ? request : undefined;
  }

  delete(id: number): void {
    if (this.get(id) === undefined) return;
    this.#places[this.#placeOf(id)] = undefined;
    this.#size--;
  }

  *values(): Generator<T, void> {
    for (const request of this.#places) if (request) yield request;
  }

  /** The last bits of the id, which a server may have made up. */
  #placeOf(id: number): number {
    return id & (this.#places.length - 1);
  }

  /** Requests that have places of their own keep them among twice as many. */
  #grow(): void {
    if (this.#places.length === maxPlaces) throw new RangeError('no place left for a request id');
    const requests = [...this.values()];
    this.#places = new Array(this.#places.length * 2).fill(undefined);
    for (const request of requests) this.#places[this.#placeOf(request.id)] = request;
  }
}
