/** An item of a {@link LinkedList}. It holds its own links, and so is in one list at most. */
export abstract class LinkedNode {
  /** The list that the item is in, and its neighbors there. Only the list sets them. */
  list: { remove(item: LinkedNode): void } | null = null;
  previous: LinkedNode | null = null;
  next: LinkedNode | null = null;

  /** Removes the item from its list, if it is in one. */
  unlink(): void {
    this.list?.remove(this);
  }
}

/**
 * Items in the order of their addition, for what is added and removed with every request.
 *
 * Not a Set: JavaScriptCore keeps entries deleted from a Set or Map reachable through the tables that it outgrew, which
 * kept thousands of finished requests in memory until the next full collection (docs/performance.md#linked-list).
 */
export class LinkedList<T extends LinkedNode> implements Iterable<T> {
  /** The oldest item. Only the list sets it, and its size. */
  first: T | null = null;
  size = 0;
  #last: T | null = null;

  /** Appends an item that is in no list. */
  add(item: T): void {
    item.list = this;
    item.previous = this.#last;
    if (this.#last) this.#last.next = item;
    else this.first = item;
    this.#last = item;
    this.size++;
  }

  /** Removes `item`; does nothing if it is not in this list. */
  remove(item: T): void {
    if (item.list !== this) return;
    const { previous, next } = item;
    if (previous) previous.next = next;
    else this.first = next as T | null;
    if (next) next.previous = previous;
    else this.#last = previous as T | null;
    item.list = null;
    // A removed item must not keep later ones reachable.
    item.previous = null;
    item.next = null;
    this.size--;
  }

  /** The items at the start of the iteration, without those removed during it. */
  *[Symbol.iterator](): Generator<T, void> {
    const items: T[] = [];
    for (let item = this.first; item; item = item.next as T | null) items.push(item);
    for (const item of items) if (item.list === this) yield item;
  }
}
