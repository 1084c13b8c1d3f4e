import { deadlines } from '../runtime/deadlines.ts';
import { forEachInTurns } from '../runtime/event-loop.ts';
import { LinkedList, type LinkedNode } from '../runtime/linked-list.ts';

/** Well below the idle timeouts of proxies and of our own server. */
const defaultIntervalMs = 15_000;

/** A member that is called back on every keep-alive tick. */
export interface KeepAliveMember extends LinkedNode {
  beat(): void;
}

/** Calls all members back at intervals, from one timer. */
export class KeepAlive<T extends KeepAliveMember = KeepAliveMember> implements Iterable<T> {
  readonly #intervalMs: number;
  readonly #clock: typeof deadlines.clock;
  readonly #members = new LinkedList<T>();
  #isScheduled = false;

  constructor(intervalMs = defaultIntervalMs, clock = deadlines.clock) {
    this.#intervalMs = intervalMs;
    this.#clock = clock;
  }

  get size(): number {
    return this.#members.size;
  }

  add(member: T): void {
    this.#members.add(member);
    this.#schedule();
  }

  /** Removes a member; does nothing if it is not there. */
  delete(member: T): void {
    this.#members.remove(member);
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#members[Symbol.iterator]();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.startTimer(() => void this.#beat(), this.#intervalMs);
  }

  async #beat(): Promise<void> {
    this.#isScheduled = false;
    if (this.#members.size > 0) this.#schedule();
    await forEachInTurns(this.#members, (member) => member.beat());
  }
}
