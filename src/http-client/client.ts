import type { Deadlines } from '../runtime/deadlines.ts';
import { connectTimeout } from './connect-failure.ts';
import { dial } from './dial.ts';
import type { HttpFailure } from './http-failure.ts';
import { type OriginRoute, routeTo } from './origin-route.ts';
import { type ByteCounts, ConnectionPool } from './pool.ts';

export type HttpMethod = 'GET' | 'POST' | 'DELETE';

interface HttpClientOptions {
  readonly url: string;
  /** The headers of every request with this method, credentials included; names in lower case. */
  readonly headersFor: (method: HttpMethod) => Readonly<Record<string, string>>;
  readonly tlsSkipVerify: boolean;
  readonly connectTimeoutMs: () => number;
  /** Makes words of the server fit to be shown: short, on one line, without secrets. */
  readonly quote: (text: string) => string;
  /** Counts what is sent and received. */
  readonly bytes: ByteCounts;
  /** For idle connections; default: those of the process. */
  readonly deadlines?: Deadlines;
}

/** The connections to one server, with its credentials and TLS settings. It outlives its sessions. */
export class HttpClient {
  readonly options: HttpClientOptions;
  readonly route: OriginRoute;
  readonly pool: ConnectionPool;
  /** Changes with the result of `headersFor`. */
  headersVersion = 0;

  constructor(options: HttpClientOptions) {
    this.options = options;
    this.route = routeTo(new URL(options.url), options.tlsSkipVerify, process.env);
    const { target, forwarding } = this.route;
    const isPlain = target.tls === null && forwarding === null && target.tunnel === null;
    // Not shared: a connection without verification must never serve a client that verifies.
    this.pool = new ConnectionPool(
      () => dial(this.route, options.connectTimeoutMs()),
      options.bytes,
      isPlain,
      options.deadlines,
    );
  }

  /** The failure to connect within `timeoutMs`, or null if requests do not wait for a first connection. */
  connectTimeout(timeoutMs: number): HttpFailure | null {
    return this.pool.isUnreached ? connectTimeout(timeoutMs, this.route.target) : null;
  }

  /** Must be called when `headersFor` returns other headers than before. */
  headersChanged(): void {
    this.headersVersion++;
  }

  /** Closes idle connections now, and all others as soon as they are idle. */
  close(): void {
    this.pool.close();
  }
}
