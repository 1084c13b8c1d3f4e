import { connectTimeout } from '../../http-client/connect-failure.ts';
import { dial } from '../../http-client/dial.ts';
import { type Way, wayTo } from '../../http-client/origin-route.ts';
import { ConnectionPool } from '../../http-client/pool.ts';
import type { ByteCounts } from '../../observability/upstream-metrics.ts';
import { toFailure, UpstreamFailure } from '../failure.ts';
import { HttpSession } from './http-session.ts';

interface HttpClientOptions {
  readonly url: string;
  /** Sent with every request, credentials included; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tlsSkipVerify: boolean;
  /** How long a connection may take to come about. */
  readonly connectTimeoutMs: () => number;
  /** Sent as `Accept` in place of the transport's own. */
  readonly accept: () => string | null;
  /** Words of the upstream in a form that may be shown: short, on one line, without secrets. */
  readonly quote: (text: string) => string;
  /** What is sent and received is added here. */
  readonly bytes: ByteCounts;
}

/** HTTP to one upstream: its connections, its credentials, its TLS settings, its byte counts. It outlives sessions. */
export class HttpClient {
  readonly options: HttpClientOptions;
  readonly way: Way;
  readonly pool: ConnectionPool;
  #settings = 0;

  constructor(options: HttpClientOptions) {
    this.options = options;
    this.way = wayTo(new URL(options.url), options.tlsSkipVerify, process.env);
    // A pool of its own: a connection that was made without verification never serves another upstream.
    const isPlain =
      this.way.route.tls === null && this.way.forwarding === null && this.way.route.tunnel === null;
    this.pool = new ConnectionPool(() => dial(this.way, options.connectTimeoutMs()), options.bytes, isPlain);
  }

  /** The failure of what has waited for `timeoutMs`, and whether that was for a connection. */
  timeout(what: string, timeoutMs: number): UpstreamFailure {
    if (this.pool.isUnreached) return toFailure(connectTimeout(timeoutMs, this.way.route));
    return new UpstreamFailure('timeout', `${what} within ${timeoutMs / 1000} s`);
  }

  /** Another number after each change of what the options tell when asked. */
  get settings(): number {
    return this.#settings;
  }

  /** What the options tell when asked has changed. */
  settingsChanged(): void {
    this.#settings++;
  }

  /** Begins at the configured URL, and without cookies. */
  session(): HttpSession {
    return new HttpSession(this);
  }

  /** Closes the connections that are idle now, and all others as soon as they are. */
  close(): void {
    this.pool.close();
  }
}
