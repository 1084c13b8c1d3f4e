import type { Channel } from '../protocol/caller.ts';
import { Abort } from '../runtime/abort.ts';
import { forEachInTurns } from '../runtime/event-loop.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** The channels that are told of an update in one turn of the event loop. */
const maxAtOnce = 16;
/** The updates of parts of a resource that wait while many channels are told of one; beyond, they count as one of the whole. */
const maxUpdates = 100;
const updatedNotification = 'notifications/resources/updated';

/** Whether a view hides a resource of an upstream from its clients. */
export type HidesResource = (view: string, upstream: Upstream, uri: string) => boolean;

/** An update of a resource or of a part of it. */
interface ResourceUpdate {
  readonly uri: string;
  /** The channels that have heard of it in its own words, from any feed; null: no other feed tells of it. */
  readonly told: Set<Channel> | null;
}

/** The gateway's subscription to one resource of an upstream, for all clients that want it. */
export class ResourceFeed {
  upstream: Upstream;
  readonly uri: string;
  /** The clients' channels, and the view in which each client sees the resource. */
  readonly channels = new Map<Channel, string>();
  /** Aborted when nobody wants it any more. */
  readonly closing = new Abort();
  /** Settles when the upstream has accepted it, or refused. */
  opened: Promise<void> = Promise.resolve();
  /** Ends it at the upstream; null: it is not open. */
  #end: (() => void) | null = null;
  readonly #hides: HidesResource;
  /** The updates that are told next, by their params; null unless the channels are being told of one. */
  #updates: Map<string, ResourceUpdate> | null = null;

  constructor(upstream: Upstream, uri: string, hides: HidesResource) {
    this.upstream = upstream;
    this.uri = uri;
    this.#hides = hides;
  }

  /**
   * Tells all channels of an update: if they are many, a few in each turn of the event loop. What comes again meanwhile is told
   * once more, after that. A client that must not know of the updated part hears that the whole has changed.
   * @param uri of the resource, or of a part of it
   * @param paramsText of the notification
   * @param told the channels that have heard of this update, for all feeds that tell of it; null: this is the only one
   */
  updated(uri: string, paramsText: string, told: Set<Channel> | null = null): void {
    const update = { uri, told };
    if (this.#updates !== null) {
      if (this.#updates.size < maxUpdates) this.#updates.set(paramsText, update);
      else this.#updates.set(this.#ownUpdate, { uri: this.uri, told: null });
    } else if (this.channels.size <= maxAtOnce) {
      const notify = this.#notifier(update, paramsText);
      for (const [channel, view] of this.channels) notify(channel, view);
    } else void this.#tell(new Map([[paramsText, update]]));
  }

  /** Tells all channels that the resource may have changed in any way. */
  mayHaveChanged(): void {
    this.updated(this.uri, this.#ownUpdate);
  }

  get #ownUpdate(): string {
    return JSON.stringify({ uri: this.uri });
  }

  async #tell(updates: Map<string, ResourceUpdate>): Promise<void> {
    this.#updates = updates;
    for (const [paramsText, update] of updates) {
      updates.delete(paramsText);
      const notify = this.#notifier(update, paramsText);
      await forEachInTurns([...this.channels], ([channel, view]) => {
        if (this.channels.has(channel)) notify(channel, view);
      });
    }
    this.#updates = null;
  }

  /** Tells one channel of an update, in the words for its view, which are found once for all clients of the view. */
  #notifier({ uri, told }: ResourceUpdate, paramsText: string): (channel: Channel, view: string) => void {
    const texts = new Map<string, string | null>();
    return (channel, view) => {
      let text = texts.get(view);
      if (text === undefined) {
        text = this.#textFor(view, uri, paramsText);
        texts.set(view, text);
      }
      if (text === paramsText && told !== null) {
        if (told.has(channel)) return;
        told.add(channel);
      }
      if (text !== null) channel.notify(updatedNotification, text);
    };
  }

  /** Null: the view has come to hide the whole, too, since the client has subscribed to it. */
  #textFor(view: string, uri: string, paramsText: string): string | null {
    if (!this.#hides(view, this.upstream, uri)) return paramsText;
    return uri === this.uri || this.#hides(view, this.upstream, this.uri) ? null : this.#ownUpdate;
  }

  close(): void {
    this.closing.abort();
    this.#end?.();
  }

  /** Subscribes at the upstream; the promise is {@link opened}. */
  open(): Promise<void> {
    const { upstream, uri } = this;
    this.#end = null;
    this.opened = upstream.subscribe(uri, this.closing).then((end) => {
      if (this.closing.aborted || upstream !== this.upstream) end();
      else this.#end = end;
    });
    // Those who wait for it may have gone.
    this.opened.catch(() => {});
    return this.opened;
  }
}
