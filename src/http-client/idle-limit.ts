/** The margin below the server's limit, so that no request is lost to a close. */
const marginShare = 0.2;
const marginMs = 100;
/** A close after less idle time has another reason, such as the last request or a shutdown. */
const minMs = 25;
/** A connection that is still open after twice the limit and this much more disproves the limit. */
const doubtMs = 1_000;

/**
 * How long a server keeps idle connections, learned from those that it closes. A restart also closes them and may teach a
 * limit that is far too short, which costs new connections until an idle one outlives it.
 */
export class IdleLimit {
  #limitMs = Number.POSITIVE_INFINITY;
  /** The most idle time after which a connection is reused. */
  usableMs = Number.POSITIVE_INFINITY;
  /** Whether the limit was learned, or no connection reaches it. */
  isKnown = false;

  /** The server closed a connection after `idleMs` of idleness. */
  closedAfter(idleMs: number): void {
    if (idleMs < minMs) return;
    this.isKnown = true;
    if (idleMs < this.#limitMs) this.#set(idleMs);
  }

  /** A connection is still open after `idleMs` of idleness. */
  outlivedBy(idleMs: number): void {
    if (idleMs > 2 * this.#limitMs + doubtMs) this.#set(Number.POSITIVE_INFINITY);
  }

  #set(limitMs: number): void {
    this.#limitMs = limitMs;
    this.usableMs = Math.min(limitMs * (1 - marginShare), Math.max(limitMs - marginMs, limitMs / 2));
  }
}
