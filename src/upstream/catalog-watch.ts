import type { ServerConfig } from '../config/schema.ts';
import type { UpstreamMetrics } from '../observability/upstream-metrics.ts';
import { allKinds, type Kind } from '../protocol/kinds.ts';
import type { Signal } from '../runtime/abort.ts';
import type { Clock } from '../runtime/deadlines.ts';
import { toFailure, type UpstreamFailure } from './failure.ts';
import { type Item, type Items, noItems } from './items/item-list.ts';
import type { UpstreamSession } from './session.ts';

/** Changes are fetched at once, but only so often from a server that announces them all the time. */
const minIntervalMs = 1_000;
/** Fetches for changes in a row that may find nothing new before each next one waits twice as long, and the longest wait. */
const patience = 3;
const maxIntervalMs = 30_000;
/** The longest wait of a timer. */
const maxTimerMs = 2 ** 31 - 1;

interface CatalogWatchParts {
  readonly config: () => ServerConfig;
  readonly metrics: UpstreamMetrics;
  /** Aborted when the session keeper is closed. */
  readonly closing: Signal;
  readonly clock: Clock;
  /** The items that the upstream offers now. */
  onItems(items: Items): void;
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
  /** The kinds of the items that have changed since their last fetch began. */
  readonly #changed = new Set<Kind>();
  /** Whether the next fetch is for a change. */
  #isForChange = false;
  /** When the last fetch for a change began. */
  #changeFetchMs = Number.NEGATIVE_INFINITY;
  /** Fetches for changes in a row that found nothing new: some servers announce a change whenever they list. */
  #vain = 0;
  /** Fetches in a row that failed. */
  #failures = 0;
  #cancelTimer: (() => void) | null = null;
  /** When the items are fetched again, by the clock. */
  #nextMs = Number.NEGATIVE_INFINITY;
  #refreshedMs: number | null = null;
  #items = noItems;

  constructor(parts: CatalogWatchParts) {
    this.#parts = parts;
  }

  /** When the items were last fetched, in milliseconds since the epoch; null before the first time. */
  get refreshedMs(): number | null {
    return this.#refreshedMs;
  }

  /** The time until the items are fetched again, in milliseconds; 0 while no session is watched. */
  get nextInMs(): number {
    return this.#session === null ? 0 : Math.max(0, this.#nextMs - this.#parts.clock.nowMs());
  }

  /** The items that the upstream offers. */
  get items(): Items {
    return this.#items;
  }

  /** Watches `session` instead of an earlier one. */
  start(session: UpstreamSession): void {
    this.#session = session;
    this.#vain = 0;
    this.#scheduleNext();
  }

