import type { Signal } from '../../abort.ts';
import type { ByteCounts } from '../../observability/upstream-metrics.ts';
import { jsonType, sseType } from '../../protocol/headers.ts';
import { build } from '../../version.ts';
import { UpstreamFailure } from '../failure.ts';
import type { ResponseTaker } from '../http1/connection.ts';
import { dial } from '../http1/dial.ts';
import { ConnectionPool } from '../http1/pool.ts';
import type { HttpResponse } from '../http1/response.ts';
import { type Way, wayTo } from '../http1/route.ts';

const maxRedirects = 5;

export interface HttpClientOptions {
  readonly url: string;
  /** Sent with every request, credentials included; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tlsSkipVerify: boolean;
  /** How long a connection may take to come about. */
  readonly connectTimeoutMs: () => number;
  /** Sent as `Accept` in place of the transport's own. */
  readonly accept: () => string | null;
  /** What is sent and received is added here. */
  readonly bytes: ByteCounts;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Where to, when not the upstream's own URL; of the same origin. */
  readonly url?: string;
  readonly body?: string;
  /** Names in lower case. A new object for each change: the text made of it is kept. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: Signal;
  /** How many redirects led to it. */
  readonly redirects?: number;
}

/** The text of a request's head up to the length of its body, and what it was made of. */
interface Head {
  readonly method: string;
  readonly url: string;
  readonly headers: HttpRequest['headers'];
  readonly text: string;
}

/** HTTP to one upstream: its connections, its credentials, its TLS settings, its redirects, its byte counts. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #way: Way;
  readonly #bytes: ByteCounts;
  readonly #pool: ConnectionPool;
  /** The upstream's URL, or where it moved within its origin. */
  #url: string;
  /** The head of the last request: the next one's is nearly always the same. */
  #head: Head | null = null;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#bytes = options.bytes;
    this.#url = options.url;
    this.#way = wayTo(new URL(options.url), options.tlsSkipVerify, process.env);
    // A pool of its own: a connection that was made without verification never serves another upstream.
    this.#pool = new ConnectionPool(() => dial(this.#way.route, options.connectTimeoutMs()), options.bytes);
  }

  /** Forgets where the upstream had moved to: a new session begins at the configured URL. */
  startOver(): void {
    this.#url = this.#options.url;
  }

  /** What the options tell when asked has changed. */
  settingsChanged(): void {
    this.#head = null;
  }

  /** Closes the connections that are idle now, and all others as soon as they are. */
  close(): void {
    this.#pool.close();
  }

  /** Resolves when the answer's head is there. Rejects with an {@link UpstreamFailure}, or the signal's reason. */
  fetch(request: HttpRequest): Promise<HttpResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
    this.request(request, { onResponse: resolve, onFailure: reject });
    return promise;
  }

  /** The same without a promise: `taker` is told when the answer's head is there. */
  request(request: HttpRequest, taker: ResponseTaker): void {
    const url = request.url ?? this.#url;
    const { signal } = request;
    const hop = new Hop(this, url, request, taker);
    if (signal.aborted) {
      hop.onFailure(signal.reason);
      return;
    }
    const idle = this.#pool.takeIdle();
    if (idle) idle.request(this.#message(url, request), signal, hop);
    else {
      this.#pool.wait(signal).then(
        (one) => one.request(this.#message(url, request), signal, hop),
        (reason) => hop.onFailure(reason),
      );
    }
  }

  /** Follows a redirect, if it stays within the origin. */
  async redirected(response: HttpResponse, url: string, request: HttpRequest): Promise<HttpResponse> {
    const location = response.header('location');
    if (location === null) return response;
    await response.discard();
    const target = URL.parse(location, url)?.href;
    if (target === undefined) {
      throw new UpstreamFailure('protocol', `redirects to an invalid URL (HTTP ${response.status})`);
    }
    if (new URL(target).origin !== new URL(url).origin) {
      throw new UpstreamFailure(
        'protocol',
        `redirects to another origin (HTTP ${response.status}), which is not followed`,
      );
    }
    const { redirects = 0 } = request;
    if (redirects === maxRedirects)
      throw new UpstreamFailure('protocol', `redirects more than ${maxRedirects} times`);
    // Where a POST was sent on, the next ones go at once.
    if (request.url === undefined && request.method === 'POST') this.#url = target;
    return this.fetch({ ...request, url: target, redirects: redirects + 1 });
  }

  /** The text of a request. RFC 9112, 3. */
  #message(url: string, request: HttpRequest): string {
    const head = this.#headOf(url, request);
    const { body } = request;
    if (body === undefined) return `${head}\r\n`;
    const bytes = Buffer.byteLength(body);
    this.#bytes.sent += bytes;
    return `${head}content-type: ${jsonType}\r\ncontent-length: ${bytes}\r\n\r\n${body}`;
  }

  #headOf(url: string, { method, headers }: HttpRequest): string {
    const last = this.#head;
    if (last?.method === method && last.url === url && last.headers === headers) return last.text;
    const accept = this.#options.accept();
    const { host, pathname, search, origin } = new URL(url);
    const { forwarding } = this.#way;
    const target = (forwarding === null ? '' : origin) + pathname + search;
    const all: Record<string, string> = {
      host,
      'user-agent': `mcpstead/${build.version}`,
      accept: accept ?? (method === 'GET' ? sseType : `${jsonType}, ${sseType}`),
      // Compressed bodies cost more than they save between neighbors, and may grow to anything.
      'accept-encoding': 'identity',
      ...(forwarding && { 'proxy-authorization': forwarding }),
      ...headers,
      ...this.#options.headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    const text = `${method} ${target} HTTP/1.1\r\n${lines.join('')}`;
    this.#head = { method, url, headers, text };
    return text;
  }
}

/** A request on its way to where it is answered: redirects are followed. */
class Hop implements ResponseTaker {
  readonly #client: HttpClient;
  readonly #url: string;
  readonly #request: HttpRequest;
  readonly #taker: ResponseTaker;

  constructor(client: HttpClient, url: string, request: HttpRequest, taker: ResponseTaker) {
    this.#client = client;
    this.#url = url;
    this.#request = request;
    this.#taker = taker;
  }

  onResponse(response: HttpResponse): void {
    const taker = this.#taker;
    if (!isRedirect(response.status)) taker.onResponse(response);
    else {
      this.#client.redirected(response, this.#url, this.#request).then(
        (last) => taker.onResponse(last),
        (reason) => taker.onFailure(reason),
      );
    }
  }

  onFailure(reason: unknown): void {
    this.#taker.onFailure(reason);
  }
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 307 || status === 308;
}
