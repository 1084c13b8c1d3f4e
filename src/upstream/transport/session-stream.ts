import type { HttpSession } from '../../http-client/http-session.ts';
import { type HttpResponse, maxResponseBytes } from '../../http-client/response.ts';
import { mediaType, sseType } from '../../protocol/headers.ts';
import { SseParser } from '../../protocol/sse-codec.ts';
import type { Signal } from '../../runtime/abort.ts';
import { sleep } from '../../runtime/deadlines.ts';
import { UpstreamFailure } from '../failure.ts';
import { eventMessages, readEvents } from './body-messages.ts';
import type { TransportEvents } from './transport.ts';

/** However eager a server is to have us back (its `retry` may be 0), it is not asked in a tight loop. */
export const minReopenDelayMs = 100;
const maxReopenDelayMs = 30_000;
/** A stream that lasted less long makes the next one wait longer. */
const minListenedMs = 5_000;
/** Statuses of a GET that say nothing about whether the server offers a stream: a proxy's, or that it has ours still. */
const transientStatuses = [409, 429, 502, 503, 504];

/** The GET stream of a session, which brings what belongs to no request, and of some servers the answers as well. */
export class SessionStream {
  readonly #http: HttpSession;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #events: TransportEvents;
  readonly #anyEventName: () => boolean;
  readonly #closing: Signal;
  #refused = false;
  /** Whether it was open before. */
  #opened = false;
  #lastEventId = '';

  /**
   * @param headers those of the session
   * @param closing aborted when the session ends
   */
  constructor(
    http: HttpSession,
    headers: Readonly<Record<string, string>>,
    events: TransportEvents,
    anyEventName: () => boolean,
    closing: Signal,
  ) {
    this.#http = http;
    this.#headers = headers;
    this.#events = events;
    this.#anyEventName = anyEventName;
    this.#closing = closing;
  }

  /** Whether the server offers no such stream, or none any more. */
  get refused(): boolean {
    return this.#refused;
  }

  /** Keeps it open, for as long as the server offers it; goes on after the last event where it broke off. */
  async follow(): Promise<void> {
    const closing = this.#closing;
    let quickEnds = 0;
    while (!closing.aborted && !this.#refused) {
      const startedMs = performance.now();
      const parser = new SseParser(maxResponseBytes);
      let response: HttpResponse | null = null;
      try {
        response = await this.#open();
        if (response !== null) await this.#read(parser, response);
      } catch {
        response?.cancel();
        if (closing.aborted) return;
        this.#events.onSuspect();
      }
      quickEnds = performance.now() - startedMs < minListenedMs ? quickEnds + 1 : 0;
      const delayMs = Math.min(
        maxReopenDelayMs,
        Math.max(parser.retryMs ?? 0, minReopenDelayMs) * 2 ** Math.min(quickEnds, 10),
      );
      if (!this.#refused) await sleep(delayMs * (0.75 + Math.random() / 2), closing);
    }
  }

  /** The stream, or null where it is not to be had now. */
  async #open(): Promise<HttpResponse | null> {
    const resuming = this.#lastEventId === '' ? {} : { 'last-event-id': this.#lastEventId };
    const headers = { ...this.#headers, ...resuming };
    const response = await this.#http.fetch({ method: 'GET', headers, signal: this.#closing });
    if (response.ok && mediaType(response.contentType) === sseType) return response;
    await response.discard();
    // Offered before and refused now: most likely the session is gone.
    if (this.#opened) this.#events.onSuspect();
    // The event may be what it does not know.
    if (this.#lastEventId !== '' && response.status === 400) this.#lastEventId = '';
    else if (!transientStatuses.includes(response.status)) {
      this.#refused = true;
      this.#events.onDeaf(this.failure);
    }
    return null;
  }

  async #read(parser: SseParser, response: HttpResponse): Promise<void> {
    this.#opened = true;
    await readEvents(parser, '', response, (event) => {
      this.#lastEventId = event.id;
      for (const message of eventMessages(event, this.#anyEventName())) {
        // Not awaited: one client that does not read must not keep the others from their messages.
        void this.#events.onMessage(message, null);
      }
      return undefined;
    });
  }

  /** The failure of a request that was accepted, where nothing can bring its answer. */
  get failure(): UpstreamFailure {
    return this.#opened ? new UpstreamFailure('broken', 'its event stream ended') : unanswerable();
  }
}

/** The failure of a request that was accepted by a server without a stream for the answer. */
export function unanswerable(): UpstreamFailure {
  return new UpstreamFailure(
    'protocol',
    'answered a request with HTTP 202 and no body, and offers no stream that could bring the answer',
  );
}
