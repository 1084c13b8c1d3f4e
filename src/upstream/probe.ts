import { Abort } from '../runtime/abort.ts';
import { deadlines } from '../runtime/deadlines.ts';
import { httpClientOf, openSession, type UpstreamConfig } from './detect.ts';
import { UpstreamFailure } from './failure.ts';
import type { Item } from './items/item-list.ts';

/** How long an upstream may take to terminate the session. */
const closeTimeoutMs = 2_000;

/** What a look at an upstream found. */
export interface Found {
  /** The server's own name and version, as they may be shown; empty: it did not tell. */
  readonly serverInfo: string;
  readonly transport: string;
  readonly protocolVersion: string;
  readonly tools: readonly Item[];
  /** What of its tool list was passed over, as it may be shown; null: nothing was. */
  readonly toolFaults: string | null;
}

/**
 * Connects to an upstream once as the gateway would, lists its tools, and ends the session. To initialize and to list
 * may take `timeouts.connect_seconds` each. Rejects with an {@link UpstreamFailure}.
 *
 * @param quote words of the upstream in a form that may be shown
 */
export async function probe(upstream: UpstreamConfig, quote: (text: string) => string): Promise<Found> {
  const { server } = upstream;
  const connectMs = server.timeouts.connect_seconds * 1000;
  let toolFaults: string | null = null;
  const bytes = { sent: 0, received: 0 };
  const http = httpClientOf(upstream, () => server, { counts: { bytes } }, quote);
  const events = {
    // No gateway that could be met behind the upstream.
    instance: crypto.randomUUID(),
    quote,
    onToolFaults: (faults: string | null) => {
      toolFaults = faults;
    },
    onToolsChanged() {},
    onClosed() {},
    onSuspect() {},
    onSeen() {},
    onOddity() {},
  };
  const abort = new Abort();
  const deadline = deadlines.add(connectMs, () =>
    abort.abort(new UpstreamFailure('timeout', `did not initialize within ${connectMs / 1000} s`)),
  );
  try {
    const session = await openSession(server, () => server.quirks, http, events, abort);
    deadline.clear();
    try {
      const tools = await session.listTools(connectMs, connectMs, new Abort());
      const { serverInfo, transportName: transport, protocolVersion } = session;
      return { serverInfo, transport, protocolVersion, tools, toolFaults };
    } finally {
      await session.retire(closeTimeoutMs);
    }
  } finally {
    deadline.clear();
    http.close();
  }
}
