import { Abort, type Signal } from '../../abort.ts';
import { deadlines } from '../../deadlines.ts';
import type { ResponseMessage } from '../../protocol/jsonrpc.ts';
import { SseParser } from '../../protocol/sse.ts';
import { sessionLossOf, toFailure, UpstreamFailure } from '../failure.ts';
import { type HttpResponse, maxUpstreamBodyBytes } from '../http1/response.ts';
import { RequestTable } from '../request-table.ts';
import type { HttpSession } from './http-session.ts';
import { eventMessages, readEvents } from './messages.ts';
import type { AnswerTaker, Transport, TransportEvents } from './transport.ts';

/** How long a POST may stay unanswered after its response came over the stream. */
const postTimeoutMs = 5_000;

/** A request whose response has not come over the stream yet. */
class Pending {
  readonly id: number;
  /** Gives up the POST that carries the request. */
  readonly post = new Abort();
  readonly #signal: Signal;
  readonly #taker: AnswerTaker;
  readonly #table: RequestTable<Pending>;
  readonly #onAbort = () => {
    this.post.abort(this.#signal.reason);
    this.onFailure(this.#signal.reason);
  };
  #posting = true;
  #over = false;

  constructor(id: number, signal: Signal, taker: AnswerTaker, table: RequestTable<Pending>) {
    this.id = id;
    this.#signal = signal;
    this.#taker = taker;
    this.#table = table;
    table.add(this);
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The POST was answered. */
  posted(): void {
    this.#posting = false;
  }

  onAnswer(answer: ResponseMessage): void {
    if (this.#end()) this.#taker.onAnswer(answer);
  }

  onFailure(reason: unknown): void {
    if (this.#end()) this.#taker.onFailure(reason);
  }

  /** Whether it was not over before. */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#table.delete(this.id);
    if (this.#posting) deadlines.add(postTimeoutMs, () => this.post.abort());
    return true;
  }
}

/**
 * MCP 2024-11-05, Transports, HTTP with SSE: one GET stream brings all messages, and its first event names the
 * endpoint that takes POSTs. The session is as long as the stream.
 */
export class SseTransport implements Transport {
  readonly name = 'sse';
  readonly #http: HttpSession;
  readonly #url: string;
  readonly #events: TransportEvents;
  readonly #anyEventName: () => boolean;
  readonly #stream = new Abort();
  readonly #pending = new RequestTable<Pending>();
  #endpoint: string | null = null;
  #closed = false;

  constructor(http: HttpSession, url: string, events: TransportEvents, anyEventName: () => boolean) {
    this.#http = http;
    this.#url = url;
    this.#events = events;
    this.#anyEventName = anyEventName;
  }

  async open(signal: Signal): Promise<void> {
    const abort = () => this.#stream.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    try {
      const response = await this.#http.fetch({ method: 'GET', signal: this.#stream });
      if (!response.ok) throw this.#http.refusal(response, await response.beginning());
      const opened = Promise.withResolvers<void>();
      void this.#follow(response, opened.resolve).then(opened.reject, opened.reject);
      await opened.promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  request(id: number, body: string, signal: Signal, taker: AnswerTaker): void {
    if (this.#closed) {
      taker.onFailure(streamClosed());
      return;
    }
    const pending = new Pending(id, signal, taker, this.#pending);
    this.send(body, pending.post).then(
      () => pending.posted(),
      (reason) => {
        pending.posted();
        pending.onFailure(reason);
      },
    );
  }

  async send(body: string, signal: Signal): Promise<void> {
    const url = this.#endpoint ?? this.#url;
    const response = await this.#http.fetch({ method: 'POST', url, body, signal });
    if (response.ok) return response.discard();
    const { status } = response;
    const words = await response.beginning();
    const loss = sessionLossOf(status, words);
    if (loss) throw new UpstreamFailure('session_lost', `lost our session (HTTP ${status})`, loss);
    throw this.#http.refusal(response, words);
  }

  initialized(): void {
    // This transport has no header to carry the version, and its stream is open already.
  }

  async close(): Promise<void> {
    this.#end(new UpstreamFailure('broken', 'the connection was closed'));
    this.#stream.abort();
  }

  /** Reads the stream to its end; `onEndpoint` is called once the endpoint is known. */
  async #follow(response: HttpResponse, onEndpoint: () => void): Promise<never> {
    try {
      await readEvents(new SseParser(maxUpstreamBodyBytes), '', response, (event) => {
        if (event.event === 'endpoint' && this.#endpoint === null) {
          this.#endpoint = this.#resolveEndpoint(event.data);
          onEndpoint();
          return undefined;
        }
        for (const message of eventMessages(event, this.#anyEventName() && event.event !== 'endpoint')) {
          // Not awaited: one client that does not read must not keep the others from their answers.
          if (message.kind !== 'response') void this.#events.onMessage(message, null);
          else if (typeof message.id === 'number') this.#pending.get(message.id)?.onAnswer(message);
        }
        return undefined;
      });
      throw this.#endpoint === null
        ? new UpstreamFailure('protocol', 'offers no HTTP+SSE endpoint')
        : streamClosed();
    } catch (error) {
      response.cancel();
      const failure = this.#stream.aborted ? streamClosed() : toFailure(error);
      const live = this.#endpoint !== null && !this.#closed;
      // First, so that no call is sent again over what is gone.
      this.#closed = true;
      if (live) this.#events.onClosed(failure);
      this.#end(failure);
      throw this.#stream.aborted ? (this.#stream.reason ?? failure) : failure;
    }
  }

  #end(failure: UpstreamFailure): void {
    this.#closed = true;
    for (const pending of this.#pending.values()) pending.onFailure(failure);
  }

  /** MCP security: a foreign endpoint would get our messages and credentials. */
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
