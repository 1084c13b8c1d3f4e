import type { Registry } from 'prom-client';
import { type CallFailureReason, callFailureReasons } from '../errors.ts';
import { addFamily, Distribution, type Sample } from './series.ts';

/** What the gauges of an upstream show, asked for each page. */
export interface UpstreamState {
  connected(): boolean;
  toolsCount(): number;
  /** When the upstream last answered, in milliseconds since the epoch; null: not yet. */
  lastSeenMs(): number | null;
  inBackoff(): boolean;
  /** The wait that runs now; 0 when none does. */
  currentBackoffSeconds(): number;
  /** When the tool list last came in, in milliseconds since the epoch; null: not yet. */
  toolsRefreshedMs(): number | null;
}

export type SessionResetReason = 'unknown_session' | 'expired' | 'terminated';

/**
 * The counts of one configured upstream. The page shows it until `remove`; a call that ends later counts
 * into an object that nobody reads any more.
 */
export class UpstreamMetrics {
  /** Read for the page, see `addUpstreamFamilies`. */
  readonly counts = {
    initialize: { success: 0, error: 0 },
    initializeDurations: new Distribution(),
    reconnectAttempts: { success: 0, error: 0 },
    reconnects: 0,
    toolsRefresh: { success: 0, error: 0 },
    toolsRefreshDurations: new Distribution(),
    healthChecks: { success: 0, failure: 0 },
    sessionResets: { unknown_session: 0, expired: 0, terminated: 0 },
    backoffSeconds: 0,
    bytes: { sent: 0, received: 0 },
    tools: new Map<string, ToolMetrics>(),
  };
  readonly state: UpstreamState;
  /** Takes this upstream's series off the page. Calls that are still running may go on counting, unseen. */
  readonly remove: () => void;

  constructor(state: UpstreamState, remove: () => void) {
    this.state = state;
    this.remove = remove;
  }

  initialized(ok: boolean, durationSeconds: number): void {
    this.counts.initialize[ok ? 'success' : 'error'] += 1;
    this.counts.initializeDurations.observe(durationSeconds);
  }

  /** One attempt within a reconnect cycle has ended. */
  reconnectAttempted(ok: boolean): void {
    this.counts.reconnectAttempts[ok ? 'success' : 'error'] += 1;
  }

  /** A lost connection has been restored. */
  reconnected(): void {
    this.counts.reconnects += 1;
  }

  toolsRefreshed(ok: boolean, durationSeconds: number): void {
    this.counts.toolsRefresh[ok ? 'success' : 'error'] += 1;
    this.counts.toolsRefreshDurations.observe(durationSeconds);
  }

  healthChecked(ok: boolean): void {
    this.counts.healthChecks[ok ? 'success' : 'failure'] += 1;
  }

  /** The upstream no longer knew our session. */
  sessionReset(reason: SessionResetReason): void {
    this.counts.sessionResets[reason] += 1;
  }

  /** A wait between two attempts is over. */
  backedOff(seconds: number): void {
    this.counts.backoffSeconds += seconds;
  }

  sent(bytes: number): void {
    this.counts.bytes.sent += bytes;
  }

  received(bytes: number): void {
    this.counts.bytes.received += bytes;
  }

  /**
   * The counts of one tool, on the page at 0 from the first time it is asked for.
   * @param name the tool's name in the registry, or `unknown`; never one that came from a client unchecked
   */
  tool(name: string): ToolMetrics {
    let metrics = this.counts.tools.get(name);
    if (metrics === undefined) {
      metrics = new ToolMetrics();
      this.counts.tools.set(name, metrics);
    }
    return metrics;
  }

  /** Takes the series of tools off the page that the upstream no longer offers. `unknown` stays. */
  retainTools(names: ReadonlySet<string>): void {
    for (const name of this.counts.tools.keys()) {
      if (name !== 'unknown' && !names.has(name)) this.counts.tools.delete(name);
    }
  }
}

/** The counts of one tool of one upstream. */
export class ToolMetrics {
  /** Read for the page, see `addUpstreamFamilies`. */
  readonly durations = new Distribution();
  readonly errors = Object.fromEntries(callFailureReasons.map((reason) => [reason, 0])) as Record<
    CallFailureReason,
    number
  >;

  /** A call has ended, well or badly. */
  called(durationSeconds: number): void {
    this.durations.observe(durationSeconds);
  }

  /** It ended badly; counts beside `called`, not in its place. */
  failed(reason: CallFailureReason): void {
    this.errors[reason] += 1;
  }
}

type ByServer = ReadonlyMap<string, UpstreamMetrics>;

/** Adds all families that carry the label `server`, for those in `upstreams` when the page is asked for. */
export function addUpstreamFamilies(registry: Registry, upstreams: ByServer): void {
  addConnectionFamilies(registry, upstreams);
  addToolCallFamilies(registry, upstreams);
}

