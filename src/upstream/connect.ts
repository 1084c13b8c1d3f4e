import type { ServerConfig } from '../config/schema.ts';
import type { UpstreamMetrics } from '../observability/upstream-metrics.ts';
import type { Era } from '../protocol/versions.ts';
import { Abort, type Signal } from '../runtime/abort.ts';
import type { Deadlines } from '../runtime/deadlines.ts';
import { toFailure, UpstreamFailure } from './failure.ts';
import type { SessionEvents, SessionSource, UpstreamSession } from './session.ts';

/** How long an upstream may take to terminate a session that is not used. */
const closeTimeoutMs = 2_000;

interface ConnectParts {
  readonly config: () => ServerConfig;
  readonly source: SessionSource;
  readonly metrics: UpstreamMetrics;
  /** By default the configured or detected one. */
  readonly era?: Era | undefined;
  /** How long the session may take to open; by default `connect_seconds`, or as long as a process may take to start. */
  readonly openMs?: number;
  readonly events: SessionEvents;
  /** Aborted when the session keeper is closed. */
  readonly closing: Signal;
  readonly deadlines: Deadlines;
}

/**
 * Opens a session in its time and tries it. Rejects with an {@link UpstreamFailure}, and leaves no session behind
 * then.
 *
 * @param tryOut the first use of the session, such as the listing of its items, which may take longer
 * @param onSlow called when `connect_seconds` are over and the session is not tried yet, or a process is still starting
 */
export async function connect(
  parts: ConnectParts,
  tryOut?: (session: UpstreamSession) => Promise<void>,
  onSlow?: () => void,
): Promise<UpstreamSession> {
  const { config, source, events, closing, deadlines, openMs } = parts;
  const connectMs = openMs ?? config().timeouts.connect_seconds * 1000;
  const abort = new Abort();
  let session: UpstreamSession | null = null;
  const maxOpenMs = openMs ?? source.maxOpenMs(connectMs);
  const deadline = deadlines.add(connectMs, () => {
    if (session || maxOpenMs > connectMs) onSlow?.();
    else abort.abort(source.openTimeout(connectMs, events));
  });
  const end = deadlines.add(maxOpenMs, () => {
    if (session === null) abort.abort(source.openTimeout(maxOpenMs, events));
  });
  const close = () => abort.abort(removed());
  closing.addEventListener('abort', close, { once: true });
  try {
    session = await open(parts, abort);
    await tryOut?.(session);
    if (session.closedBy) throw session.closedBy;
    if (closing.aborted) throw removed();
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
    end.clear();
    closing.removeEventListener('abort', close);
  }
}

/** Opens a session, and counts the result. */
async function open(
  { source, metrics, events, era, deadlines: { clock } }: ConnectParts,
  signal: Signal,
): Promise<UpstreamSession> {
  const startMs = clock.nowMs();
  let isOpen = false;
  try {
    const session = await source.open(events, signal, era);
    events.onSeen();
    isOpen = true;
    return session;
  } finally {
    metrics.initialized(isOpen, (clock.nowMs() - startMs) / 1000);
  }
}

function removed(): UpstreamFailure {
  return new UpstreamFailure('cancelled', 'was removed');
}
