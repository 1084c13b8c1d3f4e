import { allKinds, type Kind } from '../protocol/kinds.ts';
import { Abort } from '../runtime/abort.ts';
import { deadlines } from '../runtime/deadlines.ts';
import { volatileState } from '../state/state.ts';
import type { UpstreamConfig } from './detect.ts';
import { UpstreamFailure } from './failure.ts';
import type { Item, Items } from './items/item-list.ts';
import { sessionSource } from './source.ts';
import { EraVerdicts } from './stdio/era-verdicts.ts';

/** How long an upstream may take to terminate the session. */
const closeTimeoutMs = 2_000;

/** The findings about an upstream. */
export interface ProbeResult {
  /** The server's own name and version, fit to be shown; empty if it does not report them. */
  readonly serverInfo: string;
  readonly transport: string;
  readonly protocolVersion: string;
  readonly items: Items;
  /** What the lists left out and why, in words of the upstream. */
  readonly faults: Readonly<Partial<Record<Kind, string>>>;
}

/**
 * Opens a session as the gateway would, lists the items, and ends the session. To initialize and to list may each take
 * `timeouts.connect_seconds`. Rejects with an {@link UpstreamFailure}.
 *
 * @param quote makes words of the upstream fit to be shown
 */
export async function probe(upstream: UpstreamConfig, quote: (text: string) => string): Promise<ProbeResult> {
  const { server } = upstream;
  const connectMs = server.timeouts.connect_seconds * 1000;
  const faults: Partial<Record<Kind, string>> = {};
  const source = sessionSource(upstream, {
    current: () => server,
    bytes: { sent: 0, received: 0 },
    logger: { debug() {}, info() {}, warn() {} },
    stateDirectory: null,
    verdicts: new EraVerdicts(volatileState().commandEras),
    quote,
    onStart() {},
  });
  const events = {
    // No gateway has this id.
    instance: crypto.randomUUID(),
    quote,
    onItemFaults: (kind: Kind, found: string | null) => {
      if (found !== null) faults[kind] = found;
    },
    client: null,
    wantsChanges: false,
    onItemsChanged() {},
    onLogDropped() {},
    onQuestionRefused() {},
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
      const list = async (kind: Kind): Promise<[Kind, readonly Item[]]> => {
        const listed = session.list(kind, connectMs, connectMs, new Abort());
        // As for the gateway, only tools must be listable.
        return [kind, await (kind === 'tools' ? listed : listed.catch(() => []))];
      };
      const items = Object.fromEntries(await Promise.all(allKinds.map(list))) as Items;
      const { serverInfo, transportName: transport, protocolVersion } = session;
      return { serverInfo, transport, protocolVersion, items, faults };
    } finally {
      await session.retire(closeTimeoutMs);
    }
  } finally {
    deadline.clear();
    source.close();
  }
}
