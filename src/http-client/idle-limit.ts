/** Of what the server keeps idle connections for, this much is not used, so that no request meets its end. */
const marginShare = 0.2;
const marginMs = 100;
/** Who closes a connection sooner does so for its requests, or because it goes, and not for its being idle. */
const minMs = 25;
/** A connection that was idle for twice the limit and this long more, and is still there, shows that there is no such limit. */
const doubtMs = 1_000;

/**
 * How long a server keeps idle connections where it does not say so: learned from those that it closes. A restart closes
 * them, too, and may teach far too short a limit, which costs new connections where old ones would do: until one that is
 * left idle lives on beyond it.
 */
export class IdleLimit {
  #limitMs = Number.POSITIVE_INFINITY;
  #usableMs = Number.POSITIVE_INFINITY;
  /** Whether it was learned, or a connection was left idle for as long as any is, and lived on. */
  isKnown = false;

  /** How long a connection may have been idle to be used again. */
  get usableMs(): number {
    return this.#usableMs;
  }

  /** The server closed a connection that had been idle for `idleMs`. */
  closedAfter(idleMs: number): void {
    if (idleMs < minMs) return;
    this.isKnown = true;
    if (idleMs < this.#limitMs) this.#set(idleMs);
  }

  /** A connection has been idle for `idleMs`, and is still there. */
  outlivedBy(idleMs: number): void {
    if (idleMs > 2 * this.#limitMs + doubtMs) this.#set(Number.POSITIVE_INFINITY);
  }

  #set(limitMs: number): void {
    this.#limitMs = limitMs;
    this.#usableMs = Math.min(limitMs * (1 - marginShare), Math.max(limitMs - marginMs, limitMs / 2));
  }
}
