import { Abort, type Signal } from '../../runtime/abort.ts';
import { deadlines, settledOrAborted } from '../../runtime/deadlines.ts';
import { cancelled, toFailure, UpstreamFailure } from '../failure.ts';
import { type ListenEnd, ListenStream } from './listen-stream.ts';

/** How long a server may take to acknowledge a stream. */
const acknowledgeTimeoutMs = 10_000;
/** The waits before a stream is opened again. */
const minDelayMs = 1_000;
const maxDelayMs = 30_000;
/** After a stream that ends sooner than this the next wait is longer. */
const minListenedMs = 5_000;
/** The most resources of a session: each change sends all of their URIs. */
const maxResources = 10_000;

interface FeedParts {
  /** The changes of lists that the server announces: members of the filter. */
  readonly lists: readonly string[];
  /** Sends the request of a stream. */
  start(stream: ListenStream): void;
  /** Notifications may have been missed. `uris` are the resources with a subscription. */
  onGap(uris: readonly string[]): void;
  /** A stream broke: the server may be dead. */
  onSuspect(): void;
}

/** A subscription that waits for a stream. */
interface Waiter {
  readonly uri: string;
  readonly done: PromiseWithResolvers<void>;
}

/**
 * The notifications of a server that belong to no request: one stream at a time. When the wanted notifications change, a new
 * stream is opened before the old one is closed, so that none is missed. A stream that ends is opened again.
 * MCP 2026-07-28, Subscriptions.
 */
