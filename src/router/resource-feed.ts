import type { Channel } from '../protocol/caller.ts';
import { Abort } from '../runtime/abort.ts';
import { forEachInTurns } from '../runtime/event-loop.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** The channels that are told of an update in one turn of the event loop. */
const maxAtOnce = 16;
/** The updates of parts of a resource that wait while many channels are told of one; beyond, they count as one of the whole. */
const maxUpdates = 100;
const updatedNotification = 'notifications/resources/updated';

/** The gateway's subscription to one resource of an upstream, for all clients that want it. */
export class ResourceFeed {
  upstream: Upstream;
  readonly uri: string;
  readonly channels = new Set<Channel>();
  /** Aborted when nobody wants it any more. */
  readonly closing = new Abort();
  /** Settles when the upstream has accepted it, or refused. */
  opened: Promise<void> = Promise.resolve();
  /** Ends it at the upstream; null: it is not open. */
  #end: (() => void) | null = null;
  /** The updates that are told next; null unless the channels are being told of one. */
  #updates: Set<string> | null = null;

  constructor(upstream: Upstream, uri: string) {
    this.upstream = upstream;
    this.uri = uri;
  }

  /**
   * Tells all channels of an update: if they are many, a few in each turn of the event loop. What comes again meanwhile is told
   * once more, after that.
   */
  updated(paramsText: string): void {
    if (this.#updates !== null)
      this.#updates.add(this.#updates.size < maxUpdates ? paramsText : this.#ownUpdate);
    else if (this.channels.size <= maxAtOnce)
      for (const channel of this.channels) channel.notify(updatedNotification, paramsText);
    else void this.#tell(new Set([paramsText]));
  }

  /** Tells all channels that the resource may have changed in any way. */
  mayHaveChanged(): void {
    this.updated(this.#ownUpdate);
  }

  get #ownUpdate(): string {
    return JSON.stringify({ uri: this.uri });
  }

  async #tell(updates: Set<string>): Promise<void> {
    this.#updates = updates;
    for (const paramsText of updates) {
      updates.delete(paramsText);
      await forEachInTurns([...this.channels], (channel) => {
        if (this.channels.has(channel)) channel.notify(updatedNotification, paramsText);
      });
    }
    this.#updates = null;
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
