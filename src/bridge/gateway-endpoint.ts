import { HttpClient, type HttpMethod } from '../http-client/client.ts';
import { HttpSession } from '../http-client/http-session.ts';
import type { HttpResponse } from '../http-client/response.ts';
import { jsonType, sseType } from '../protocol/headers.ts';
import { Abort } from '../runtime/abort.ts';
import { deadlines } from '../runtime/deadlines.ts';
import { build } from '../version.ts';

/** How long a connection may take to be established. */
const connectTimeoutMs = 5_000;

/** Where a gateway listens, and what it wants to know. */
export interface GatewayPlace {
  /** The MCP endpoint: that of the whole gateway or of a view. */
  readonly url: string;
  /** The bearer token; null: none. */
  readonly token: string | null;
  /** Differs from one start of the gateway to the next; empty: unknown. */
  readonly instance: string;
  /** Where the gateway counts its bridges; null: it does not. */
  readonly presenceUrl: string | null;
}

export type BridgeHeaders = Readonly<Record<string, string>>;

interface EndpointRequestOptions {
  readonly method: HttpMethod;
  readonly url?: string;
  readonly body?: string;
  readonly headers?: BridgeHeaders;
  /** Aborted by whoever sends the request, or when the gateway is given up. */
  readonly abort: Abort;
}

/** The connections to one start of the gateway. */
export class GatewayEndpoint {
  readonly place: GatewayPlace;
  readonly #http: HttpSession;
  /** The requests whose responses are not over. */
  readonly #open = new Set<Abort>();
  /** When something last came from the gateway, by performance.now(). */
  heardMs = performance.now();

  constructor(place: GatewayPlace) {
    this.place = place;
    const client = new HttpClient({
      url: place.url,
      headersFor: (method) => headersFor(method, place.token),
      tlsSkipVerify: false,
      connectTimeoutMs: () => connectTimeoutMs,
      quote: (text) => text.slice(0, 200),
      bytes: { sent: 0, received: 0 },
    });
    this.#http = new HttpSession(client);
    this.#http.pinUrl();
  }

  /** Whether it waits for something. */
  get isUsed(): boolean {
    return this.#open.size > 0;
  }

  /**
   * Resolves with the response when its head has arrived. Rejects with an `HttpFailure`, or the reason of the abort. Whoever has
   * read the response calls {@link done}.
   */
  async fetch({ abort, method, url, body, headers }: EndpointRequestOptions): Promise<HttpResponse> {
    // Silence counts from here if nothing else was waited for.
    if (!this.isUsed) this.heard();
    this.#open.add(abort);
    try {
      const response = await this.#http.fetch({
        method,
        signal: abort,
        ...(url !== undefined && { url }),
        ...(body !== undefined && { body }),
        ...(headers !== undefined && { ownHeaders: headers }),
      });
      this.heard();
      return response;
    } catch (error) {
      this.#open.delete(abort);
      throw error;
    }
  }

  /** Something came from the gateway. */
  heard(): void {
    this.heardMs = performance.now();
  }

  /** The response to the request of this abort has been read, or is not wanted any more. */
  done(abort: Abort): void {
    this.#open.delete(abort);
  }

  /** Whether the gateway answers anything at all to a request of its own within `timeoutMs`. */
  async isAlive(timeoutMs: number): Promise<boolean> {
    const abort = new Abort();
    const deadline = deadlines.add(timeoutMs, () => abort.abort());
    try {
      const url = new URL('/livez', this.place.url).href;
      const response = await this.#http.fetch({ method: 'GET', url, signal: abort });
      this.heard();
      await response.discard();
      return true;
    } catch {
      return false;
    } finally {
      deadline.clear();
    }
  }

  /** Ends everything that still waits for the gateway. */
  giveUp(reason: Error): void {
    for (const abort of [...this.#open]) abort.abort(reason);
    this.#open.clear();
    this.close();
  }

  /** Closes connections as soon as they are idle. */
  close(): void {
    this.#http.client.close();
  }
}

function headersFor(method: HttpMethod, token: string | null): Record<string, string> {
  return {
    'user-agent': `mcpstead-stdio/${build.version}`,
    ...(method === 'POST' && { 'content-type': jsonType }),
    ...(method !== 'DELETE' && { accept: method === 'POST' ? `${jsonType}, ${sseType}` : sseType }),
    ...(token !== null && { authorization: `Bearer ${token}` }),
  };
}