  /** Watches no session. The items stay. */
  stop(): void {
    this.#session = null;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  /** Items of `session` have changed, or the settings of the watch: they are fetched soon if the session is watched. */
  changed(session: UpstreamSession, changed: readonly Kind[]): void {
    for (const kind of changed) this.#changed.add(kind);
    // A list that is being fetched may be older than the change.
    if (session === this.#session && session !== this.#fetching) this.#scheduleForChange();
  }

  /** Fetches all items. Rejects with an {@link UpstreamFailure} if the tools cannot be listed. */
  async fetch(session: UpstreamSession): Promise<void> {
    await this.#fetch(session, allKinds);
  }

  /** Sets the items that the upstream offers. */
  offer(items: Items): void {
    this.#items = items;
    this.#parts.onItems(items);
  }

  /** Resolves to whether the items are other ones than before. */
  async #fetch(session: UpstreamSession, fetched: readonly Kind[]): Promise<boolean> {
    const { closing } = this.#parts;
    this.#fetching = session;
    for (const kind of fetched) this.#changed.delete(kind);
    try {
      const lists = await Promise.all(fetched.map(async (kind) => [kind, await this.#list(session, kind)]));
      // The session may have been replaced or closed meanwhile.
      if (session !== this.#fetching || closing.aborted) return false;
      this.#failures = 0;
      this.#refreshedMs = Date.now();
      const before = this.#items;
      const after: Items = { ...before, ...Object.fromEntries(lists) };
      this.offer(after);
      return fetched.some((kind) => !isSameList(before[kind], after[kind]));
    } finally {
      if (session === this.#fetching) this.#fetching = null;
    }
  }

  /** Lists the items of a kind. Only tools must be listable: an upstream that fails to list others keeps those it had. */
  async #list(session: UpstreamSession, kind: Kind): Promise<readonly Item[]> {
    const { config, metrics, closing, clock } = this.#parts;
    const { connect_seconds, request_seconds } = config().timeouts;
    const list = () => session.list(kind, connect_seconds * 1000, request_seconds * 1000, closing);
    if (kind !== 'tools') return list().catch(() => this.#items[kind]);
    const startMs = clock.nowMs();
    let isListed = false;
    try {
      const items = await list();
      isListed = true;
      return items;
    } finally {
      metrics.toolsRefreshed(isListed, (clock.nowMs() - startMs) / 1000);
    }
  }

  async #refresh(session: UpstreamSession): Promise<void> {
    if (session === this.#fetching) return;
    const isForChange = this.#isForChange;
    const fetched = isForChange ? [...this.#changed] : allKinds;
    if (isForChange) this.#changeFetchMs = this.#parts.clock.nowMs();
    this.#isForChange = false;
    let failure: UpstreamFailure | null = null;
    try {
      const isNews = await this.#fetch(session, fetched);
      if (isNews) this.#vain = 0;
      else if (isForChange) this.#vain++;
    } catch (error) {
      failure = toFailure(error);
      this.#failures++;
    }
    this.#parts.onRefreshed(session, failure);
    if (session === this.#session) this.#scheduleNext();
  }

  #scheduleNext(): void {
    const ttlMs = this.#parts.config().tools.ttl_seconds * 1000;
    if (this.#changed.size > 0) this.#scheduleForChange();
    else if (this.#failures > 0) this.#schedule(Math.min(ttlMs, minIntervalMs * 2 ** this.#failures));
    else this.#schedule(Math.min(ttlMs, this.#wantedMs()));
  }

  /** How long the server itself says its lists stay fresh, with jitter. MCP 2026-07-28, Caching. */
  #wantedMs(): number {
    const wantedMs = this.#session?.listTtlMs ?? Number.POSITIVE_INFINITY;
    return Math.max(wantedMs, minIntervalMs) * (1 + Math.random() / 10);
  }

  /** Schedules a fetch at once, or a while after the last fetch for a change: longer after several that found nothing new. */
  #scheduleForChange(): void {
    // A fetch that is due is not postponed, or changes without a pause would postpone it for ever.
    if (this.#isForChange && this.#cancelTimer) return;
    this.#isForChange = true;
    const intervalMs = Math.min(maxIntervalMs, minIntervalMs * 2 ** Math.max(0, this.#vain - patience));
    this.#schedule(Math.max(0, this.#changeFetchMs + intervalMs - this.#parts.clock.nowMs()));
  }

  #schedule(ms: number): void {
    this.#cancelTimer?.();
    this.#nextMs = this.#parts.clock.nowMs() + ms;
    this.#cancelTimer = this.#parts.clock.startTimer(
      () => {
        this.#cancelTimer = null;
        if (this.#session) void this.#refresh(this.#session);
      },
      Math.min(ms, maxTimerMs),
    );
  }
}

/** Whether clients would see no difference. */
function isSameList(before: readonly Item[], after: readonly Item[]): boolean {
  return (
    before === after ||
    (before.length === after.length &&
      before.every((item, index) => {
        const other = after[index] as Item;
        return item.nameText === other.nameText && item.before === other.before && item.after === other.after;
      }))
  );
}
