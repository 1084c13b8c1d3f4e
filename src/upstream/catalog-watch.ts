import type { ServerConfig } from '../config/schema.ts';
import type { UpstreamMetrics } from '../observability/upstream-metrics.ts';
import type { Signal } from '../runtime/abort.ts';
import { toFailure, type UpstreamFailure } from './failure.ts';
import type { Item } from './items/item-list.ts';
import type { LegacySession } from './legacy/session.ts';

/** `list_changed` is answered at once, but a server that sends it all the time is asked only this often. */
const minIntervalMs = 1_000;
/** The longest wait that a timer can hold. */
const maxTimerMs = 2 ** 31 - 1;

interface CatalogWatchParts {
  readonly config: () => ServerConfig;
  readonly metrics: UpstreamMetrics;
  /** Aborted when the connection is closed. */
  readonly closing: Signal;
  /** The items that the upstream offers now. */
  readonly onItems: (items: readonly Item[]) => void;
  /** How fetching the list anew went: what failed, or null. */
  readonly onRefreshed: (session: LegacySession, failure: UpstreamFailure | null) => void;
}

/**
 * Keeps the list of an upstream's tools: fetches it anew when its time to live is over, which is the health check,
 * and when the upstream says that it changed.
 */
export class CatalogWatch {
  readonly #parts: CatalogWatchParts;
  /** The session that is watched. */
  #session: LegacySession | null = null;
  /** The session whose tools are being fetched, and whether a change was announced meanwhile. */
  #fetching: LegacySession | null = null;
  #changedMeanwhile = false;
  /** Whether the fetch that comes next is for a change, and when the last such one began. */
  #forChange = false;
  #changeFetchMs = Number.NEGATIVE_INFINITY;
  /** Fetches in a row that failed. */
  #failures = 0;
  #timer: Timer | null = null;
  #refreshedMs: number | null = null;
  #count = 0;

  constructor(parts: CatalogWatchParts) {
    this.#parts = parts;
  }

  /** When the list last came in, in milliseconds since the epoch. */
  get refreshedMs(): number | null {
    return this.#refreshedMs;
  }

  /** The number of items that the upstream offers. */
  get count(): number {
    return this.#count;
  }

  /** Watches this session from now on. */
  start(session: LegacySession): void {
    this.#session = session;
    this.#scheduleNext();
  }

  /** Watches no session; what is known of the tools stays. */
  stop(): void {
    this.#session = null;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** The tools of `session` have changed, or when to look has: the list is fetched soon, if the session is watched. */
  changed(session: LegacySession): void {
    // A list that is being fetched may be from before the change.
    if (session !== this.#session || session === this.#fetching) this.#changedMeanwhile = true;
    else this.#scheduleForChange();
  }

  /** Fetches the list of a session that is watched, and tells how that went. */
  async refresh(session: LegacySession): Promise<void> {
    if (session === this.#fetching) return;
    if (this.#forChange) this.#changeFetchMs = performance.now();
    this.#forChange = false;
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

  /** Fetches the list. Rejects with an {@link UpstreamFailure}. */
  async fetch(session: LegacySession): Promise<void> {
    const { config, metrics, closing } = this.#parts;
    this.#fetching = session;
    this.#changedMeanwhile = false;
    const startMs = performance.now();
    try {
      const { connect_seconds, request_seconds } = config().timeouts;
      const tools = await session.listTools(connect_seconds * 1000, request_seconds * 1000, closing);
      metrics.toolsRefreshed(true, (performance.now() - startMs) / 1000);
      // A session that was replaced or closed meanwhile has no say any more.
      if (session !== this.#fetching || closing.aborted) return;
      this.#failures = 0;
      this.#refreshedMs = Date.now();
      this.offer(tools);
    } catch (error) {
      metrics.toolsRefreshed(false, (performance.now() - startMs) / 1000);
      throw error;
    } finally {
      if (session === this.#fetching) this.#fetching = null;
    }
  }

  /** Takes `items` for what the upstream offers. */
  offer(items: readonly Item[]): void {
    this.#count = items.length;
    this.#parts.onItems(items);
  }

  #scheduleNext(): void {
    const ttlMs = this.#parts.config().tools.ttl_seconds * 1000;
    if (this.#changedMeanwhile) this.#scheduleForChange();
    // What could not be fetched is still wanted.
    else if (this.#failures > 0) this.#schedule(Math.min(ttlMs, minIntervalMs * 2 ** this.#failures));
    else this.#schedule(ttlMs);
  }

  /** Fetches the list at once, unless a change had it fetched just before. */
  #scheduleForChange(): void {
    // One that is due already is not put off: changes that come without a pause would keep it from ever coming.
    if (this.#forChange && this.#timer) return;
    this.#forChange = true;
    this.#schedule(Math.max(0, this.#changeFetchMs + minIntervalMs - performance.now()));
  }

  #schedule(ms: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        if (this.#session) void this.refresh(this.#session);
      },
      Math.min(ms, maxTimerMs),
    );
  }
}
