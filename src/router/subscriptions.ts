import { GatewayError } from '../errors.ts';
import type { Channel } from '../protocol/caller.ts';
import type { Signal } from '../runtime/abort.ts';
import { settledOrAborted } from '../runtime/deadlines.ts';
import { cancelled } from '../upstream/failure.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { resourceNotFound } from './request-params.ts';
import { type HidesResource, ResourceFeed } from './resource-feed.ts';

/** The most resources to which one client subscribes, and the most of all clients together. */
const defaultMaxPerChannel = 1_000;
const defaultMaxInAll = 50_000;
/** The longest URI of a subscription, which is kept as long as the client. */
const maxUriChars = 2_048;

interface SubscriptionsParts {
  /** The owner of a resource in a view, if one is known. */
  readonly ownerOf: (view: string, uri: string) => Upstream | undefined;
  readonly hides: HidesResource;
  /** Waits for the upstreams of a view that are being connected for the first time. Never rejects. */
  readonly allStarted: (view: string, signal: Signal) => Promise<void>;
  readonly maxPerChannel?: number;
  readonly maxInAll?: number;
}

/**
 * The clients' subscriptions to resources. However many clients subscribe to one, its upstream knows of one subscription.
 * MCP 2025-11-25, Resources, Subscriptions; 2026-07-28, Subscriptions.
 */
