import type { Signal } from '../runtime/abort.ts';
import type { Completion } from '../runtime/completion.ts';
import type { HttpClient, HttpMethod } from './client.ts';
import { CookieJar } from './cookie-jar.ts';
import { HttpFailure } from './http-failure.ts';
import type { HttpResponse } from './response.ts';

const maxRedirects = 5;

export interface HttpRequest {
  readonly method: HttpMethod;
  /** Default: the URL of the session. Must have the same origin. */
  readonly url?: string;
  readonly body?: string;
  /** Names in lower case. Must be a new object after each change: the request head made of it is cached. */
  readonly headers?: Readonly<Record<string, string>>;
  /** More headers, of other names: those that differ from one request to the next. Must be a new object after each change, too. */
  readonly ownHeaders?: Readonly<Record<string, string>> | undefined;
  readonly signal: Signal;
  /** The number of redirects that led to this request. */
  readonly redirects?: number;
}

/** A request head without the length of its body, and the values that it was made of. */
interface CachedHead {
  readonly method: HttpMethod;
  readonly url: string;
  readonly headers: HttpRequest['headers'];
  readonly cookies: string;
  readonly headersVersion: number;
  readonly text: string;
}

/** Requests that share cookies and a URL, which the server may move within its origin. It starts without cookies. */
export class HttpSession {
  readonly client: HttpClient;
  readonly #cookies: CookieJar;
  #url: string;
  #isUrlPinned = false;
  /** The head of the last request: most requests have the same. */
  #head: CachedHead | null = null;
  /** The own headers of the last request, and their lines (docs/performance.md#found-last). */
  #lastOwn = { headers: {}, text: '' };

  constructor(client: HttpClient) {
    this.client = client;
    this.#url = client.options.url;
    this.#cookies = new CookieJar(client.options.headersFor('GET').cookie);
  }

  /** The values of the cookies, which must not be shown. */
  get cookieValues(): string[] {
    return this.#cookies.values;
  }

  /** From now on a redirect applies to its request only: it may lead from one operation to a page. */
  pinUrl(): void {
    this.#isUrlPinned = true;
  }

  /** Resolves with the response when its head has arrived. Rejects with an {@link HttpFailure} or the signal's reason. */
  fetch(request: HttpRequest): Promise<HttpResponse> {
    const response = Promise.withResolvers<HttpResponse>();
    this.request(request, response);
    return response.promise;
  }

  /** Like {@link fetch}, without a promise. */
  request(request: HttpRequest, done: Completion<HttpResponse>): void {
    const url = request.url ?? this.#url;
    const { signal } = request;
    const hop = new Hop(this, url, request, done);
    if (signal.aborted) {
      hop.reject(signal.reason);
      return;
    }
    const idle = this.client.pool.takeIdle();
    if (idle) idle.request(this.#message(url, request), signal, hop);
    else {
      this.client.pool.wait(signal).then(
        (connection) => connection.request(this.#message(url, request), signal, hop),
        (reason) => hop.reject(reason),
      );
    }
  }

  takeCookies(response: HttpResponse, url: string): void {
    if (response.setCookies !== null) this.#cookies.take(response.setCookies, url);
  }

  /** Follows a redirect within the origin. */
  async followRedirect(response: HttpResponse, url: string, request: HttpRequest): Promise<HttpResponse> {
    const location = response.header('location');
    if (location === null) return response;
    await response.discard();
    const target = URL.parse(location, url)?.href;
    if (target === undefined) {
      throw new HttpFailure('protocol', `redirects to an invalid URL (HTTP ${response.status})`);
    }
    const { origin } = new URL(target);
    if (origin !== new URL(url).origin) {
      throw new HttpFailure(
        'protocol',
        `redirects to another origin (HTTP ${response.status}), which is not followed: ${this.client.options.quote(origin)}`,
      );
    }
    const { redirects = 0 } = request;
    if (redirects === maxRedirects)
      throw new HttpFailure('protocol', `redirects more than ${maxRedirects} times`);
    if (request.url === undefined && request.method === 'POST' && !this.#isUrlPinned) this.#url = target;
    return this.fetch({ ...request, url: target, redirects: redirects + 1 });
  }

  /** The text of a request. RFC 9112, 3. */
  #message(url: string, request: HttpRequest): string {
    let head = this.#headFor(url, request);
    const { body, ownHeaders } = request;
    if (ownHeaders !== undefined) head += this.#linesOf(ownHeaders);
    if (body === undefined) return `${head}\r\n`;
    const bytes = Buffer.byteLength(body);
    this.client.options.bytes.sent += bytes;
    return `${head}content-length: ${bytes}\r\n\r\n${body}`;
  }

  #linesOf(headers: NonNullable<HttpRequest['ownHeaders']>): string {
    if (headers !== this.#lastOwn.headers) {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      this.#lastOwn = { headers, text: lines.join('') };
    }
    return this.#lastOwn.text;
  }

  #headFor(url: string, { method, headers }: HttpRequest): string {
    const last = this.#head;
    const cookies = this.#cookies.header(url);
    const { headersVersion } = this.client;
    if (
      last?.method === method &&
      last.url === url &&
      last.headers === headers &&
      last.cookies === cookies &&
      last.headersVersion === headersVersion
    ) {
      return last.text;
    }
    const { host, pathname, search, origin } = new URL(url);
    const { forwarding } = this.client.route;
    const target = (forwarding === null ? '' : origin) + pathname + search;
    const all: Record<string, string> = {
      host,
      // Compressed bodies cost more than they save between neighbors, and may grow without bound.
      'accept-encoding': 'identity',
      ...(forwarding && { 'proxy-authorization': forwarding }),
      ...headers,
      ...this.client.options.headersFor(method),
      ...(cookies !== '' && { cookie: cookies }),
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    const text = `${method} ${target} HTTP/1.1\r\n${lines.join('')}`;
    this.#head = { method, url, headers, cookies, headersVersion, text };
    return text;
  }
}

/** One request of a chain of redirects. */
class Hop implements Completion<HttpResponse> {
  readonly #session: HttpSession;
  readonly #url: string;
  readonly #request: HttpRequest;
  readonly #done: Completion<HttpResponse>;

  constructor(session: HttpSession, url: string, request: HttpRequest, done: Completion<HttpResponse>) {
    this.#session = session;
    this.#url = url;
    this.#request = request;
    this.#done = done;
  }

  resolve(response: HttpResponse): void {
    const done = this.#done;
    this.#session.takeCookies(response, this.#url);
    if (!isRedirect(response.status)) done.resolve(response);
    else {
      this.#session.followRedirect(response, this.#url, this.#request).then(
        (last) => done.resolve(last),
        (reason) => done.reject(reason),
      );
    }
  }

  reject(reason: unknown): void {
    this.#done.reject(reason);
  }
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 307 || status === 308;
}
