import type { ServerConfig } from '../config/schema.ts';
import { splitUserInfo } from '../config/user-info.ts';
import { HttpClient, type HttpMethod } from '../http-client/client.ts';
import type { ByteCounts } from '../http-client/pool.ts';
import { jsonType, sseType } from '../protocol/headers.ts';
import type { Signal } from '../runtime/abort.ts';
import { build } from '../version.ts';
import { failureIn, toFailure, UpstreamFailure } from './failure.ts';
import { LegacySession } from './legacy/session.ts';
import type { SessionEvents, SessionSource, UpstreamSession } from './session.ts';
import { sseSource, streamableSource } from './transport/sources.ts';
import type { TransportSource } from './transport/transport.ts';

/** How long an upstream may take to end a session that could not be opened. */
const abandonTimeoutMs = 1_000;

/** An upstream as configured, with the value of its token. */
export interface UpstreamConfig {
  readonly server: ServerConfig;
  readonly token: string | null;
}

/**
 * Opens sessions over HTTP, and detects the transport: `auto` tries Streamable HTTP, and HTTP+SSE if the endpoint does not speak
 * that (MCP 2025-11-25, Transports, Backwards Compatibility). Connections outlive sessions.
 */
export class HttpSessionSource implements SessionSource {
  readonly #config: () => ServerConfig;
  readonly #http: HttpClient;
  readonly #streamable: TransportSource;
  readonly #sse: TransportSource;

  /** @param current the settings that may change after construction */
  constructor(
    { server, token }: UpstreamConfig,
    current: () => ServerConfig,
    bytes: ByteCounts,
    quote: (text: string) => string,
  ) {
    const { url, userInfo } = splitUserInfo(server.url ?? '');
    const headers: Record<string, string> = {};
    if (userInfo !== null) headers.authorization = userInfo.authorization;
    for (const [name, value] of Object.entries(server.headers)) headers[name.toLowerCase()] = value;
    if (token !== null) headers.authorization = `Bearer ${token}`;
    const acceptOf = (method: HttpMethod) => (method === 'GET' ? sseType : `${jsonType}, ${sseType}`);
    this.#config = current;
    this.#http = new HttpClient({
      url,
      headersFor: (method) => ({
        'user-agent': `mcpstead/${build.version}`,
        accept: current().quirks.inject_accept_header ?? acceptOf(method),
        ...(method === 'POST' && { 'content-type': jsonType }),
        ...headers,
      }),
      tlsSkipVerify: server.tls_skip_verify,
      connectTimeoutMs: () => current().timeouts.connect_seconds * 1000,
      quote,
      bytes,
    });
    const isAnyEventName = () => current().quirks.normalize_sse_events;
    this.#streamable = streamableSource(this.#http, isAnyEventName);
    this.#sse = sseSource(this.#http, url, isAnyEventName);
  }

  async open(events: SessionEvents, signal: Signal): Promise<UpstreamSession> {
    const { protocol } = this.#config();
    if (protocol === 'sse') return openLegacy(this.#sse, events, signal);
    try {
      return await openLegacy(this.#streamable, events, signal);
    } catch (error) {
      const failure = failureIn(error);
      if (protocol === 'streamable' || failure?.kind !== 'unsupported') throw error;
      return openLegacy(this.#sse, events, signal).catch((sseError: unknown) => {
        if (signal.aborted) throw signal.reason;
        const { kind, message } = toFailure(sseError);
        const both = `${failure.message} over Streamable HTTP, and over HTTP+SSE: ${message}`;
        throw new UpstreamFailure(kind, both);
      });
    }
  }

  openTimeout(timeoutMs: number): UpstreamFailure {
    const unreached = this.#http.connectTimeout(timeoutMs);
    if (unreached) return toFailure(unreached);
    return new UpstreamFailure('timeout', `did not initialize within ${timeoutMs / 1000} s`);
  }

  settingsChanged(): void {
    this.#http.headersChanged();
  }

  close(): void {
    this.#http.close();
  }
}

async function openLegacy(
  source: TransportSource,
  events: SessionEvents,
  signal: Signal,
): Promise<LegacySession> {
  const session = new LegacySession(source, events);
  try {
    await session.open(signal);
    return session;
  } catch (error) {
    // A stream, or half a session, may be open.
    void session.retire(abandonTimeoutMs);
    throw error;
  }
}
