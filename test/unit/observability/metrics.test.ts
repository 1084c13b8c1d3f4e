import { describe, expect, test } from 'bun:test';
import { Metrics } from '../../../src/observability/metrics.ts';
import type { UpstreamState } from '../../../src/observability/upstream-metrics.ts';
import { type PageSample, pageOf, parsePage, sampleValue } from '../../support/prometheus-page.ts';

const build = { version: '1.2.3', gitSha: 'abc123', bunVersion: '1.4.5' };

function newMetrics(sessionsActive: () => number = () => 0): Metrics {
  return new Metrics({ build, sessionsActive, pageMaxAgeMs: 0 });
}

/** The state of an upstream that has just been configured, with what a test wants different. */
function stateOf(different: Partial<UpstreamState> = {}): UpstreamState {
  return {
    connected: () => false,
    toolsCount: () => 0,
    clientSessions: () => 0,
    lastSeenMs: () => null,
    currentBackoffSeconds: () => 0,
    inBackoff: () => false,
    toolsRefreshedMs: () => null,
    ...different,
  };
}

const labelNames = (sample?: PageSample) =>
  Object.keys(sample?.labels ?? {})
    .sort()
    .join(' ');

describe('the page', () => {
  test('carries every family of the contract with its type and labels', async () => {
    const metrics = newMetrics();
    const upstream = metrics.upstream('files', stateOf({ toolsRefreshedMs: () => 1000 }));
    upstream.tool('read').called(0.1);
    upstream.processStarted(true);
    metrics.downstream.request('tools/call', true, 0.1);
    metrics.configReloaded('success');

    const families = parsePage(await pageOf(metrics));

    const found = [...families]
      .filter(([name]) => !name.startsWith('mcpstead_process_'))
      .map(([name, { type, samples }]) => [name, type, labelNames(samples[0])]);
    expect(found.sort()).toEqual(
      [
        ['mcpstead_build_info', 'gauge', 'bun_version git_sha version'],
        ['mcpstead_start_time_seconds', 'gauge', ''],
        ['mcpstead_uptime_seconds', 'gauge', ''],
        ['mcpstead_upstream_connected', 'gauge', 'server'],
        ['mcpstead_upstream_sessions', 'gauge', 'server'],
        ['mcpstead_upstream_tools_count', 'gauge', 'server'],
        ['mcpstead_upstream_last_seen_seconds', 'gauge', 'server'],
        ['mcpstead_upstream_in_backoff', 'gauge', 'server'],
        ['mcpstead_upstream_current_backoff_seconds', 'gauge', 'server'],
        ['mcpstead_upstream_tools_last_refresh_timestamp_seconds', 'gauge', 'server'],
        ['mcpstead_upstream_reconnects_total', 'counter', 'server'],
        ['mcpstead_upstream_process_restarts_total', 'counter', 'server'],
        ['mcpstead_upstream_backoff_seconds_total', 'counter', 'server'],
        ['mcpstead_upstream_initialize_total', 'counter', 'result server'],
        ['mcpstead_upstream_reconnect_attempts_total', 'counter', 'result server'],
        ['mcpstead_upstream_tools_refresh_total', 'counter', 'result server'],
        ['mcpstead_upstream_health_checks_total', 'counter', 'result server'],
        ['mcpstead_upstream_session_resets_total', 'counter', 'reason server'],
        ['mcpstead_upstream_initialize_duration_seconds', 'histogram', 'le server'],
        ['mcpstead_upstream_tools_refresh_duration_seconds', 'histogram', 'le server'],
        ['mcpstead_upstream_bytes_total', 'counter', 'direction server'],
        ['mcpstead_downstream_sessions_active', 'gauge', ''],
        ['mcpstead_downstream_sessions_total', 'counter', ''],
        ['mcpstead_downstream_session_duration_seconds', 'histogram', 'le'],
        ['mcpstead_downstream_session_terminations_total', 'counter', 'reason'],
        ['mcpstead_mcp_requests_total', 'counter', 'method result'],
        ['mcpstead_mcp_request_duration_seconds', 'histogram', 'le method'],
        ['mcpstead_client_requests_total', 'counter', 'kind result'],
        ['mcpstead_parked_calls', 'gauge', ''],
        ['mcpstead_mcp_auth_attempts_total', 'counter', 'result'],
        ['mcpstead_mcp_auth_failures_total', 'counter', 'reason'],
        ['mcpstead_config_reloads_total', 'counter', 'result'],
        ['mcpstead_config_last_reload_timestamp_seconds', 'gauge', ''],
        ['mcpstead_tool_calls_total', 'counter', 'server tool'],
        ['mcpstead_tool_call_errors_total', 'counter', 'reason server tool'],
        ['mcpstead_tool_call_duration_seconds', 'histogram', 'le server tool'],
      ].sort(),
    );
  });

  test('names counters with _total, and nothing else', async () => {
    const metrics = newMetrics();
    metrics.upstream('files', stateOf());

    for (const [name, { type }] of parsePage(await pageOf(metrics))) {
      expect({ name, total: name.endsWith('_total') }).toEqual({ name, total: type === 'counter' });
    }
  });

  test('is sent as the Prometheus text format', () => {
    expect(Metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  test('shows the build, the start and the uptime', async () => {
    const before = Date.now() / 1000;
    const page = await pageOf(newMetrics());
    const after = Date.now() / 1000;

    expect(
      sampleValue(page, 'mcpstead_build_info', { version: '1.2.3', bun_version: '1.4.5', git_sha: 'abc123' }),
    ).toBe(1);
    expect(sampleValue(page, 'mcpstead_start_time_seconds')).toBeWithin(before, after + 0.001);
    expect(sampleValue(page, 'mcpstead_uptime_seconds')).toBeWithin(0, after - before + 0.001);
  });

  test('of one gateway knows nothing of another in the same process', async () => {
    const one = newMetrics();
    const other = newMetrics();
    one.downstream.sessionOpened();
    one.upstream('files', stateOf());

    const page = await pageOf(other);

    expect(sampleValue(page, 'mcpstead_downstream_sessions_total')).toBe(0);
    expect(page).not.toContain('files');
  });

  test('counts reloads and shows the time of the last successful one', async () => {
    const metrics = newMetrics();
    metrics.configReloaded('error');
    expect(
      sampleValue(await pageOf(metrics), 'mcpstead_config_last_reload_timestamp_seconds'),
    ).toBeUndefined();

    const before = Date.now() / 1000;
    metrics.configReloaded('success');

    const page = await pageOf(metrics);
    expect(sampleValue(page, 'mcpstead_config_reloads_total', { result: 'error' })).toBe(1);
    expect(sampleValue(page, 'mcpstead_config_reloads_total', { result: 'success' })).toBe(1);
    expect(sampleValue(page, 'mcpstead_config_last_reload_timestamp_seconds')).toBeGreaterThanOrEqual(before);
  });
});

describe('downstream', () => {
  test('series with a fixed list of label values are 0 from the start, so that rate() sees the first event', async () => {
    const page = await pageOf(newMetrics());

    for (const reason of ['client_delete', 'idle_timeout', 'gateway_shutdown', 'init_failed']) {
      expect(sampleValue(page, 'mcpstead_downstream_session_terminations_total', { reason })).toBe(0);
    }
    for (const reason of ['missing_header', 'bad_format', 'wrong_token', 'internal']) {
      expect(sampleValue(page, 'mcpstead_mcp_auth_failures_total', { reason })).toBe(0);
    }
    for (const result of ['success', 'failure']) {
      expect(sampleValue(page, 'mcpstead_mcp_auth_attempts_total', { result })).toBe(0);
    }
    for (const method of ['initialize', 'tools/call', 'server/discover', 'unknown', 'invalid', 'listen']) {
      expect(sampleValue(page, 'mcpstead_mcp_requests_total', { method, result: 'error' })).toBe(0);
    }
  });

  test('counts sessions, and measures those that ended', async () => {
    let active = 0;
    const metrics = newMetrics(() => active);
    metrics.downstream.sessionOpened();
    metrics.downstream.sessionOpened();
    metrics.downstream.sessionEnded('idle_timeout', 3600);
    active = 1;

    const page = await pageOf(metrics);

    expect(sampleValue(page, 'mcpstead_downstream_sessions_active')).toBe(1);
    expect(sampleValue(page, 'mcpstead_downstream_sessions_total')).toBe(2);
    expect(
      sampleValue(page, 'mcpstead_downstream_session_terminations_total', { reason: 'idle_timeout' }),
    ).toBe(1);
    const duration = 'mcpstead_downstream_session_duration_seconds';
    expect(sampleValue(page, `${duration}_bucket`, { le: '1800' })).toBe(0);
    expect(sampleValue(page, `${duration}_bucket`, { le: '3600' })).toBe(1);
    expect(sampleValue(page, `${duration}_count`)).toBe(1);
  });

  test('measures sessions from one second to six hours', async () => {
    const families = parsePage(await pageOf(newMetrics()));

    const bounds = families
      .get('mcpstead_downstream_session_duration_seconds')
      ?.samples.flatMap(({ labels }) => labels.le ?? []);
    expect(bounds).toEqual(['1', '5', '10', '30', '60', '300', '900', '1800', '3600', '21600', '+Inf']);
  });

  test('counts requests by method and result', async () => {
    const metrics = newMetrics();
    metrics.downstream.request('tools/call', true, 0.02);
    metrics.downstream.request('tools/call', false, 0.2);
    metrics.downstream.requestWithoutMethod('listen', true);
    metrics.downstream.requestWithoutMethod('terminate', true);
    metrics.downstream.requestWithoutMethod('invalid', false);

    const page = await pageOf(metrics);

    const requests = 'mcpstead_mcp_requests_total';
    expect(sampleValue(page, requests, { method: 'tools/call', result: 'success' })).toBe(1);
    expect(sampleValue(page, requests, { method: 'tools/call', result: 'error' })).toBe(1);
    expect(sampleValue(page, requests, { method: 'listen', result: 'success' })).toBe(1);
    expect(sampleValue(page, requests, { method: 'terminate', result: 'success' })).toBe(1);
    expect(sampleValue(page, requests, { method: 'invalid', result: 'error' })).toBe(1);
    expect(sampleValue(page, 'mcpstead_mcp_request_duration_seconds_count', { method: 'tools/call' })).toBe(
      2,
    );
    expect(
      sampleValue(page, 'mcpstead_mcp_request_duration_seconds_sum', { method: 'tools/call' }),
    ).toBeCloseTo(0.22);
  });

  test('methods that clients invent count as unknown, and do not appear on the page', async () => {
    const metrics = newMetrics();
    const inventions = ['tools/call ', 'TOOLS/CALL', '', '__proto__', 'constructor', 'x"} 1\nforged_total 1'];
    for (const method of inventions) metrics.downstream.request(method, false, 0.001);
    const linesBefore = (await pageOf(metrics)).split('\n').length;
    for (let n = 0; n < 1000; n++) metrics.downstream.request(`made-up/${n}`, false, 0.001);

    const page = await pageOf(metrics);

    expect(sampleValue(page, 'mcpstead_mcp_requests_total', { method: 'unknown', result: 'error' })).toBe(
      1006,
    );
    expect(page.split('\n').length).toBe(linesBefore);
    expect(page).not.toContain('made-up');
    expect(page).not.toContain('forged');
  });

  test('an attempt to authenticate counts once, a failed one with its reason too', async () => {
    const metrics = newMetrics();
    metrics.downstream.authSucceeded();
    metrics.downstream.authFailed('wrong_token');
    metrics.downstream.authFailed('missing_header');

    const page = await pageOf(metrics);

    expect(sampleValue(page, 'mcpstead_mcp_auth_attempts_total', { result: 'success' })).toBe(1);
    expect(sampleValue(page, 'mcpstead_mcp_auth_attempts_total', { result: 'failure' })).toBe(2);
    expect(sampleValue(page, 'mcpstead_mcp_auth_failures_total', { reason: 'wrong_token' })).toBe(1);
    expect(sampleValue(page, 'mcpstead_mcp_auth_failures_total', { reason: 'missing_header' })).toBe(1);
  });
});

describe('an upstream', () => {
  const server = 'files';

  test('shows its state at the time of the page', async () => {
    const metrics = newMetrics();
    let connected = false;
    metrics.upstream(
      server,
      stateOf({
        connected: () => connected,
        toolsCount: () => 13,
        inBackoff: () => !connected,
        currentBackoffSeconds: () => (connected ? 0 : 2.5),
      }),
    );

    const down = await pageOf(metrics);
    connected = true;
    const up = await pageOf(metrics);

    expect(sampleValue(down, 'mcpstead_upstream_connected', { server })).toBe(0);
    expect(sampleValue(down, 'mcpstead_upstream_in_backoff', { server })).toBe(1);
    expect(sampleValue(down, 'mcpstead_upstream_current_backoff_seconds', { server })).toBe(2.5);
    expect(sampleValue(up, 'mcpstead_upstream_connected', { server })).toBe(1);
    expect(sampleValue(up, 'mcpstead_upstream_in_backoff', { server })).toBe(0);
    expect(sampleValue(up, 'mcpstead_upstream_current_backoff_seconds', { server })).toBe(0);
    expect(sampleValue(up, 'mcpstead_upstream_tools_count', { server })).toBe(13);
  });

  test('last_seen_seconds is the age of its last answer, and -1 before the first', async () => {
    const metrics = newMetrics();
    const answeredMs = Date.now() - 60_000;
    metrics.upstream('seen', stateOf({ lastSeenMs: () => answeredMs }));
    metrics.upstream('unseen', stateOf());

    const page = await pageOf(metrics);

    const age = sampleValue(page, 'mcpstead_upstream_last_seen_seconds', { server: 'seen' });
    expect(age).toBeWithin(60, (Date.now() - answeredMs) / 1000 + 0.001);
    expect(sampleValue(page, 'mcpstead_upstream_last_seen_seconds', { server: 'unseen' })).toBe(-1);
  });

  test('an answer that the clock puts into the future is zero seconds old', async () => {
    const metrics = newMetrics();
    metrics.upstream(server, stateOf({ lastSeenMs: () => Date.now() + 3_600_000 }));

    expect(sampleValue(await pageOf(metrics), 'mcpstead_upstream_last_seen_seconds', { server })).toBe(0);
  });

  test('tools_last_refresh_timestamp_seconds is a time, absent before the first refresh', async () => {
    const metrics = newMetrics();
    metrics.upstream('fresh', stateOf({ toolsRefreshedMs: () => 1_700_000_000_500 }));
    metrics.upstream('new', stateOf());

    const page = await pageOf(metrics);

    const name = 'mcpstead_upstream_tools_last_refresh_timestamp_seconds';
    expect(sampleValue(page, name, { server: 'fresh' })).toBe(1_700_000_000.5);
    expect(sampleValue(page, name, { server: 'new' })).toBeUndefined();
  });

  test('starts with every count at 0', async () => {
    const metrics = newMetrics();
    metrics.upstream(server, stateOf());

    const families = parsePage(await pageOf(metrics));

    const counters = [...families].filter(
      ([name, { type }]) => name.startsWith('mcpstead_upstream_') && type === 'counter',
    );
    const series = counters.flatMap(([, { samples }]) => samples);
    expect(series.length).toBeGreaterThan(0);
    expect(series.filter(({ value }) => value !== 0)).toEqual([]);
  });

  test('counts what happens to its connection', async () => {
    const metrics = newMetrics();
    const upstream = metrics.upstream(server, stateOf());
    upstream.initialized(true, 0.02);
    upstream.initialized(false, 4);
    upstream.reconnectAttempted(false);
    upstream.reconnectAttempted(true);
    upstream.reconnected();
    upstream.backedOff(1.5);
    upstream.backedOff(3);
    upstream.toolsRefreshed(true, 0.3);
    upstream.healthChecked(false);
    upstream.sessionReset('expired');
    upstream.counts.bytes.sent += 100;
    upstream.counts.bytes.received += 2000;
    upstream.counts.bytes.received += 1;

    const page = await pageOf(metrics);

    const value = (name: string, labels = {}) =>
      sampleValue(page, `mcpstead_upstream_${name}`, { server, ...labels });
    expect(value('initialize_total', { result: 'success' })).toBe(1);
    expect(value('initialize_total', { result: 'error' })).toBe(1);
    expect(value('initialize_duration_seconds_count')).toBe(2);
    expect(value('reconnect_attempts_total', { result: 'success' })).toBe(1);
    expect(value('reconnect_attempts_total', { result: 'error' })).toBe(1);
    expect(value('reconnects_total')).toBe(1);
    expect(value('backoff_seconds_total')).toBe(4.5);
    expect(value('tools_refresh_total', { result: 'success' })).toBe(1);
    expect(value('tools_refresh_duration_seconds_sum')).toBe(0.3);
    expect(value('health_checks_total', { result: 'failure' })).toBe(1);
    expect(value('session_resets_total', { reason: 'expired' })).toBe(1);
    expect(value('bytes_total', { direction: 'sent' })).toBe(100);
    expect(value('bytes_total', { direction: 'received' })).toBe(2001);
  });

  test('goes from the page with all its series when it is removed', async () => {
    const metrics = newMetrics();
    const upstream = metrics.upstream(server, stateOf());
    metrics.upstream('other', stateOf());
    upstream.tool('read').called(0.1);

    upstream.remove();

    const page = await pageOf(metrics);
    expect(page).not.toContain('server="files"');
    expect(page).toContain('server="other"');
  });

  test('stays away when calls end after its removal', async () => {
    const metrics = newMetrics();
    const upstream = metrics.upstream(server, stateOf());
    const tool = upstream.tool('read');
    upstream.remove();

    tool.called(1);
    tool.failed('cancelled');
    upstream.tool('write').called(1);
    upstream.counts.bytes.received += 100;
    upstream.initialized(false, 1);

    expect(await pageOf(metrics)).not.toContain('server="files"');
  });

  test('starts again at 0 if its name is added again, whatever its predecessor still does', async () => {
    const metrics = newMetrics();
    const before = metrics.upstream(server, stateOf());
    before.counts.bytes.sent += 100;
    before.remove();
    const after = metrics.upstream(server, stateOf({ connected: () => true }));
    after.counts.bytes.sent += 1;

    before.counts.bytes.sent += 10;
    before.remove();

    const page = await pageOf(metrics);
    expect(sampleValue(page, 'mcpstead_upstream_bytes_total', { server, direction: 'sent' })).toBe(1);
    expect(sampleValue(page, 'mcpstead_upstream_connected', { server })).toBe(1);
  });
});

describe('a tool', () => {
  const labels = { server: 'files', tool: 'read' };

  test('counts every call, and failed ones by reason too', async () => {
    const metrics = newMetrics();
    const tool = metrics.upstream('files', stateOf()).tool('read');
    tool.called(0.02);
    tool.called(300);
    tool.failed('upstream_timeout');

    const page = await pageOf(metrics);

    expect(sampleValue(page, 'mcpstead_tool_calls_total', labels)).toBe(2);
    const errors = parsePage(page).get('mcpstead_tool_call_errors_total')?.samples;
    expect(Object.fromEntries(errors?.map(({ labels: { reason }, value }) => [reason, value]) ?? [])).toEqual(
      {
        upstream_disconnected: 0,
        upstream_timeout: 1,
        upstream_auth_failed: 0,
        upstream_protocol_error: 0,
        upstream_returned_error: 0,
        overloaded: 0,
        cancelled: 0,
        internal: 0,
      },
    );
  });

  test('measures calls in buckets from 5 ms to 30 s, a bound belonging to its own bucket', async () => {
    const metrics = newMetrics();
    const tool = metrics.upstream('files', stateOf()).tool('read');
    for (const seconds of [0, 0.005, 0.0051, 2.5, 30, 31]) tool.called(seconds);

    const samples =
      parsePage(await pageOf(metrics)).get('mcpstead_tool_call_duration_seconds')?.samples ?? [];

    expect(samples.slice(0, 13).map(({ labels: { le }, value }) => `${le}: ${value}`)).toEqual([
      '0.005: 2',
      '0.01: 3',
      '0.025: 3',
      '0.05: 3',
      '0.1: 3',
      '0.25: 3',
      '0.5: 3',
      '1: 3',
      '2.5: 4',
      '5: 4',
      '10: 4',
      '30: 5',
      '+Inf: 6',
    ]);
    expect(samples[13]).toEqual({
      name: 'mcpstead_tool_call_duration_seconds_sum',
      labels,
      value: expect.closeTo(63.5101, 6),
    });
    expect(samples[14]).toEqual({ name: 'mcpstead_tool_call_duration_seconds_count', labels, value: 6 });
  });

  test('keeps its counts for as long as the upstream offers it', async () => {
    const metrics = newMetrics();
    const upstream = metrics.upstream('files', stateOf());
    for (const name of ['read', 'write', 'unknown']) upstream.tool(name).called(0.1);

    upstream.retainTools(new Set(['read']));

    const page = await pageOf(metrics);
    expect(sampleValue(page, 'mcpstead_tool_calls_total', labels)).toBe(1);
    expect(page).not.toContain('tool="write"');
    // Calls to tools that the upstream never offered: no refresh of its list makes them undone.
    expect(sampleValue(page, 'mcpstead_tool_calls_total', { server: 'files', tool: 'unknown' })).toBe(1);
  });

  test('that was dropped stays away when a call to it ends, and starts again at 0 when it is offered again', async () => {
    const metrics = newMetrics();
    const upstream = metrics.upstream('files', stateOf());
    const dropped = upstream.tool('read');
    upstream.retainTools(new Set());

    dropped.called(0.1);
    expect(await pageOf(metrics)).not.toContain('tool="read"');

    upstream.tool('read').called(0.1);
    expect(sampleValue(await pageOf(metrics), 'mcpstead_tool_calls_total', labels)).toBe(1);
  });

  test('may have any name: special characters of the text format are escaped', async () => {
    const metrics = newMetrics();
    const tool = 'a "quoted"\\ name\nwith two lines, 日本';
    metrics.upstream('files', stateOf()).tool(tool).called(0.1);

    expect(sampleValue(await pageOf(metrics), 'mcpstead_tool_calls_total', { server: 'files', tool })).toBe(
      1,
    );
  });
});

describe('the process', () => {
  test('shows its memory and CPU time on every system', async () => {
    const page = await pageOf(newMetrics());

    expect(sampleValue(page, 'mcpstead_process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
    expect(sampleValue(page, 'mcpstead_process_cpu_seconds_total')).toBeGreaterThan(0);
  });

  test.if(process.platform === 'linux')('shows the values of /proc on Linux', async () => {
    const page = await pageOf(newMetrics());

    expect(sampleValue(page, 'mcpstead_process_virtual_memory_bytes')).toBeGreaterThan(1_000_000);
    expect(sampleValue(page, 'mcpstead_process_threads')).toBeGreaterThanOrEqual(1);
    // At least stdin, stdout and stderr.
    expect(sampleValue(page, 'mcpstead_process_open_fds')).toBeGreaterThanOrEqual(3);
    expect(sampleValue(page, 'mcpstead_process_max_fds')).toBeGreaterThanOrEqual(3);
  });

  test.if(process.platform !== 'linux')('omits the values of /proc on other systems', async () => {
    const families = parsePage(await pageOf(newMetrics()));

    expect([...families.keys()].filter((name) => name.startsWith('mcpstead_process_'))).toEqual([
      'mcpstead_process_resident_memory_bytes',
      'mcpstead_process_cpu_seconds_total',
    ]);
  });
});

describe('the page is made', () => {
  test('once for concurrent requests, and for requests within the next second', async () => {
    let made = 0;
    const metrics = new Metrics({ build, sessionsActive: () => ++made });
    const pages = await Promise.all(Array.from({ length: 16 }, () => metrics.page()));
    pages.push(await metrics.page());
    expect(new Set(pages).size).toBe(1);
    expect(made).toBe(1);
  });

  test('again when it is too old', async () => {
    let made = 0;
    const metrics = newMetrics(() => ++made);
    const sessions = async () => sampleValue(await pageOf(metrics), 'mcpstead_downstream_sessions_active');
    expect([await sessions(), await sessions()]).toEqual([1, 2]);
  });

  test('a few hundred lines per turn of the event loop', async () => {
    const metrics = newMetrics();
    const upstream = metrics.upstream('files', stateOf());
    for (let tool = 0; tool < 1_000; tool++) upstream.tool(`tool ${tool}`).called(0.1);
    let turns = 0;
    let isMade = false;
    const takeTurns = () => {
      turns++;
      if (!isMade) setImmediate(takeTurns);
    };
    setImmediate(takeTurns);
    const lines = (await pageOf(metrics)).split('\n').length;
    isMade = true;
    expect(lines).toBeGreaterThan(20_000);
    expect(turns).toBeGreaterThanOrEqual(20);
  });
});
