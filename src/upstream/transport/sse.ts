import type { HttpSession } from '../../http-client/http-session.ts';
import { type HttpResponse, maxResponseBytes } from '../../http-client/response.ts';
import { SseParser } from '../../protocol/sse-codec.ts';
import { Abort, type Signal } from '../../runtime/abort.ts';
import { sessionLossOf, toFailure, UpstreamFailure } from '../failure.ts';
import { readEvents } from './read-events.ts';
import { refusalOf } from './refusal.ts';
import type { RequestCompletion, Transport, TransportEvents } from './transport.ts';

/**
 * MCP 2024-11-05, Transports, HTTP with SSE: one GET stream brings all messages, and its first event names the endpoint for
 * POSTs. The session lasts as long as the stream.
 */
export class SseTransport implements Transport {
  readonly name = 'sse';
  readonly hasRequestStreams = false;
  readonly #http: HttpSession;
  readonly #url: string;
  readonly #events: TransportEvents;
  readonly #isAnyEventName: () => boolean;
  readonly #stream = new Abort();
  #endpoint: string | null = null;
  #closed = false;

  constructor(http: HttpSession, url: string, events: TransportEvents, isAnyEventName: () => boolean) {
    this.#http = http;
    this.#url = url;
    this.#events = events;
    this.#isAnyEventName = isAnyEventName;
  }

  async open(signal: Signal): Promise<void> {
    const abort = () => this.#stream.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    try {
      const response = await this.#http.fetch({ method: 'GET', signal: this.#stream });
      if (!response.ok) throw refusalOf(this.#http, response, await response.beginning());
      const opened = Promise.withResolvers<void>();
      void this.#follow(response, opened.resolve).then(opened.reject, opened.reject);
      await opened.promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  request(_id: number, body: string, signal: Signal, done: RequestCompletion): void {
    if (this.#closed) done.reject(streamClosed());
    else {
      this.send(body, signal).then(
        () => done.defer(),
        (reason) => done.reject(reason),
      );
    }
  }

  async send(body: string, signal: Signal): Promise<void> {
    const url = this.#endpoint ?? this.#url;
    const response = await this.#http.fetch({ method: 'POST', url, body, signal });
    if (response.ok) return response.discard();
    const words = await response.beginning();
    const failure = refusalOf(this.#http, response, words);
    const loss = sessionLossOf(response.status, words);
    throw loss ? failure.withLoss(loss) : failure;
  }

  initialized(): void {
    // This transport has no version header, and its stream is open already.
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stream.abort();
  }

  /** Reads the stream to its end. Calls `onEndpoint` once the endpoint is known. */
  async #follow(response: HttpResponse, onEndpoint: () => void): Promise<never> {
    try {
      await readEvents(
        new SseParser(maxResponseBytes),
        '',
        response,
        ({ event, data }, messages) => {
          if (event === 'endpoint' && this.#endpoint === null) {
            this.#endpoint = this.#resolveEndpoint(data);
            onEndpoint();
          }
          // Not awaited: a client that does not read must not keep the others from their answers.
          for (const message of messages) void this.#events.onMessage(message, null);
          return undefined;
        },
        this.#isAnyEventName,
      );
      throw this.#endpoint === null
        ? new UpstreamFailure('protocol', 'offers no HTTP+SSE endpoint')
        : streamClosed();
    } catch (error) {
      response.cancel();
      const failure = this.#stream.aborted ? streamClosed() : toFailure(error);
      const live = this.#endpoint !== null && !this.#closed;
      // First, so that no call is sent again over this transport.
      this.#closed = true;
      if (live) this.#events.onClosed(failure);
      throw this.#stream.aborted ? (this.#stream.reason ?? failure) : failure;
    }
  }

  /** An endpoint of another origin would get our messages and credentials. */
  #resolveEndpoint(data: string): string {
    let endpoint: URL;
    try {
      endpoint = new URL(data.trim(), this.#url);
    } catch {
      throw new UpstreamFailure('protocol', 'names an endpoint that is no URL');
    }
    if (endpoint.origin !== new URL(this.#url).origin) {
      throw new UpstreamFailure('protocol', 'names an endpoint of another origin, which is not followed');
    }
    return endpoint.href;
  }
}

function streamClosed(): UpstreamFailure {
  return new UpstreamFailure('broken', 'its event stream ended');
}
