import { isLoopback } from '../../config/hosts.ts';
import { jsonType, sseType } from '../../protocol/headers.ts';
import { toFailure, UpstreamFailure } from '../failure.ts';

/** The largest body, or event of a stream, that is taken from an upstream. */
export const maxUpstreamBodyBytes = 64 * 1024 * 1024;

/** As much of an error's body as is read, to see whether it speaks of a lost session. */
const maxBeginningBytes = 16 * 1024;

const maxRedirects = 5;

/** How many clients do without verification so far. */
let unverifiedClients = 0;

export interface HttpClientOptions {
  readonly url: string;
  /** Sent with every request, credentials included. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tlsSkipVerify: boolean;
  /** Sent as `Accept` in place of the transport's own. */
  readonly accept: () => string | null;
  readonly onSent: (bytes: number) => void;
  readonly onReceived: (bytes: number) => void;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Where to, when not the upstream's own URL. */
  readonly url?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** HTTP to one upstream: its credentials, its TLS settings, its redirects, its byte counts. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #fetchOptions: BunFetchRequestInit;
  /** The upstream's URL, or where it moved within its origin. */
  #url: string;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#url = options.url;
    const { protocol, hostname } = new URL(options.url);
    this.#fetchOptions = {
      // A redirect to another origin would take credentials along.
      redirect: 'manual',
      // Deadlines are ours; Bun's own cut streams that are merely quiet.
      timeout: false,
      keepalive: true,
      ...(protocol === 'https:' && { tls: tlsOptions(options.tlsSkipVerify) }),
      // HTTP_PROXY is meant for the world outside.
      ...(isLoopback(hostname) && { proxy: false as unknown as string }),
    };
  }

  /** Forgets where the upstream had moved to: a new session begins at the configured URL. */
  startOver(): void {
    this.#url = this.#options.url;
  }

  /** Resolves when the answer's headers are there. Rejects with an {@link UpstreamFailure}, or the signal's reason. */
  async fetch(request: HttpRequest): Promise<Response> {
    let url = request.url ?? this.#url;
    for (let hops = 0; ; hops++) {
      const response = await this.#fetchOnce(url, request);
      const target = redirectTarget(response, url);
      if (target === null) return response;
      await this.discard(response, request.signal);
      if (new URL(target).origin !== new URL(url).origin) {
        throw new UpstreamFailure(
          'protocol',
          `redirects to another origin (HTTP ${response.status}), which is not followed`,
        );
      }
      if (hops === maxRedirects)
        throw new UpstreamFailure('protocol', `redirects more than ${maxRedirects} times`);
      // Where a POST was sent on, the next ones go at once.
      if (request.url === undefined && request.method === 'POST') this.#url = target;
      url = target;
    }
  }

  async #fetchOnce(url: string, request: HttpRequest): Promise<Response> {
    const headers: Record<string, string> = {
      accept: this.#options.accept() ?? (request.method === 'GET' ? sseType : `${jsonType}, ${sseType}`),
      // Bun hands out compressed bodies wrongly when their headers are passed on, and never limits what they grow to.
      'accept-encoding': 'identity',
      ...request.headers,
      ...this.#options.headers,
    };
    const init: BunFetchRequestInit = {
      ...this.#fetchOptions,
      method: request.method,
      headers,
      signal: request.signal,
    };
    if (request.body !== undefined) {
      headers['content-type'] = jsonType;
      init.body = request.body;
      this.#options.onSent(Buffer.byteLength(request.body));
    }
    try {
      return await fetch(url, init);
    } catch (error) {
      throw request.signal.aborted ? request.signal.reason : toFailure(error);
    }
  }

  /** Reads a body piece by piece, as it comes. */
  reader(response: Response, signal: AbortSignal): BodyReader {
    return new BodyReader(response, signal, this.#options.onReceived);
  }

  /** A whole body as text. */
  async text(response: Response, signal: AbortSignal): Promise<string> {
    const declared = response.headers.get('content-length');
    if (declared === null || response.headers.has('content-encoding')) {
      return this.reader(response, signal).text();
    }
    const bytes = Number(declared);
    if (bytes > maxUpstreamBodyBytes) {
      await response.body?.cancel();
      throw tooLarge();
    }
    try {
      const text = await response.text();
      this.#options.onReceived(bytes);
      return text;
    } catch (error) {
      throw signal.aborted ? signal.reason : toFailure(error);
    }
  }

  /** Does away with a body of no interest: reads one that is short, since a connection is lost with what is not read. */
  async discard(response: Response, signal: AbortSignal): Promise<void> {
    const declared = response.headers.get('content-length');
    if (declared !== null && Number(declared) <= maxBeginningBytes) await this.text(response, signal);
    else await response.body?.cancel();
  }

  /** The beginning of an error's body, for classification only: it may hold anything and is never shown. */
  async beginning(response: Response, signal: AbortSignal): Promise<string> {
    const reader = this.reader(response, signal);
    const decoder = new TextDecoder();
    let text = '';
    for (let bytes = 0; bytes < maxBeginningBytes; ) {
      const chunk = await reader.read();
      if (chunk === null) return text;
      bytes += chunk.byteLength;
      text += decoder.decode(chunk, { stream: true });
    }
    reader.cancel();
    return text;
  }
}