function addConnectionFamilies(registry: Registry, upstreams: ByServer): void {
  const seconds = (ms: number | null) => (ms === null ? null : ms / 1000);

  const gauge = (name: string, help: string, read: (upstream: UpstreamMetrics) => number | null) =>
    addFamily(registry, 'gauge', `mcpstead_upstream_${name}`, help, function* (): Generator<Sample> {
      for (const [server, upstream] of upstreams) {
        const value = read(upstream);
        if (value !== null) yield { labels: { server }, value };
      }
    });
  gauge('connected', '1 while the upstream is connected, else 0.', ({ state }) => Number(state.connected()));
  gauge('tools_count', 'Tools that the upstream offers.', ({ state }) => state.toolsCount());
  gauge(
    'last_seen_seconds',
    'Seconds since the last answer of the upstream; -1 before the first.',
    (upstream) => {
      const ms = upstream.state.lastSeenMs();
      return ms === null ? -1 : Math.max(0, (Date.now() - ms) / 1000);
    },
  );
  gauge('in_backoff', '1 while the gateway waits before it connects again, else 0.', ({ state }) =>
    Number(state.inBackoff()),
  );
  gauge('current_backoff_seconds', 'The wait that runs now; 0 when none does.', ({ state }) =>
    state.currentBackoffSeconds(),
  );
  gauge(
    'tools_last_refresh_timestamp_seconds',
    'When the tool list last came in, in seconds since the epoch.',
    ({ state }) => seconds(state.toolsRefreshedMs()),
  );

  const counter = (name: string, help: string, read: (upstream: UpstreamMetrics) => number) =>
    addFamily(registry, 'counter', `mcpstead_upstream_${name}`, help, function* (): Generator<Sample> {
      for (const [server, upstream] of upstreams) yield { labels: { server }, value: read(upstream) };
    });
  counter('reconnects_total', 'Lost connections restored.', ({ counts }) => counts.reconnects);
  counter(
    'backoff_seconds_total',
    'Time spent waiting between attempts to connect.',
    ({ counts }) => counts.backoffSeconds,
  );

  const countersBy = (
    label: string,
    name: string,
    help: string,
    read: (counts: UpstreamMetrics['counts']) => Readonly<Record<string, number>>,
  ) =>
    addFamily(registry, 'counter', `mcpstead_upstream_${name}`, help, function* (): Generator<Sample> {
      for (const [server, { counts }] of upstreams) {
        for (const [key, value] of Object.entries(read(counts)))
          yield { labels: { server, [label]: key }, value };
      }
    });
  countersBy(
    'result',
    'initialize_total',
    'Attempts to open an MCP session, by result.',
    (counts) => counts.initialize,
  );
  countersBy(
    'result',
    'reconnect_attempts_total',
    'Attempts to restore a lost connection, by result.',
    (counts) => counts.reconnectAttempts,
  );
  countersBy(
    'result',
    'tools_refresh_total',
    'Fetches of the tool list, by result.',
    (counts) => counts.toolsRefresh,
  );
  countersBy('result', 'health_checks_total', 'Health checks, by result.', (counts) => counts.healthChecks);
  countersBy(
    'reason',
    'session_resets_total',
    'MCP sessions that the upstream lost, by reason.',
    (counts) => counts.sessionResets,
  );
  countersBy(
    'direction',
    'bytes_total',
    'Bytes of message bodies sent to and received from the upstream.',
    (counts) => counts.bytes,
  );

  const histogram = (
    name: string,
    help: string,
    read: (counts: UpstreamMetrics['counts']) => Distribution,
  ) => {
    const fullName = `mcpstead_upstream_${name}`;
    addFamily(registry, 'histogram', fullName, help, function* (): Generator<Sample> {
      for (const [server, { counts }] of upstreams) yield* read(counts).samples(fullName, { server });
    });
  };
  histogram(
    'initialize_duration_seconds',
    'Time to open an MCP session.',
    (counts) => counts.initializeDurations,
  );
  histogram(
    'tools_refresh_duration_seconds',
    'Time to fetch the tool list.',
    (counts) => counts.toolsRefreshDurations,
  );
}

function addToolCallFamilies(registry: Registry, upstreams: ByServer): void {
  const eachTool = (
    read: (tool: ToolMetrics, labels: { server: string; tool: string }) => Iterable<Sample>,
  ) =>
    function* (): Generator<Sample> {
      for (const [server, { counts }] of upstreams) {
        for (const [name, tool] of counts.tools) yield* read(tool, { server, tool: name });
      }
    };
  addFamily(
    registry,
    'counter',
    'mcpstead_tool_calls_total',
    'Tool calls, failed ones included.',
    eachTool((tool, labels) => [{ labels, value: tool.durations.count }]),
  );
  addFamily(
    registry,
    'counter',
    'mcpstead_tool_call_errors_total',
    'Failed tool calls, by reason.',
    eachTool(({ errors }, labels) =>
      Object.entries(errors).map(([reason, value]) => ({ labels: { ...labels, reason }, value })),
    ),
  );
  const duration = 'mcpstead_tool_call_duration_seconds';
  addFamily(
    registry,
    'histogram',
    duration,
    'Duration of tool calls.',
    eachTool((tool, labels) => tool.durations.samples(duration, labels)),
  );
}
