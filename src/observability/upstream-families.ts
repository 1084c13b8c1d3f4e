import type { Families, Histogram, Sample } from './series.ts';
import type { ToolMetrics, UpstreamMetrics } from './upstream-metrics.ts';

type ByServer = ReadonlyMap<string, UpstreamMetrics>;
type Counts = UpstreamMetrics['counts'];

/** Adds the families with the label `server`, for the `upstreams` at the time of each page. */
export function addUpstreamFamilies(families: Families, upstreams: ByServer): void {
  addStateFamilies(families, upstreams);
  addConnectionCounters(families, upstreams);
  addConnectionHistograms(families, upstreams);
  addToolCallFamilies(families, upstreams);
}

function addStateFamilies(families: Families, upstreams: ByServer): void {
  const gauge = (name: string, help: string, read: (upstream: UpstreamMetrics) => number | null) =>
    families.add('gauge', `mcpstead_upstream_${name}`, help, function* (): Generator<Sample> {
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
  gauge('current_backoff_seconds', 'The current wait, or 0.', ({ state }) => state.currentBackoffSeconds());
  gauge(
    'tools_last_refresh_timestamp_seconds',
    'When the tool list was last refreshed, in seconds since the epoch.',
    ({ state }) => {
      const ms = state.toolsRefreshedMs();
      return ms === null ? null : ms / 1000;
    },
  );
}

function addConnectionCounters(families: Families, upstreams: ByServer): void {
  const counter = (name: string, help: string, read: (upstream: UpstreamMetrics) => number) =>
    families.add('counter', `mcpstead_upstream_${name}`, help, function* (): Generator<Sample> {
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
    read: (counts: Counts) => Readonly<Record<string, number>>,
  ) =>
    families.add('counter', `mcpstead_upstream_${name}`, help, function* (): Generator<Sample> {
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
}

function addConnectionHistograms(families: Families, upstreams: ByServer): void {
  const histogram = (name: string, help: string, read: (counts: Counts) => Histogram) => {
    const fullName = `mcpstead_upstream_${name}`;
    families.add('histogram', fullName, help, function* (): Generator<Sample> {
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

function addToolCallFamilies(families: Families, upstreams: ByServer): void {
  const eachTool = (
    read: (tool: ToolMetrics, labels: { server: string; tool: string }) => Iterable<Sample>,
  ) =>
    function* (): Generator<Sample> {
      for (const [server, { counts }] of upstreams) {
        for (const [name, tool] of counts.tools) yield* read(tool, { server, tool: name });
      }
    };
  families.add(
    'counter',
    'mcpstead_tool_calls_total',
    'Tool calls, failed ones included.',
    eachTool((tool, labels) => [{ labels, value: tool.durations.count }]),
  );
  families.add(
    'counter',
    'mcpstead_tool_call_errors_total',
    'Failed tool calls, by reason.',
    eachTool(({ errors }, labels) =>
      Object.entries(errors).map(([reason, value]) => ({ labels: { ...labels, reason }, value })),
    ),
  );
  const duration = 'mcpstead_tool_call_duration_seconds';
  families.add(
    'histogram',
    duration,
    'Duration of tool calls.',
    eachTool((tool, labels) => tool.durations.samples(duration, labels)),
  );
}
