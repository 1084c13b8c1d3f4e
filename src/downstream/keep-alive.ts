import { forEachInTurns } from '../runtime/event-loop.ts';
import { LinkedList, type LinkedNode } from '../runtime/linked-list.ts';

/** How often quiet streams are written to: well below the idle timeouts of proxies and of our own server. */
const defaultIntervalMs = 15_000;

/** A member that is called back on every keep-alive tick. */
export interface KeepAliveMember extends LinkedNode {
  beat(): void;
}

/** One timer for all that wait. */
export class KeepAlive<T extends KeepAliveMember = KeepAliveMember> implements Iterable<T> {
  readonly #intervalMs: number;
  readonly #members = new LinkedList<T>();
  #timer: Timer | null = null;

  constructor(intervalMs = defaultIntervalMs) {
    this.#intervalMs = intervalMs;
  }

  get size(): number {
    return this.#members.size;
  }

  /** Tells `member` of the time from now on. */
  add(member: T): void {
    this.#timer ??= setInterval(() => void this.#beat(), this.#intervalMs);
    this.#members.add(member);
  }

  /** Ends that; does nothing where it has ended. */
  delete(member: T): void {
    this.#members.remove(member);
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#members[Symbol.iterator]();
  }

  async #beat(): Promise<void> {
    await forEachInTurns(this.#members, (member) => member.beat());
    if (this.#members.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
