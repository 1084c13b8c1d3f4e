import { HttpClient, type HttpClientOptions } from '../../src/upstream/transport/http-client.ts';

/** A client for the upstream at `url`, with nothing particular about it but what `options` say. */
export function httpClient(
  url: string,
  options: Partial<HttpClientOptions> = {},
): HttpClient & AsyncDisposable {
  const client = new HttpClient({
    url,
    headers: {},
    tlsSkipVerify: false,
    connectTimeoutMs: () => 10_000,
    accept: () => null,
    bytes: { sent: 0, received: 0 },
    ...options,
  });
  return Object.assign(client, { [Symbol.asyncDispose]: async () => client.close() });
}

/** The same as it is where the environment names `proxy` for everything, by a URL. */
export function proxiedClient(
  proxy: string,
  url: string,
  options?: Partial<HttpClientOptions>,
): HttpClient & AsyncDisposable {
  const names = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'].flatMap((name) => [
    name,
    name.toUpperCase(),
  ]);
  const before = names.map((name) => [name, process.env[name]] as const);
  try {
    for (const name of names) delete process.env[name];
    process.env.all_proxy = proxy;
    // The environment is looked at once, by what makes the client.
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
