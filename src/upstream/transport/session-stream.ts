import type { HttpSession } from '../../http-client/http-session.ts';
import { type HttpResponse, maxResponseBytes } from '../../http-client/response.ts';
import { mediaType, sseType } from '../../protocol/headers.ts';
import { SseParser } from '../../protocol/sse-codec.ts';
import type { Signal } from '../../runtime/abort.ts';
import { sleep } from '../../runtime/deadlines.ts';
import { UpstreamFailure } from '../failure.ts';
import type { StreamOwner } from './answer-stream.ts';
import { minReopenDelayMs, readEvents } from './read-events.ts';

const maxReopenDelayMs = 30_000;
/** After a stream that ends sooner than this the next wait is longer. */
const minListenedMs = 5_000;
/** Statuses of a GET that do not say that the server offers no stream: those of a proxy, and of one that is still open. */
const transientStatuses = [409, 429, 502, 503, 504];

/** The GET stream of a session: messages of no request, and from some servers the answers, too. */
export class SessionStream {
  readonly #http: HttpSession;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #owner: Pick<StreamOwner, 'events' | 'isAnyEventName'>;
  readonly #closing: Signal;
  #isRefused = false;
  #wasOpen = false;
  #lastEventId = '';

  /**
   * @param headers the headers of the session
   * @param closing aborted when the session ends
   */
  constructor(
    http: HttpSession,
    headers: Readonly<Record<string, string>>,
    owner: Pick<StreamOwner, 'events' | 'isAnyEventName'>,
    closing: Signal,
  ) {
    this.#http = http;
    this.#headers = headers;
    this.#owner = owner;
    this.#closing = closing;
  }

  /** Whether the server offers no such stream, or no longer does. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Keeps the stream open while the server offers it, and resumes it after the last event. */
  async follow(): Promise<void> {
    const closing = this.#closing;
    let quickEnds = 0;
    while (!closing.aborted && !this.#isRefused) {
      const startedMs = performance.now();
      const parser = new SseParser(maxResponseBytes);
      let response: HttpResponse | null = null;
      try {
        response = await this.#open();
        if (response !== null) await this.#read(parser, response);
      } catch {
        response?.cancel();
        if (closing.aborted) return;
        this.#owner.events.onSuspect();
      }
      quickEnds = performance.now() - startedMs < minListenedMs ? quickEnds + 1 : 0;
      const delayMs = Math.min(
        maxReopenDelayMs,
        Math.max(parser.retryMs ?? 0, minReopenDelayMs) * 2 ** Math.min(quickEnds, 10),
      );
      if (!this.#isRefused) await sleep(delayMs * (0.75 + Math.random() / 2), closing);
    }
  }

  /** The stream, or null if the server does not open it now. */
  async #open(): Promise<HttpResponse | null> {
    const resuming = this.#lastEventId === '' ? {} : { 'last-event-id': this.#lastEventId };
    const headers = { ...this.#headers, ...resuming };
    const response = await this.#http.fetch({ method: 'GET', headers, signal: this.#closing });
    if (response.ok && mediaType(response.contentType) === sseType) return response;
    await response.discard();
    // A server that refuses a stream it offered before has most likely lost the session.
    if (this.#wasOpen) this.#owner.events.onSuspect();
    // It may not know the event.
    if (this.#lastEventId !== '' && response.status === 400) this.#lastEventId = '';
    else if (!transientStatuses.includes(response.status)) {
      this.#isRefused = true;
      this.#owner.events.onDeaf(this.failure);
    }
    return null;
  }

  async #read(parser: SseParser, response: HttpResponse): Promise<void> {
    this.#wasOpen = true;
    const { events, isAnyEventName } = this.#owner;
    await readEvents(
      parser,
      '',
      response,
      ({ id }, messages) => {
        this.#lastEventId = id;
        // Not awaited: a client that does not read must not keep messages from the others.
        for (const message of messages) void events.onMessage(message, null);
        return undefined;
      },
      isAnyEventName,
    );
  }

  /** The failure of an accepted request whose answer no stream can bring. */
  get failure(): UpstreamFailure {
    return this.#wasOpen ? new UpstreamFailure('broken', 'its event stream ended') : unanswerable();
  }
}

/** The failure of a request that a server accepted which offers no stream for the answer. */
export function unanswerable(): UpstreamFailure {
  return new UpstreamFailure(
    'protocol',
    'answered a request with HTTP 202 and no body, and offers no stream that could bring the answer',
  );
}