export class Subscriptions {
  readonly #parts: SubscriptionsParts;
  /** By upstream and URI. */
  readonly #feeds = new Map<Upstream, Map<string, ResourceFeed>>();
  /** By channel and URI. */
  readonly #channels = new Map<Channel, Map<string, ResourceFeed>>();
  #size = 0;

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts;
  }

  /** The number of subscriptions of all clients. */
  get size(): number {
    return this.#size;
  }

  /**
   * Sends the updates of a resource to a client's channel. Resolves once its upstream has accepted a subscription, at once if
   * there is one. Rejects with `resource_not_found`, `invalid_params` beyond a bound, or an `UpstreamFailure`.
   * @param view in which the client sees the resource
   */
  subscribe(channel: Channel, view: string, uri: string, signal: Signal): Promise<void> {
    return this.#subscribe(channel, view, uri, signal, () => this.#parts.allStarted(view, signal));
  }

  /**
   * As {@link subscribe}, for several resources, which wait together for upstreams that are being started. Resolves to those whose
   * updates will come; the others are not subscribed to. Never rejects.
   */
  async subscribeAll(
    channel: Channel,
    view: string,
    uris: readonly string[],
    signal: Signal,
  ): Promise<string[]> {
    let started: Promise<void> | null = null;
    const allStarted = () => (started ??= this.#parts.allStarted(view, signal));
    const outcomes = await Promise.allSettled(
      uris.map((uri) => this.#subscribe(channel, view, uri, signal, allStarted)),
    );
    const accepted = uris.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    // Some servers accept a subscription, but have no stream to report updates on.
    for (const uri of accepted)
      if (this.#feedOf(channel, uri)?.upstream.isDeaf) this.unsubscribe(channel, uri);
    return accepted.filter((uri) => this.#feedOf(channel, uri) !== undefined);
  }

  async #subscribe(
    channel: Channel,
    view: string,
    uri: string,
    signal: Signal,
    allStarted: () => Promise<void>,
  ): Promise<void> {
    if (this.#parts.ownerOf(view, uri) === undefined) await allStarted();
    if (signal.aborted) throw cancelled();
    const present = this.#feedOf(channel, uri);
    const feed = present ?? this.#join(channel, view, uri);
    let opened: Promise<void>;
    do {
      ({ opened } = feed);
      await settledOrAborted(opened, signal);
      // A reload may have moved it meanwhile.
    } while (opened !== feed.opened && !signal.aborted);
    if (signal.aborted) {
      if (present === undefined) this.#leave(channel, feed);
      throw cancelled();
    }
    try {
      await opened;
    } catch (error) {
      this.#leave(channel, feed);
      throw error;
    }
  }

  /** Ends a subscription, if there is one. */
  unsubscribe(channel: Channel, uri: string): void {
    const feed = this.#feedOf(channel, uri);
    if (feed) this.#leave(channel, feed);
  }

  /** Ends all subscriptions of a channel, which is closed. */
  drop(channel: Channel): void {
    for (const feed of [...(this.#channels.get(channel)?.values() ?? [])]) this.#leave(channel, feed);
  }

  /**
   * Passes an update on to those who subscribe. None gets a URI that its view hides.
   * @param uri of the resource, or of a part of a subscribed one
   * @param paramsText of the notification
   */
  updated(upstream: Upstream, uri: string, paramsText: string): void {
    const feeds = this.#feeds.get(upstream);
    if (feeds === undefined) return;
    const concerned: ResourceFeed[] = [];
    for (const whole of wholesOf(uri)) {
      const feed = feeds.get(whole);
      if (feed) concerned.push(feed);
    }
    const told = concerned.length > 1 ? new Set<Channel>() : null;
    for (const feed of concerned) feed.updated(uri, paramsText, told);
  }

  /** Moves subscriptions to the upstreams that a reload has put in the place of others, and ends those of removed ones. */
  setUpstreams(upstreams: readonly Upstream[]): void {
    for (const [former, feeds] of [...this.#feeds]) {
      if (upstreams.includes(former)) continue;
      const successor = upstreams.find(({ name }) => name === former.name);
      for (const feed of [...feeds.values()]) {
        if (successor) this.#move(feed, successor);
        else for (const channel of [...feed.channels.keys()]) this.#leave(channel, feed);
      }
    }
  }

  #feedOf(channel: Channel, uri: string): ResourceFeed | undefined {
    return this.#channels.get(channel)?.get(uri);
  }

  #requiredOwner(view: string, uri: string): Upstream {
    const owner = this.#parts.ownerOf(view, uri);
    if (owner) return owner;
    throw resourceNotFound(uri);
  }

  #join(channel: Channel, view: string, uri: string): ResourceFeed {
    const upstream = this.#requiredOwner(view, uri);
    const { maxPerChannel = defaultMaxPerChannel, maxInAll = defaultMaxInAll } = this.#parts;
    const own = this.#channels.get(channel);
    if (uri.length > maxUriChars)
      throw tooMuch(`the URI has ${uri.length} characters; a subscription takes at most ${maxUriChars}`);
    if ((own?.size ?? 0) >= maxPerChannel)
      throw tooMuch(`the client has ${maxPerChannel} subscriptions, which is the limit; end some of them`);
    if (this.#size >= maxInAll)
      throw tooMuch(`all clients together have ${maxInAll} subscriptions, which is the limit`);
    let feed = this.#feeds.get(upstream)?.get(uri);
    if (feed === undefined) {
      feed = new ResourceFeed(upstream, uri, this.#parts.hides);
      this.#add(feed);
      void feed.open();
    }
    feed.channels.set(channel, view);
    this.#size++;
    if (own) own.set(uri, feed);
    else this.#channels.set(channel, new Map([[uri, feed]]));
    return feed;
  }

  #leave(channel: Channel, feed: ResourceFeed): void {
    if (!feed.channels.delete(channel)) return;
    this.#size--;
    const own = this.#channels.get(channel);
    if (own?.get(feed.uri) === feed) own.delete(feed.uri);
    if (own?.size === 0) this.#channels.delete(channel);
    if (feed.channels.size > 0) return;
    this.#remove(feed);
    feed.close();
  }

  /** What happened meanwhile is unknown, so the resource counts as updated. */
  #move(feed: ResourceFeed, successor: Upstream): void {
    this.#remove(feed);
    feed.upstream = successor;
    this.#add(feed);
    feed.open().then(
      () => feed.mayHaveChanged(),
      () => {
        if (feed.upstream !== successor) return;
        for (const channel of [...feed.channels.keys()]) this.#leave(channel, feed);
      },
    );
  }

  #add(feed: ResourceFeed): void {
    const feeds = this.#feeds.get(feed.upstream);
    if (feeds) feeds.set(feed.uri, feed);
    else this.#feeds.set(feed.upstream, new Map([[feed.uri, feed]]));
  }

  #remove({ upstream, uri }: ResourceFeed): void {
    const feeds = this.#feeds.get(upstream);
    feeds?.delete(uri);
    if (feeds?.size === 0) this.#feeds.delete(upstream);
  }
}

/**
 * A URI, and those of what it may be a part of, the nearest first. MCP 2025-11-25, ResourceUpdatedNotification: an update may name a
 * part of a subscribed resource.
 */
function* wholesOf(uri: string): Generator<string> {
  yield uri;
  for (let end = Math.min(uri.length - 1, maxUriChars); end > 0; end--)
    if (uri.charAt(end - 1) === '/' || /[/?#]/.test(uri.charAt(end))) yield uri.slice(0, end);
}

function tooMuch(why: string): GatewayError {
  return new GatewayError('invalid_params', `resources/subscribe: ${why}`);
}
