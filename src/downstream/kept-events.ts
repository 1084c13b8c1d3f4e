import { CountedBytes } from '../runtime/owned-bytes.ts';
import { type Content, freeAll } from './reply-body.ts';
import { maxStreamBytes, type StoreShare } from './stream-store.ts';

/** The notifications that are kept while the client is connected: about what may be on its way to it. */
const connected = { maxNotifications: 100, maxNotificationBytes: 128 * 1024 };
/** Those that are kept for a client that has to come back. */
const disconnected = { maxNotifications: 1_000, maxNotificationBytes: 2 * 1024 * 1024 };
/** The memory of an event besides its text. */
const eventBytes = 128;

/** What an event carries: some can be missed rather than others. */
export type EventKind = 'notification' | 'question' | 'answer';

interface KeptEvent {
  readonly kind: EventKind;
  /** Counts the events of the stream, from 1. */
  readonly serial: number;
  /** The text before the message in the event. */
  readonly head: string;
  readonly content: Content;
  /** Whether it was sent, which does not mean that the client got it. */
  isSent: boolean;
}

/** The latest events of one stream, for a client that comes back. */
export class KeptEvents {
  readonly #share: StoreShare;
  readonly #events: KeptEvent[] = [];
  #bytes = 0;
  #notifications = 0;
  #notificationBytes = 0;

  constructor(share: StoreShare) {
    this.#share = share;
  }

  /** Keeps an event, whose content belongs to it then, if there is room. Returns whether there is. */
  tryAdd(event: KeptEvent, isConnected: boolean): boolean {
    const bytes = bytesOf(event);
    if (bytes > maxStreamBytes) return false;
    const isNotification = event.kind === 'notification';
    if (isNotification) {
      const { maxNotifications, maxNotificationBytes } = isConnected ? connected : disconnected;
      while (
        this.#notifications >= maxNotifications ||
        this.#notificationBytes + bytes > maxNotificationBytes
      )
        if (!this.#dropNotification()) return false;
    }
    while (this.#bytes + bytes > maxStreamBytes || !this.#share.tryHold(bytes, isNotification))
      if (!this.#dropNotification() && (isNotification || !this.#dropSent())) return false;
    this.#push(event, bytes);
    return true;
  }

  /** Keeps a short event even without room. */
  add(event: KeptEvent): void {
    const bytes = bytesOf(event);
    this.#share.force(bytes);
    this.#push(event, bytes);
  }

  /** Drops the events up to this one, which the client has, and returns the others. */
  after(serial: number): readonly KeptEvent[] {
    while ((this.#events[0]?.serial ?? Infinity) <= serial) this.#drop(0);
    return this.#events;
  }

  /** Whether this is the last event that is kept. */
  keeps(serial: number): boolean {
    return this.#events.at(-1)?.serial === serial;
  }

  /** Drops an event, if it is kept. */
  drop(serial: number): void {
    this.#dropAt(this.#events.findIndex((event) => event.serial === serial));
  }

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  clear(): void {
    for (const { content } of this.#events) freeAll(content);
    this.#events.length = 0;
    this.#share.release(this.#bytes);
    this.#bytes = 0;
    this.#notifications = 0;
    this.#notificationBytes = 0;
  }

  #push(event: KeptEvent, bytes: number): void {
    this.#events.push(event);
    this.#bytes += bytes;
    if (event.kind !== 'notification') return;
    this.#notifications++;
    this.#notificationBytes += bytes;
  }

  #dropNotification(): boolean {
    return this.#dropAt(this.#events.findIndex(({ kind }) => kind === 'notification'));
  }

  #dropSent(): boolean {
    return this.#dropAt(this.#events.findIndex(({ isSent }) => isSent));
  }

  #dropAt(index: number): boolean {
    if (index >= 0) this.#drop(index);
    return index >= 0;
  }

  #drop(index: number): void {
    const [event] = this.#events.splice(index, 1) as [KeptEvent];
    const bytes = bytesOf(event);
    this.#bytes -= bytes;
    this.#share.release(bytes);
    if (event.kind === 'notification') {
      this.#notifications--;
      this.#notificationBytes -= bytes;
    }
    freeAll(event.content);
  }
}

/** The content in a form that can be sent more than once: each {@link sharedContent} is freed on its own. */
export function keepableContent(content: Content): Content {
  if (typeof content === 'string') return content;
  return content.map((part) => (typeof part === 'string' ? part : new CountedBytes(part)));
}

/** The content for one more reader. */
export function sharedContent(content: Content): Content {
  if (typeof content === 'string') return content;
  return content.map((part) => (part instanceof CountedBytes ? part.share() : part));
}

/** A character counts as two bytes, which most take only one of. */
function bytesOf({ content }: KeptEvent): number {
  if (typeof content === 'string') return eventBytes + 2 * content.length;
  let bytes = eventBytes;
  for (const part of content) bytes += typeof part === 'string' ? 2 * part.length : part.length;
  return bytes;
}