export class NotificationFeed {
  readonly #parts: FeedParts;
  readonly #closing = new Abort();
  readonly #uris = new Set<string>();
  #waiters: Waiter[] = [];
  #stream: ListenStream | null = null;
  /** The filter for which nothing is left to do: its stream is open, or the server sends nothing. */
  #settled: string | null = null;
  #hasGap = false;
  #quickEnds = 0;
  #openedMs = 0;
  #wake: (() => void) | null = null;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  /** Opens the first stream. Resolves when it is open, cannot be opened, or `waitMs` have passed: then lists may be old. */
  async start(waitMs: number, signal: Signal): Promise<void> {
    if (this.#filter() === null) {
      void this.#follow();
      return;
    }
    const attempt = this.#attempt();
    void attempt.then(() => this.#follow());
    let isOver = false;
    void attempt.then(() => (isOver = true));
    await settledOrAborted(attempt, signal, waitMs);
    this.#hasGap ||= !isOver;
  }

  /** Resolves when the server sends updates of the resource. Rejects with an {@link UpstreamFailure} if it does not. */
  async subscribe(uri: string, timeoutMs: number, signal: Signal): Promise<void> {
    if (signal.aborted || this.#closing.aborted) throw cancelled();
    // A resource that was dropped may still be in the old stream, which is about to close.
    if (this.#uris.has(uri) && this.#stream?.resources.has(uri)) return;
    if (this.#uris.size >= maxResources && !this.#uris.has(uri))
      throw new UpstreamFailure('busy', `has ${maxResources} subscriptions, which is the limit`);
    const done = Promise.withResolvers<void>();
    const deadline = deadlines.add(timeoutMs, () =>
      done.reject(new UpstreamFailure('timeout', `did not subscribe within ${timeoutMs / 1000} s`)),
    );
    const stop = () => done.reject(cancelled());
    signal.addEventListener('abort', stop, { once: true });
    this.#uris.add(uri);
    this.#waiters.push({ uri, done });
    this.#wake?.();
    try {
      await done.promise;
    } catch (error) {
      this.unsubscribe(uri);
      throw error;
    } finally {
      deadline.clear();
      signal.removeEventListener('abort', stop);
    }
  }

  unsubscribe(uri: string): void {
    if (this.#uris.delete(uri)) this.#wake?.();
  }

  close(): void {
    this.#closing.abort();
    this.#wake?.();
    this.#replace(null);
    this.#tell(this.#waiters, () => cancelled());
  }

  /** Keeps the stream that is wanted open. */
  async #follow(): Promise<void> {
    while (!this.#closing.aborted) {
      const filter = this.#filter();
      if (filter === this.#settled) {
        this.#tell(this.#waiters, ({ uri }) => this.#refusalOf(uri));
        await this.#pause(null);
      } else if (filter === null) {
        this.#replace(null);
        this.#settled = null;
      } else {
        const isWaitedFor = this.#waiters.length > 0;
        if (this.#quickEnds > 0 && !isWaitedFor) await this.#pause(this.#delayMs());
        // Meanwhile the last subscription may have ended.
        if (!this.#closing.aborted && this.#filter() !== null) await this.#attempt();
      }
    }
  }

  /** Opens a stream for what is wanted now. Does not reject. */
  async #attempt(): Promise<void> {
    const filter = this.#filter() as string;
    const waiters = this.#waiters;
    this.#waiters = [];
    const stream = new ListenStream(filter, (ended, end) => this.#ended(ended, end));
    const deadline = deadlines.add(acknowledgeTimeoutMs, () =>
      stream.signal.abort(new UpstreamFailure('timeout', 'did not acknowledge a stream of notifications')),
    );
    const close = () => stream.close();
    this.#closing.addEventListener('abort', close, { once: true });
    try {
      this.#parts.start(stream);
      await stream.acknowledged;
      if (stream.isOver && !stream.isIdle)
        throw new UpstreamFailure('broken', 'ended its stream of notifications');
    } catch (error) {
      const failure = toFailure(error);
      this.#hasGap = true;
      this.#quickEnds++;
      this.#tell(waiters, () => failure);
      return;
    } finally {
      deadline.clear();
      this.#closing.removeEventListener('abort', close);
    }
    if (this.#closing.aborted) {
      stream.close();
      this.#tell(waiters, () => cancelled());
      return;
    }
    this.#replace(stream);
    this.#settled = filter;
    this.#openedMs = performance.now();
    if (this.#hasGap) this.#parts.onGap([...this.#uris]);
    this.#hasGap = false;
    this.#tell(waiters, ({ uri }) => this.#refusalOf(uri));
  }

  #replace(stream: ListenStream | null): void {
    const old = this.#stream;
    this.#stream = stream;
    old?.close();
  }

  #ended(stream: ListenStream, { isGraceful, isUnknown }: ListenEnd): void {
    // It is asked again only if something else is wanted.
    if (isUnknown) this.#settled = stream.filter;
    if (stream !== this.#stream) return;
    // Some servers end a stream at once that would bring nothing.
    if (stream.isIdle) return;
    this.#stream = null;
    this.#settled = null;
    this.#hasGap = true;
    this.#quickEnds = performance.now() - this.#openedMs < minListenedMs ? this.#quickEnds + 1 : 1;
    if (!isGraceful) this.#parts.onSuspect();
    this.#wake?.();
  }

  /** The JSON text of the wanted notifications; null: none. */
  #filter(): string | null {
    if (this.#parts.lists.length === 0 && this.#uris.size === 0) return null;
    const lists = Object.fromEntries(this.#parts.lists.map((list) => [list, true]));
    return JSON.stringify({
      ...lists,
      ...(this.#uris.size > 0 && { resourceSubscriptions: [...this.#uris] }),
    });
  }

  #refusalOf(uri: string): UpstreamFailure | null {
    if (this.#stream?.resources.has(uri)) return null;
    return new UpstreamFailure('returned_error', 'does not report updates of this resource');
  }

  /** @param failureOf the failure of a subscription; null: it succeeded */
  #tell(waiters: Waiter[], failureOf: (waiter: Waiter) => UpstreamFailure | null): void {
    for (const waiter of waiters.splice(0)) {
      const failure = failureOf(waiter);
      if (failure === null) waiter.done.resolve();
      else waiter.done.reject(failure);
    }
  }

  #delayMs(): number {
    const delayMs = Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(this.#quickEnds - 1, 10));
    return delayMs * (0.75 + Math.random() / 2);
  }

  /** Waits until something changes, or for `ms` milliseconds. */
  async #pause(ms: number | null): Promise<void> {
    const changed = new Promise<void>((resolve) => (this.#wake = resolve));
    await settledOrAborted(changed, this.#closing, ms ?? undefined);
    this.#wake = null;
  }
}
