import type { Kind } from '../protocol/kinds.ts';
import type { Era } from '../protocol/versions.ts';
import { Abort } from '../runtime/abort.ts';
import { deadlines } from '../runtime/deadlines.ts';
import type { UpstreamConfig } from './detect.ts';
import { UpstreamFailure } from './failure.ts';
import type { Item } from './items/item-list.ts';
import { sessionSource } from './source.ts';

/** How long an upstream may take to terminate the session. */
const closeTimeoutMs = 2_000;

/** The findings about an upstream. */
export interface ProbeResult {
  /** The server's own name and version, fit to be shown; empty if it does not report them. */
  readonly serverInfo: string;
  readonly transport: string;
  readonly protocolVersion: string;
  /** The eras that the server speaks: at least that of the protocol version. */
  readonly speaks: readonly Era[];
  readonly tools: readonly Item[];
  /** What the tool list left out and why, in words of the upstream; null: nothing. */
  readonly toolFaults: string | null;
}

/**
 * Opens a session as the gateway would, lists the tools, and ends the session. To initialize and to list may each take
 * `timeouts.connect_seconds`. Rejects with an {@link UpstreamFailure}.
 *
 * @param quote makes words of the upstream fit to be shown
 */
export async function probe(upstream: UpstreamConfig, quote: (text: string) => string): Promise<ProbeResult> {
  const { server } = upstream;
  const connectMs = server.timeouts.connect_seconds * 1000;
  let toolFaults: string | null = null;
  const source = sessionSource(upstream, {
    current: () => server,
    bytes: { sent: 0, received: 0 },
    logger: { debug() {}, info() {}, warn() {} },
    stateDirectory: null,
    quote,
    onStart() {},
  });
  const events = {
    // No gateway has this id.
    instance: crypto.randomUUID(),
    quote,
    onItemFaults: (kind: Kind, faults: string | null) => {
      if (kind === 'tools') toolFaults = faults;
    },
    client: null,
    wantsChanges: false,
    onItemsChanged() {},
    onLogDropped() {},
    onTaskStatus() {},
    onResourceUpdated() {},
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
    const session = await source.open(events, abort);
    deadline.clear();
    try {
      const tools = await session.list('tools', connectMs, connectMs, new Abort());
      const { serverInfo, transportName: transport, protocolVersion, speaks } = session;
      return { serverInfo, transport, protocolVersion, speaks, tools, toolFaults };
    } finally {
      await session.retire(closeTimeoutMs);
    }
  } finally {
    deadline.clear();
    source.close();
  }
}