/** The readers of Bun's and of the standard's streams differ in their types, and are alike in this. */
interface BodyStreamReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

/** A body that is read piece by piece; what it receives is counted. */
export class BodyReader {
  readonly #reader: BodyStreamReader | null;
  readonly #signal: AbortSignal;
  readonly #onReceived: (bytes: number) => void;

  constructor(response: Response, signal: AbortSignal, onReceived: (bytes: number) => void) {
    this.#reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader() ?? null;
    this.#signal = signal;
    this.#onReceived = onReceived;
  }

  /** The next piece, or null at the end. */
  async read(): Promise<Uint8Array | null> {
    if (this.#reader === null) return null;
    try {
      const { done, value } = await this.#reader.read();
      if (done || value === undefined) return null;
      this.#onReceived(value.byteLength);
      return value;
    } catch (error) {
      throw this.#signal.aborted ? this.#signal.reason : toFailure(error);
    }
  }

  /** The rest of the body as text, after the pieces in `head`. */
  async text(head: readonly Uint8Array[] = []): Promise<string> {
    const chunks = [...head];
    let bytes = head.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    for (;;) {
      const chunk = await this.read();
      if (chunk === null) return new TextDecoder().decode(Buffer.concat(chunks, bytes));
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes <= maxUpstreamBodyBytes) continue;
      this.cancel();
      throw tooLarge();
    }
  }

  /** Gives the body up, and with it the connection. */
  cancel(): void {
    this.#reader?.cancel().catch(() => {});
  }
}

/**
 * Bun shares connections between requests whose TLS options are equal. A connection that was not verified must
 * serve its own upstream only, so its options are made unlike all others; there is no key for the passphrase to open.
 */
function tlsOptions(skipVerify: boolean): Bun.TLSOptions & { rejectUnauthorized: boolean } {
  if (!skipVerify) return { rejectUnauthorized: true };
  return { rejectUnauthorized: false, passphrase: `unverified ${++unverifiedClients}` };
}

function tooLarge(): UpstreamFailure {
  return new UpstreamFailure('protocol', `answered with more than ${maxUpstreamBodyBytes} bytes`);
}

function redirectTarget(response: Response, from: string): string | null {
  if (![301, 302, 307, 308].includes(response.status)) return null;
  const location = response.headers.get('location');
  if (location === null) return null;
  try {
    return new URL(location, from).href;
  } catch {
    throw new UpstreamFailure('protocol', `redirects to an invalid URL (HTTP ${response.status})`);
  }
}
