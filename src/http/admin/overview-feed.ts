import type { EventStream } from '../../downstream/event-stream.ts';
import { type Clock, deadlines } from '../../runtime/deadlines.ts';
import type { AdminStreams } from './admin-streams.ts';
import type { Overview } from './overview.ts';

/** The shortest time between two overviews. */
const intervalMs = 1_000;

interface Follower {
  readonly stream: EventStream;
  /** The overview that it has got. */
  sent: string;
  /** Whether its client has not taken that yet. */
  isBehind: boolean;
}

/** Sends the overview to all who watch, when something in it has changed, at most once a second. Who reads slowly misses some. */
export class OverviewFeed {
  readonly #streams: AdminStreams;
  readonly #overview: () => Promise<Overview>;
  readonly #clock: Clock;
  readonly #followers = new Set<Follower>();
  #cancelTimer: (() => void) | null = null;
  #latest = '';
  #fingerprint = '';

  constructor(streams: AdminStreams, overview: () => Promise<Overview>, clock: Clock = deadlines.clock) {
    this.#streams = streams;
    this.#overview = overview;
    this.#clock = clock;
  }

  /** A stream that begins with the overview; null: there are too many. */
  async open(): Promise<EventStream | null> {
    const stream = this.#streams.open(() => this.#closed(follower));
    if (stream === null) return null;
    const follower: Follower = { stream, sent: '', isBehind: false };
    this.#followers.add(follower);
    await this.#refresh(true);
    this.#send(follower);
    this.#schedule();
    return stream;
  }

  #closed(follower: Follower): void {
    this.#followers.delete(follower);
    if (this.#followers.size > 0) return;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  #schedule(): void {
    if (this.#followers.size === 0) return;
    this.#cancelTimer ??= this.#clock.startTimer(() => {
      this.#cancelTimer = null;
      this.#refresh(false)
        .then(() => {
          for (const follower of this.#followers) this.#send(follower);
        })
        .finally(() => this.#schedule());
    }, intervalMs);
  }

  /** @param isWanted whether the latest overview must be new although nothing but its times has changed */
  async #refresh(isWanted: boolean): Promise<void> {
    const overview = await this.#overview();
    const fingerprint = fingerprintOf(overview);
    if (fingerprint === this.#fingerprint && !isWanted) return;
    this.#fingerprint = fingerprint;
    this.#latest = JSON.stringify(overview);
  }

  #send(follower: Follower): void {
    if (follower.isBehind || follower.sent === this.#latest) return;
    follower.sent = this.#latest;
    const taken = follower.stream.send(this.#latest);
    if (taken === undefined) return;
    follower.isBehind = true;
    void taken.then(() => {
      follower.isBehind = false;
      this.#send(follower);
    });
  }
}

/** What changes by itself, and can be counted on by whoever watches. */
const clocks = new Set(['uptime_seconds', 'last_seen_seconds_ago', 'next_retry_seconds']);

function fingerprintOf(overview: Overview): string {
  return JSON.stringify(overview, (key, value) => (clocks.has(key) ? undefined : value));
}
