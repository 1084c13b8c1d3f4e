/** How often quiet streams are written to: well below the idle timeouts of proxies and of our own server. */
export const heartbeatIntervalMs = 15_000;

/** Something that wants to know that time goes by. */
export interface Beating {
  beat(): void;
}

/** One timer for all streams and all answers that are waited for. */
export class Heartbeat {
  readonly #members = new Set<Beating>();
  #timer: Timer | null = null;

  add(member: Beating): void {
    this.#members.add(member);
    this.#timer ??= setInterval(() => this.#beat(), heartbeatIntervalMs);
  }

  delete(member: Beating): void {
    this.#members.delete(member);
  }

  #beat(): void {
    for (const member of this.#members) member.beat();
    if (this.#members.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
