import { type Families, type FamilyType, type Histogram, type Sample, samplesBy } from './series.ts';
import type { ToolMetrics, UpstreamMetrics, UpstreamState } from './upstream-metrics.ts';

type ByServer = ReadonlyMap<string, UpstreamMetrics>;
type Counts = UpstreamMetrics['counts'];
type KeysOf<T> = { [Key in keyof Counts]: Counts[Key] extends T ? Key : never }[keyof Counts];

/** Adds the families with the label `server`, for the `upstreams` at the time of each page. */
export function addUpstreamFamilies(families: Families, upstreams: ByServer): void {
  const add: Add = (type, shortName, help, read) => {
    const name = `mcpstead_upstream_${shortName}`;
    families.add(type, name, help, function* (): Generator<Sample> {
      for (const [server, upstream] of upstreams) yield* read(upstream, { server }, name);
    });
  };
  addStateFamilies(add);
  addCountFamilies(add);
  addToolCallFamilies(families, upstreams);
}

/** Adds a family whose samples `read` makes for each upstream. */
type Add = (
  type: FamilyType,
  shortName: string,
  help: string,
  read: (upstream: UpstreamMetrics, labels: { server: string }, name: string) => Iterable<Sample>,
) => void;

function addStateFamilies(add: Add): void {
  const gauge = (name: string, help: string, read: (state: UpstreamState) => number | null) =>
    add('gauge', name, help, ({ state }, labels) => {
      const value = read(state);
      return value === null ? [] : [{ labels, value }];
    });
  gauge('connected', '1 while the upstream is connected, else 0.', (state) => Number(state.connected()));
  gauge('sessions', 'Sessions with the upstream that belong to one client each.', (state) =>
    state.clientSessions(),
  );
  gauge('tools_count', 'Tools that the upstream offers.', (state) => state.toolsCount());
  gauge(
    'last_seen_seconds',
    'Seconds since the last answer of the upstream; -1 before the first.',
    (state) => {
      const ms = state.lastSeenMs();
      return ms === null ? -1 : Math.max(0, (Date.now() - ms) / 1000);
    },
  );
  gauge('in_backoff', '1 while the gateway waits before it connects again, else 0.', (state) =>
    Number(state.inBackoff()),
  );
  gauge('current_backoff_seconds', 'The current wait, or 0.', (state) => state.currentBackoffSeconds());
  gauge(
    'tools_last_refresh_timestamp_seconds',
    'When the tool list was last refreshed, in seconds since the epoch.',
    (state) => {
      const ms = state.toolsRefreshedMs();
      return ms === null ? null : ms / 1000;
    },
  );
}

function addCountFamilies(add: Add): void {
  const counter = (name: string, help: string, key: KeysOf<number>) =>
    add('counter', name, help, ({ counts }, labels) => [{ labels, value: counts[key] }]);
  const counterBy = (label: string, name: string, help: string, key: KeysOf<Record<string, number>>) =>
    add('counter', name, help, ({ counts }, labels) => samplesBy(label, counts[key], labels));
  const histogram = (name: string, help: string, key: KeysOf<Histogram>) =>
    add('histogram', name, help, ({ counts }, labels, fullName) => counts[key].samples(fullName, labels));

  counter('reconnects_total', 'Lost connections restored.', 'reconnects');
  counter('backoff_seconds_total', 'Time spent waiting between attempts to connect.', 'backoffSeconds');
  add(
    'counter',
    'process_restarts_total',
    'Processes started in place of ones that ended.',
    ({ counts: { processRestarts: value } }, labels) => (value === null ? [] : [{ labels, value }]),
  );
  counterBy('result', 'initialize_total', 'Attempts to open an MCP session, by result.', 'initialize');
  counterBy(
    'result',
    'reconnect_attempts_total',
    'Attempts to restore a lost connection, by result.',
    'reconnectAttempts',
  );
  counterBy('result', 'tools_refresh_total', 'Fetches of the tool list, by result.', 'toolsRefresh');
  counterBy('result', 'health_checks_total', 'Health checks, by result.', 'healthChecks');
  counterBy(
    'reason',
    'session_resets_total',
    'MCP sessions that the upstream lost, by reason.',
    'sessionResets',
  );
  counterBy(
    'direction',
    'bytes_total',
    'Bytes of message bodies sent to and received from the upstream.',
    'bytes',
  );

  histogram('initialize_duration_seconds', 'Time to open an MCP session.', 'initializeDurations');
  histogram('tools_refresh_duration_seconds', 'Time to fetch the tool list.', 'toolsRefreshDurations');
}

function addToolCallFamilies(families: Families, upstreams: ByServer): void {
  type Read = (tool: ToolMetrics, labels: { server: string; tool: string }, name: string) => Iterable<Sample>;
  const add = (type: FamilyType, name: string, help: string, read: Read) =>
    families.add(type, name, help, function* (): Generator<Sample> {
      for (const [server, { counts }] of upstreams) {
        for (const [tool, metrics] of counts.tools) yield* read(metrics, { server, tool }, name);
      }
    });
  add('counter', 'mcpstead_tool_calls_total', 'Tool calls, failed ones included.', (tool, labels) => [
    { labels, value: tool.durations.count },
  ]);
  add('counter', 'mcpstead_tool_call_errors_total', 'Failed tool calls, by reason.', (tool, labels) =>
    samplesBy('reason', tool.errors, labels),
  );
  add('histogram', 'mcpstead_tool_call_duration_seconds', 'Duration of tool calls.', (tool, labels, name) =>
    tool.durations.samples(name, labels),
  );
}
