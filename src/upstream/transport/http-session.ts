import { nameOf, proxyRefusal } from '../../http-client/connect-failure.ts';
import type { ResponseTaker } from '../../http-client/connection.ts';
import { CookieJar } from '../../http-client/cookie-jar.ts';
import type { HttpResponse } from '../../http-client/response.ts';
import { jsonType, sessionHeader, sseType, versionHeader } from '../../protocol/headers.ts';
import type { Signal } from '../../runtime/abort.ts';
import { build } from '../../version.ts';
import { explanationIn } from '../explanation.ts';
import { statusFailure, UpstreamFailure } from '../failure.ts';
import type { HttpClient } from './upstream-http.ts';

const maxRedirects = 5;

/** What stands in place of a session's names where an upstream repeats them; shorter ones would garble its words. */
const hidden = '[redacted]';
const minSecretChars = 4;

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
  readonly cookies: string;
  readonly settings: number;
  readonly text: string;
}

/** The HTTP side of one session with an upstream: where it moved to, and its cookies. */
export class HttpSession {
  readonly #client: HttpClient;
  readonly #cookies: CookieJar;
  /** The upstream's URL, or where it moved within its origin. */
  #url: string;
  /** The head of the last request: the next one's is nearly always the same. */
  #head: Head | null = null;

  constructor(client: HttpClient) {
    this.#client = client;
    this.#url = client.options.url;
    this.#cookies = new CookieJar(client.options.headers.cookie);
  }

  /** Resolves when the answer's head is there. Rejects with an {@link UpstreamFailure}, an `HttpFailure`, or the signal's reason. */
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
    const idle = this.#client.pool.takeIdle();
    if (idle) idle.request(this.#message(url, request), signal, hop);
    else {
      this.#client.pool.wait(signal).then(
        (one) => one.request(this.#message(url, request), signal, hop),
        (reason) => hop.onFailure(reason),
      );
    }
  }

  /** What an answer with an error status means, with the upstream's own short explanation. */
  refusal(response: HttpResponse, body: string): UpstreamFailure {
    const { status } = response;
    let words = explanationIn(status, body, response.header('www-authenticate'));
    for (const secret of this.#secrets()) words = words.replaceAll(secret, hidden);
    const failure = statusFailure(status, this.#client.options.quote(words));
    const { forwarding, route } = this.#client.way;
    if (forwarding === null) return failure;
    if (status === 407) return new UpstreamFailure(failure.kind, proxyRefusal(status, route, 'it'));
    // Nobody can tell who of the two says so.
    if (status < 502 || status > 504) return failure;
    return new UpstreamFailure(failure.kind, `${failure.message}, through ${nameOf(route)}`);
  }

  /** The names of this session, which the upstream may repeat. */
  #secrets(): string[] {
    const sessionId = this.#head?.headers?.[sessionHeader];
    return [sessionId ?? '', ...this.#cookies.values].filter(({ length }) => length >= minSecretChars);
  }

  /** A response came from `url`. */
  took(response: HttpResponse, url: string): void {
    if (response.setCookies !== null) this.#cookies.take(response.setCookies, url);
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
    const { origin } = new URL(target);
    if (origin !== new URL(url).origin) {
      throw new UpstreamFailure(
        'protocol',
        `redirects to another origin (HTTP ${response.status}), which is not followed: ${this.#client.options.quote(origin)}`,
      );
    }
    const { redirects = 0 } = request;
    if (redirects === maxRedirects)
      throw new UpstreamFailure('protocol', `redirects more than ${maxRedirects} times`);
    // Where a session is sent on that is being opened, the rest of it goes at once. Later it may be one tool that leads
    // to a page.
    const isOpening = request.method === 'POST' && request.headers?.[versionHeader] === undefined;
    if (request.url === undefined && isOpening) this.#url = target;
    return this.fetch({ ...request, url: target, redirects: redirects + 1 });
  }

  /** The text of a request. RFC 9112, 3. */
  #message(url: string, request: HttpRequest): string {
    const head = this.#headOf(url, request);
    const { body } = request;
    if (body === undefined) return `${head}\r\n`;
    const bytes = Buffer.byteLength(body);
    this.#client.options.bytes.sent += bytes;
    return `${head}content-type: ${jsonType}\r\ncontent-length: ${bytes}\r\n\r\n${body}`;
  }

  #headOf(url: string, { method, headers }: HttpRequest): string {
    const last = this.#head;
    const cookies = this.#cookies.header(url);
    const { settings } = this.#client;
    if (
      last?.method === method &&
      last.url === url &&
      last.headers === headers &&
      last.cookies === cookies &&
      last.settings === settings
    ) {
      return last.text;
    }
    const accept = this.#client.options.accept();
    const { host, pathname, search, origin } = new URL(url);
    const { forwarding } = this.#client.way;
    const target = (forwarding === null ? '' : origin) + pathname + search;
    const all: Record<string, string> = {
      host,
      'user-agent': `mcpstead/${build.version}`,
      accept: accept ?? (method === 'GET' ? sseType : `${jsonType}, ${sseType}`),
      // Compressed bodies cost more than they save between neighbors, and may grow to anything.
      'accept-encoding': 'identity',
      ...(forwarding && { 'proxy-authorization': forwarding }),
      ...headers,
      ...this.#client.options.headers,
      ...(cookies !== '' && { cookie: cookies }),
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    const text = `${method} ${target} HTTP/1.1\r\n${lines.join('')}`;
    this.#head = { method, url, headers, cookies, settings, text };
    return text;
  }
}

/** A request on its way to where it is answered: redirects are followed. */
class Hop implements ResponseTaker {
  readonly #session: HttpSession;
  readonly #url: string;
  readonly #request: HttpRequest;
  readonly #taker: ResponseTaker;

  constructor(session: HttpSession, url: string, request: HttpRequest, taker: ResponseTaker) {
    this.#session = session;
    this.#url = url;
    this.#request = request;
    this.#taker = taker;
  }

  onResponse(response: HttpResponse): void {
    const taker = this.#taker;
    this.#session.took(response, this.#url);
    if (!isRedirect(response.status)) taker.onResponse(response);
    else {
      this.#session.redirected(response, this.#url, this.#request).then(
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
