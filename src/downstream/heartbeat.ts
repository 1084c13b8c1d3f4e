import { LiveList, type Place } from '../live-list.ts';

/** How often quiet streams are written to: well below the idle timeouts of proxies and of our own server. */
const defaultIntervalMs = 15_000;

/** Something that wants to know that time goes by. */
export interface Beating {
  beat(): void;
}

/** One timer for all streams and all answers that are waited for. */
export class Heartbeat {
  readonly #intervalMs: number;
  readonly #members = new LiveList<Beating>();
  #timer: Timer | null = null;

  constructor(intervalMs = defaultIntervalMs) {
    this.#intervalMs = intervalMs;
  }

  /** Tells `member` of the time from now on; its place is what ends that. */
  add(member: Beating): Place<Beating> {
    this.#timer ??= setInterval(() => this.#beat(), this.#intervalMs);
    return this.#members.add(member);
  }

  delete(place: Place<Beating>): void {
    this.#members.remove(place);
  }

  #beat(): void {
    for (const member of this.#members) member.beat();
    if (this.#members.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
