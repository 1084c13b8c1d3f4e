import { ObjectText } from '../json/object.ts';
import { errorText } from '../protocol/messages.ts';
import { eventHeadWithId, primingEvent } from '../protocol/sse-codec.ts';
import { EventStream } from './event-stream.ts';
import type { KeepAlive } from './keep-alive.ts';
import { type EventKind, KeptEvents, keepableContent, sharedContent } from './kept-events.ts';
import { type Content, freeAll } from './reply-body.ts';
import { StoredStream, type StoreShare } from './stream-store.ts';

/** When a client should come back. Some clients try twice at this interval, then never again. */
const retryMs = 2_000;
/** In place of an answer that was too long to keep. */
const lostError = JSON.stringify({
  code: -32000,
  message:
    'the answer was too long to keep while the client was disconnected; send the request again if that is safe',
});

/** Who opens a stream. */
export interface StreamListener {
  /** The stream has no connection any more; its client may come back. */
  onLost?(): void;
  /** The client has not come back in time. */
  onGone?(): void;
}

/**
 * A stream of events that outlives its connections: a client that was disconnected can go on from the last event that it got. MCP
 * 2025-11-25, Transports, Resumability and Redelivery.
 */
export class ResumableStream extends StoredStream {
  /** Begins the ids of its events, and is unique in the session. */
  readonly name: string;
  readonly #share: StoreShare;
  readonly #owner: StreamListener;
  readonly #events: KeptEvents;
  /** The current connection; null while the client is disconnected. */
  connection: EventStream | null = null;
  #lastSerial = 0;
  #isEnded = false;
  #canResume = true;

  constructor(name: string, share: StoreShare, owner: StreamListener) {
    super();
    this.name = name;
    this.#share = share;
    this.#owner = owner;
    this.#events = new KeptEvents(share);
    share.streams.push(this);
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether `serial` is that of an event of the stream; 0 is that of the beginning. */
  hasHad(serial: number): boolean {
    return serial <= this.#lastSerial;
  }

  /** Whether a client that has the event `serial` has all of the stream. */
  isOver(serial: number): boolean {
    return this.#isEnded && serial === this.#lastSerial;
  }

  /** Begins the stream. @param isPrimed whether with an event without a message */
  begin(keepAlive: KeepAlive, isPrimed: boolean): void {
    this.#connect(keepAlive);
    if (isPrimed) this.connection?.begin(primingEvent(`${this.name}-0`, retryMs));
  }

  /** Begins the stream without a connection: its client is gone before it got anything, and cannot resume. */
  beginLost(): void {
    this.#canResume = false;
    this.#share.remove(this);
    this.#share.wait(this);
  }

  /** Sends on a new connection what follows the event `serial`, then what comes. Ends an earlier connection. */
  resume(keepAlive: KeepAlive, serial: number): EventStream {
    this.unlink();
    const before = this.connection;
    const connection = this.#connect(keepAlive);
    before?.disconnect();
    for (const event of this.#events.after(serial)) {
      event.isSent = true;
      void connection.send(sharedContent(event.content), event.head);
    }
    if (this.#isEnded) connection.close();
    return connection;
  }

  /**
   * Sends a message, and keeps it for a client that comes back. A client that does not keep up makes its sender wait, like
   * {@link EventStream.send}; one that is disconnected does not.
   */
  send(content: Content, kind: EventKind): Promise<void> | undefined {
    if (this.#isEnded) {
      freeAll(content);
      return undefined;
    }
    const { connection } = this;
    const isSent = connection !== null;
    this.#lastSerial++;
    const serial = this.#lastSerial;
    const head = eventHeadWithId(`${this.name}-${serial}`);
    const event = { kind, serial, head, content: keepableContent(content), isSent };
    const isKept = this.#canResume && this.#events.tryAdd(event, isSent);
    if (!isKept && this.#canResume && kind === 'answer')
      this.#events.add({ kind, serial, head, content: lostAnswer(content), isSent });
    if (connection) return connection.send(isKept ? sharedContent(event.content) : event.content, head);
    if (!isKept) freeAll(event.content);
    return undefined;
  }

  /** Sends a question. Returns the number of its event, or null if the client neither has it nor can get it when it comes back. */
  ask(question: string): number | null {
    if (this.#isEnded) return null;
    void this.send(question, 'question');
    const serial = this.#lastSerial;
    return this.connection !== null || this.#events.keeps(serial) ? serial : null;
  }

  /** Does not send the event `serial` again. */
  forget(serial: number): void {
    this.#events.drop(serial);
  }

  /** Ends the stream after everything is sent. */
  close(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (this.#canResume) this.#share.ended();
    if (this.connection) this.connection.close();
    else {
      this.unlink();
      if (this.#canResume) this.#share.wait(this);
      else this.drop();
    }
  }

  /** Forgets the events. A connected stream goes on, but cannot be resumed any more. */
  drop(): void {
    this.#canResume = false;
    this.unlink();
    this.#share.remove(this);
    this.#events.clear();
  }

  expire(): void {
    this.drop();
    if (!this.#isEnded) this.#owner.onGone?.();
  }

  #connect(keepAlive: KeepAlive): EventStream {
    const connection: EventStream = new EventStream(keepAlive, () => this.#onClosed(connection));
    this.connection = connection;
    return connection;
  }

  #onClosed(connection: EventStream): void {
    if (this.connection !== connection) return;
    this.connection = null;
    const isGone = !this.#canResume;
    if (isGone || (this.#isEnded && this.#events.isEmpty)) this.drop();
    else this.#share.wait(this);
    this.#owner.onLost?.();
    if (isGone && !this.#isEnded) this.#owner.onGone?.();
  }
}

function lostAnswer(content: Content): string {
  // A long result stays apart from the text before it.
  const text = typeof content === 'string' ? content : `${content[0]}null}`;
  return errorText(new ObjectText(text).member('id') ?? 'null', lostError);
}
