/** What can stand in a {@link LinkedList}. It holds its own links, and so stands in one list at a time. */
export abstract class LinkedNode {
  /** The list that it stands in, and its neighbors there: for that list alone. */
  list: object | null = null;
  previous: LinkedNode | null = null;
  next: LinkedNode | null = null;
}

/**
 * What is under way, in the order in which it began; things come and go by the ten thousand per second.
 *
 * Not a Set: JavaScriptCore's Sets and Maps leave what was deleted from them reachable through the tables that they
 * outgrew until the next full collection, and so kept thousands of finished requests alive with all they refer to.
 */
export class LinkedList<T extends LinkedNode> implements Iterable<T> {
  #first: T | null = null;
  #last: T | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** What is there for the longest. */
  get first(): T | undefined {
    return this.#first ?? undefined;
  }

  /** Adds `item`, which stands in no list, at the end. */
  add(item: T): void {
    item.list = this;
    item.previous = this.#last;
    if (this.#last) this.#last.next = item;
    else this.#first = item;
    this.#last = item;
    this.#size++;
  }

  /** Takes `item` out; does nothing where it is not there. */
  remove(item: T): void {
    if (item.list !== this) return;
    const { previous, next } = item;
    if (previous) previous.next = next;
    else this.#first = next as T | null;
    if (next) next.previous = previous;
    else this.#last = previous as T | null;
    item.list = null;
    // What was removed must not keep those reachable that came after it.
    item.previous = null;
    item.next = null;
    this.#size--;
  }

  /** What was there at the start, but for what was removed meanwhile. */
  *[Symbol.iterator](): Generator<T, void> {
    const items: T[] = [];
    for (let item = this.#first; item; item = item.next as T | null) items.push(item);
    for (const item of items) if (item.list === this) yield item;
  }
}
