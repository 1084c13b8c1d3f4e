/** The place of a value in a {@link LiveList}; good for one removal. */
export interface Place<T> {
  readonly value: T;
  previous: Place<T> | null;
  next: Place<T> | null;
  listed: boolean;
}

/**
 * What is under way, in the order in which it began; things come and go by the ten thousand per second.
 *
 * Not a Set: JavaScriptCore's Sets and Maps leave what was deleted from them reachable through the tables that they
 * outgrew until the next full collection, and so kept thousands of finished requests alive with all they refer to.
 */
export class LiveList<T> implements Iterable<T> {
  #first: Place<T> | null = null;
  #last: Place<T> | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The value that is there for the longest. */
  get first(): T | undefined {
    return this.#first?.value;
  }

  /** Adds a value at the end. */
  add(value: T): Place<T> {
    const place: Place<T> = { value, previous: this.#last, next: null, listed: true };
    if (this.#last) this.#last.next = place;
    else this.#first = place;
    this.#last = place;
    this.#size++;
    return place;
  }

  /** Takes a value out; does nothing where that was done before. */
  remove(place: Place<T>): void {
    if (!place.listed) return;
    place.listed = false;
    if (place.previous) place.previous.next = place.next;
    else this.#first = place.next;
    if (place.next) place.next.previous = place.previous;
    else this.#last = place.previous;
    // A removed place must not keep those reachable that came after it.
    place.previous = null;
    place.next = null;
    this.#size--;
  }

  /** The values that were there at the start, but for those removed meanwhile. */
  *[Symbol.iterator](): Generator<T, void> {
    const places: Place<T>[] = [];
    for (let place = this.#first; place; place = place.next) places.push(place);
    for (const place of places) if (place.listed) yield place.value;
  }
}
