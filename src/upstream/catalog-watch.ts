import type { ServerConfig } from '../config/schema.ts';
import type { UpstreamMetrics } from '../observability/upstream-metrics.ts';
import type { Signal } from '../runtime/abort.ts';
import type { Clock } from '../runtime/deadlines.ts';
import { toFailure, type UpstreamFailure } from './failure.ts';
import type { Item } from './items/item-list.ts';
import type { UpstreamSession } from './session.ts';

/** Changes are fetched at once, but only so often from a server that announces them all the time. */
const minIntervalMs = 1_000;
/** The longest wait of a timer. */
const maxTimerMs = 2 ** 31 - 1;

interface CatalogWatchParts {
  readonly config: () => ServerConfig;
  readonly metrics: UpstreamMetrics;
  /** Aborted when the session keeper is closed. */
  readonly closing: Signal;
  readonly clock: Clock;
  /** The items that the upstream offers now. */
  onItems(items: readonly Item[]): void;
  /** The items were fetched again, or that failed. */
  onRefreshed(session: UpstreamSession, failure: UpstreamFailure | null): void;
}

/**
 * Keeps the items of an upstream up to date. Fetches them again when their time to live is over, which is the health check, and
 * when the upstream announces a change.
 */
export class CatalogWatch {
  readonly #parts: CatalogWatchParts;
  /** The session that is watched. */
  #session: UpstreamSession | null = null;
  /** The session from which items are being fetched. */
  #fetching: UpstreamSession | null = null;
  /** Whether a change was announced during the fetch. */
  #hasChanged = false;
  /** Whether the next fetch is for a change. */
  #isForChange = false;
  /** When the last fetch for a change began. */
  #changeFetchMs = Number.NEGATIVE_INFINITY;
  /** Fetches in a row that failed. */
  #failures = 0;
  #cancelTimer: (() => void) | null = null;
  #refreshedMs: number | null = null;
  #count = 0;

  constructor(parts: CatalogWatchParts) {
    this.#parts = parts;
  }

  /** When the items were last fetched, in milliseconds since the epoch; null before the first time. */
  get refreshedMs(): number | null {
    return this.#refreshedMs;
  }

  /** The number of items that the upstream offers. */
  get count(): number {
    return this.#count;
  }

  /** Watches `session` instead of an earlier one. */
  start(session: UpstreamSession): void {
    this.#session = session;
    this.#scheduleNext();
  }

  /** Watches no session. The items stay. */
  stop(): void {
    this.#session = null;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  /** The items of `session` have changed, or the settings of the watch: they are fetched soon if the session is watched. */
  changed(session: UpstreamSession): void {
    // A list that is being fetched may be older than the change.
    if (session !== this.#session || session === this.#fetching) this.#hasChanged = true;
    else this.#scheduleForChange();
  }

  /** Fetches the items. Rejects with an {@link UpstreamFailure}. */
  async fetch(session: UpstreamSession): Promise<void> {
    const { config, metrics, closing, clock } = this.#parts;
    this.#fetching = session;
    this.#hasChanged = false;
    const startMs = clock.nowMs();
    const secondsTaken = () => (clock.nowMs() - startMs) / 1000;
    try {
      const { connect_seconds, request_seconds } = config().timeouts;
      const items = await session.list('tools', connect_seconds * 1000, request_seconds * 1000, closing);
      metrics.toolsRefreshed(true, secondsTaken());
      // The session may have been replaced or closed meanwhile.
      if (session !== this.#fetching || closing.aborted) return;
      this.#failures = 0;
      this.#refreshedMs = Date.now();
      this.offer(items);
    } catch (error) {
      metrics.toolsRefreshed(false, secondsTaken());
      throw error;
    } finally {
      if (session === this.#fetching) this.#fetching = null;
    }
  }

  /** Sets the items that the upstream offers. */
  offer(items: readonly Item[]): void {
    this.#count = items.length;
    this.#parts.onItems(items);
  }

  async #refresh(session: UpstreamSession): Promise<void> {
    if (session === this.#fetching) return;
    if (this.#isForChange) this.#changeFetchMs = this.#parts.clock.nowMs();
    this.#isForChange = false;
    let failure: UpstreamFailure | null = null;
    try {
      await this.fetch(session);
    } catch (error) {
      failure = toFailure(error);
      this.#failures++;
    }
    this.#parts.onRefreshed(session, failure);
    if (session === this.#session) this.#scheduleNext();
  }

  #scheduleNext(): void {
    const ttlMs = this.#parts.config().tools.ttl_seconds * 1000;
    if (this.#hasChanged) this.#scheduleForChange();
    else if (this.#failures > 0) this.#schedule(Math.min(ttlMs, minIntervalMs * 2 ** this.#failures));
    else this.#schedule(ttlMs);
  }

  /** Schedules a fetch at once, or `minIntervalMs` after the last fetch for a change. */
  #scheduleForChange(): void {
    // A fetch that is due is not postponed, or changes without a pause would postpone it for ever.
    if (this.#isForChange && this.#cancelTimer) return;
    this.#isForChange = true;
    this.#schedule(Math.max(0, this.#changeFetchMs + minIntervalMs - this.#parts.clock.nowMs()));
  }

  #schedule(ms: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#parts.clock.startTimer(
      () => {
        this.#cancelTimer = null;
        if (this.#session) void this.#refresh(this.#session);
      },
      Math.min(ms, maxTimerMs),
    );
  }
}
