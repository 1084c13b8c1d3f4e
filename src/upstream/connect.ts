import type { ServerConfig } from '../config/schema.ts';
import type { HttpClient } from '../http-client/client.ts';
import type { UpstreamMetrics } from '../observability/upstream-metrics.ts';
import { Abort, type Signal } from '../runtime/abort.ts';
import { deadlines } from '../runtime/deadlines.ts';
import type { CatalogWatch } from './catalog-watch.ts';
import { openSession } from './detect.ts';
import { toFailure, UpstreamFailure } from './failure.ts';
import type { LegacySession, SessionEvents } from './legacy/session.ts';

/** How long an upstream may take to terminate a session that is of no use. */
const closeTimeoutMs = 2_000;

export interface ConnectParts {
  readonly config: () => ServerConfig;
  readonly http: HttpClient;
  readonly metrics: UpstreamMetrics;
  readonly tools: CatalogWatch;
  readonly events: SessionEvents;
  /** Aborted when the connection is closed. */
  readonly closing: Signal;
}

/**
 * Opens a session within the time for that, and lists its tools, which is its first check. Rejects with an
 * {@link UpstreamFailure}, and leaves no session behind then.
 *
 * @param onSlow called when the time for opening a session is over and its tools are not there yet
 */
export async function connect(parts: ConnectParts, onSlow: () => void): Promise<LegacySession> {
  const { config, http, tools, closing } = parts;
  const connectMs = config().timeouts.connect_seconds * 1000;
  const abort = new Abort();
  let session: LegacySession | null = null;
  const deadline = deadlines.add(connectMs, () => {
    if (session) onSlow();
    else {
      const timeout = new UpstreamFailure('timeout', `did not initialize within ${connectMs / 1000} s`);
      abort.abort(toFailure(http.connectTimeout(connectMs) ?? timeout));
    }
  });
  const close = () => abort.abort(new UpstreamFailure('cancelled', 'was removed'));
  closing.addEventListener('abort', close, { once: true });
  try {
    session = await open(parts, abort);
    await tools.fetch(session);
    if (session.closedBy) throw session.closedBy;
    if (closing.aborted) throw new UpstreamFailure('cancelled', 'was removed');
    return session;
  } catch (error) {
    const failure = toFailure(error);
    if (session) {
      if (failure.loss) parts.metrics.sessionReset(failure.loss);
      void session.retire(closeTimeoutMs, failure.loss === undefined);
    }
    throw failure;
  } finally {
    deadline.clear();
    closing.removeEventListener('abort', close);
  }
}

/** Opens a session, and counts how that went. */
async function open({ config, http, metrics, events }: ConnectParts, signal: Signal): Promise<LegacySession> {
  const startMs = performance.now();
  let isOpen = false;
  try {
    const session = await openSession(config(), () => config().quirks, http, events, signal);
    events.onSeen();
    isOpen = true;
    return session;
  } finally {
    metrics.initialized(isOpen, (performance.now() - startMs) / 1000);
  }
}
