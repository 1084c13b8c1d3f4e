import { HttpClient } from '../../src/http-client/client.ts';
import { HttpSession } from '../../src/http-client/http-session.ts';
import { Redactor, sanitizeReason } from '../../src/observability/redact.ts';

type HttpClientOptions = ConstructorParameters<typeof HttpClient>[0];

/** A session over an HTTP client of its own. */
interface TestHttpClient extends HttpSession, AsyncDisposable {
  close(): void;
  /** Another session over the same connections. */
  another(): HttpSession;
}

/** A session for the upstream at `url`, with defaults for everything except `options`. */
export function httpClient(url: string, options: Partial<HttpClientOptions> = {}): TestHttpClient {
  const client = new HttpClient({
    url,
    headersFor: (method) => (method === 'POST' ? { 'content-type': 'application/json' } : {}),
    tlsSkipVerify: false,
    connectTimeoutMs: () => 10_000,
    quote: (text) => sanitizeReason(text, new Redactor()),
    bytes: { sent: 0, received: 0 },
    ...options,
  });
  return Object.assign(new HttpSession(client), {
    close: () => client.close(),
    another: () => new HttpSession(client),
    [Symbol.asyncDispose]: async () => client.close(),
  });
}

/** The same in an environment with `proxy` as the proxy for all URLs. */
export function proxiedClient(
  proxy: string,
  url: string,
  options?: Partial<HttpClientOptions>,
): TestHttpClient {
  const names = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'].flatMap((name) => [
    name,
    name.toUpperCase(),
  ]);
  const before = names.map((name) => [name, process.env[name]] as const);
  try {
    for (const name of names) delete process.env[name];
    process.env.all_proxy = proxy;
    // The client reads the environment once, when it is created.
    return httpClient(url, options);
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

/** A signal that is never aborted. */
export const unaborted = new AbortController().signal;
