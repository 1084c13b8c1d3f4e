import type { ServerConfig } from '../config/schema.ts';
import { splitUserInfo } from '../config/user-info.ts';
import { HttpClient, type HttpMethod } from '../http-client/client.ts';
import { HttpSession } from '../http-client/http-session.ts';
import type { ByteCounts } from '../http-client/pool.ts';
import { jsonType, sseType } from '../protocol/headers.ts';
import type { Signal } from '../runtime/abort.ts';
import { build } from '../version.ts';
import { failureIn, toFailure, UpstreamFailure } from './failure.ts';
import { LegacySession, type SessionEvents } from './legacy/session.ts';
import { SseTransport } from './transport/sse.ts';
import { StreamableTransport } from './transport/streamable.ts';

/** How long an upstream may take to end a session that did not come about. */
const abandonTimeoutMs = 1_000;

/** An upstream as configured, with the value of its token. */
export interface UpstreamConfig {
  readonly server: ServerConfig;
  readonly token: string | null;
}

/** HTTP to the upstream, as configured but for what `current` may change: one client for all its sessions, so that its connections outlive them. */
export function httpClientOf(
  { server, token }: UpstreamConfig,
  current: () => ServerConfig,
  metrics: { readonly counts: { readonly bytes: ByteCounts } },
  quote: (text: string) => string,
): HttpClient {
  const { url, userInfo } = splitUserInfo(server.url);
  const headers: Record<string, string> = {};
  if (userInfo !== null) headers.authorization = userInfo.authorization;
  for (const [name, value] of Object.entries(server.headers)) headers[name.toLowerCase()] = value;
  if (token !== null) headers.authorization = `Bearer ${token}`;
  const headersFor = (method: HttpMethod) => ({
    'user-agent': `mcpstead/${build.version}`,
    accept: current().quirks.inject_accept_header ?? (method === 'GET' ? sseType : `${jsonType}, ${sseType}`),
    ...(method === 'POST' && { 'content-type': jsonType }),
    ...headers,
  });
  return new HttpClient({
    url,
    headersFor,
    tlsSkipVerify: server.tls_skip_verify,
    connectTimeoutMs: () => current().timeouts.connect_seconds * 1000,
    quote,
    bytes: metrics.counts.bytes,
  });
}

/**
 * Opens and initializes a session over the configured transport; `auto` tries Streamable HTTP and, where the
 * endpoint does not speak it, HTTP+SSE (MCP 2025-11-25, Transports, Backwards Compatibility).
 * Rejects with an {@link UpstreamFailure} or with the signal's reason.
 */
export async function openSession(
  server: ServerConfig,
  quirks: () => ServerConfig['quirks'],
  http: HttpClient,
  events: SessionEvents,
  signal: Signal,
): Promise<LegacySession> {
  const anyEventName = () => quirks().normalize_sse_events;
  const open = async (session: LegacySession): Promise<LegacySession> => {
    try {
      await session.open(signal);
      return session;
    } catch (error) {
      // Whatever came about so far, a stream or half a session, must not linger.
      void session.retire(abandonTimeoutMs);
      throw error;
    }
  };
  const streamable = () =>
    open(
      new LegacySession((sink) => new StreamableTransport(new HttpSession(http), sink, anyEventName), events),
    );
  // What a server names in relation to its URL would inherit the user info.
  const { url } = splitUserInfo(server.url);
  const sse = () =>
    open(
      new LegacySession((sink) => new SseTransport(new HttpSession(http), url, sink, anyEventName), events),
    );

  if (server.protocol === 'sse') return sse();
  try {
    return await streamable();
  } catch (error) {
    const failure = failureIn(error);
    if (server.protocol === 'streamable' || failure?.kind !== 'unsupported') throw error;
    return sse().catch((sseError: unknown) => {
      if (signal.aborted) throw signal.reason;
      const { kind, message } = toFailure(sseError);
      throw new UpstreamFailure(
        kind,
        `${failure.message} over Streamable HTTP, and over HTTP+SSE: ${message}`,
      );
    });
  }
}
