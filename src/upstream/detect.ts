import type { ServerConfig } from '../config/schema.ts';
import { splitUserInfo } from '../config/user-info.ts';
import { HttpClient, type HttpMethod } from '../http-client/client.ts';
import type { ByteCounts } from '../http-client/pool.ts';
import { jsonType, sseType } from '../protocol/headers.ts';
import type { Era } from '../protocol/versions.ts';
import { Abort, type Signal } from '../runtime/abort.ts';
import { type Clock, deadlines } from '../runtime/deadlines.ts';
import { build } from '../version.ts';
import { LegacyServerFailure } from './era-verdict.ts';
import { failureIn, toFailure, UpstreamFailure } from './failure.ts';
import { LegacySession } from './legacy/session.ts';
import { ModernSession } from './modern/session.ts';
import { isRefusal } from './requests/own-requests.ts';
import type { SessionEvents, SessionSource, UpstreamSession } from './session.ts';
import { sseSource, streamableSource } from './transport/sources.ts';
import type { TransportSource } from './transport/transport.ts';

/** How long an upstream may take to end a session that could not be opened. */
const abandonTimeoutMs = 1_000;

/** How long a server is taken for one of the legacy era: it may be upgraded. */
const verdictMs = 3_600_000;
/** The time of a verdict that is none: the server has opened a legacy session, but not said that it knows no other. */
const unsaid = Number.NEGATIVE_INFINITY;

/** An upstream as configured, with the value of its token. */
export interface UpstreamConfig {
  readonly server: ServerConfig;
  readonly token: string | null;
}

/**
 * Opens sessions over HTTP, and detects what the server speaks: the modern era, else the legacy one over Streamable HTTP, else over
 * HTTP+SSE (MCP 2026-07-28, Versioning, Backward Compatibility). Connections outlive sessions.
 */
export class HttpSessionSource implements SessionSource {
  readonly #config: () => ServerConfig;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #http: HttpClient;
  readonly #streamable: TransportSource;
  readonly #sse: TransportSource;
  readonly #modern: TransportSource;
  /** When the server was last found to be of the legacy era; null: it was not; {@link unsaid}: it is taken for one. */
  #legacyMs: number | null = null;

  /** @param current the settings that may change after construction */
  constructor(
    { server, token }: UpstreamConfig,
    current: () => ServerConfig,
    bytes: ByteCounts,
    quote: (text: string) => string,
    clock: Pick<Clock, 'nowMs'> = deadlines.clock,
  ) {
    this.#clock = clock;
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
    this.#streamable = streamableSource(this.#http, 'legacy', isAnyEventName);
    this.#modern = streamableSource(this.#http, 'modern', isAnyEventName);
    this.#sse = sseSource(this.#http, url, isAnyEventName);
  }

  async open(events: SessionEvents, signal: Signal, era?: Era): Promise<UpstreamSession> {
    const { protocol, era: configured } = this.#config();
    const wanted = era ?? (protocol === 'sse' ? 'legacy' : configured);
    if (wanted === 'legacy') return this.#openLegacy(events, signal);
    if (wanted === 'modern') return this.#openModern(events, signal);
    if (this.#isKnownLegacy()) return this.#reopenLegacy(events, signal);
    let isSaid: boolean;
    try {
      return await this.#openModern(events, signal);
    } catch (error) {
      // Servers of HTTP+SSE may answer any POST with 501, which decides nothing.
      if (failureIn(error)?.kind !== 'unsupported') throw error;
      isSaid = error instanceof LegacyServerFailure;
    }
    const session = await this.#openLegacy(events, signal);
    this.#legacyMs = isSaid ? this.#clock.nowMs() : unsaid;
    return session;
  }

  async hasNewEra(events: SessionEvents, signal: Signal): Promise<boolean> {
    if (this.#config().era !== 'auto' || this.#legacyMs === null || this.#isKnownLegacy()) return false;
    const wasSaid = this.#legacyMs !== unsaid;
    // Once in that time, whatever comes of it.
    this.#legacyMs = this.#clock.nowMs();
    const session = new ModernSession(this.#modern, events);
    const abort = new Abort();
    const stop = () => abort.abort();
    const deadline = deadlines.add(this.#config().timeouts.connect_seconds * 1000, stop);
    signal.addEventListener('abort', stop, { once: true });
    try {
      await session.discover(abort);
      this.#legacyMs = null;
      return true;
    } catch (error) {
      if (!wasSaid && !(error instanceof LegacyServerFailure)) this.#legacyMs = unsaid;
      return false;
    } finally {
      deadline.clear();
      signal.removeEventListener('abort', stop);
      void session.retire(abandonTimeoutMs);
    }
  }

  /** Whether the server was found to be of the legacy era not long ago. */
  #isKnownLegacy(): boolean {
    return this.#legacyMs !== null && this.#clock.nowMs() - this.#legacyMs < verdictMs;
  }

  /** Opens a legacy session without asking the server for its era, unless it is no longer the same. */
  async #reopenLegacy(events: SessionEvents, signal: Signal): Promise<UpstreamSession> {
    try {
      return await this.#openLegacy(events, signal);
    } catch (error) {
      this.#legacyMs = null;
      if (!isRefusal(error)) throw error;
      return this.#openModern(events, signal).catch((modernError: unknown) => {
        throw modernError instanceof LegacyServerFailure ? error : modernError;
      });
    }
  }

  #openModern(events: SessionEvents, signal: Signal): Promise<UpstreamSession> {
    return opened(new ModernSession(this.#modern, events), signal);
  }

  /** MCP 2025-11-25, Transports, Backwards Compatibility. */
  async #openLegacy(events: SessionEvents, signal: Signal): Promise<UpstreamSession> {
    const { protocol } = this.#config();
    const open = (source: TransportSource) => opened(new LegacySession(source, events), signal);
    if (protocol === 'sse') return open(this.#sse);
    try {
      return await open(this.#streamable);
    } catch (error) {
      const failure = failureIn(error);
      if (protocol === 'streamable' || failure?.kind !== 'unsupported') throw error;
      return open(this.#sse).catch((sseError: unknown) => {
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

  maxOpenMs(connectMs: number): number {
    return connectMs;
  }

  process(): null {
    return null;
  }

  endProcesses(): void {
    // There are none.
  }

  endWithin(): void {
    // There is no process.
  }

  settingsChanged(): void {
    this.#http.headersChanged();
  }

  close(): void {
    this.#http.close();
  }
}

async function opened(session: LegacySession | ModernSession, signal: Signal): Promise<UpstreamSession> {
  try {
    await session.open(signal);
    return session;
  } catch (error) {
    // A stream, or half a session, may be open.
    void session.retire(abandonTimeoutMs);
    throw error;
  }
}
