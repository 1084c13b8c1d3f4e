import { type CallFailureReason, callFailureReasons } from '../errors.ts';
import { CallStats } from './call-stats.ts';
import { type CallOutcome, type EndingCall, RecentCalls } from './recent-calls.ts';
import { Histogram } from './series.ts';

/** The values of an upstream's gauges, read for each page. */
export interface UpstreamState {
  connected(): boolean;
  toolsCount(): number;
  /** The sessions that belong to one client each. */
  clientSessions(): number;
  /** The time of the last answer, in milliseconds since the epoch; null before the first. */
  lastSeenMs(): number | null;
  inBackoff(): boolean;
  /** The current wait, or 0. */
  currentBackoffSeconds(): number;
  /** The time of the last refresh of the tool list, in milliseconds since the epoch; null before the first. */
  toolsRefreshedMs(): number | null;
}

/** Why an upstream session was lost: the `reason` of `mcpstead_upstream_session_resets_total`. */
export type SessionResetReason = 'unknown_session' | 'expired' | 'terminated';

/** The label `tool` of calls to a tool that the registry does not know. */
export const unknownTool = 'unknown';

/** The counts of an upstream, on the page until `remove`. Calls that end later count into an unreferenced object. */
export class UpstreamMetrics {
  /** Read by upstream-families.ts. */
  readonly counts = {
    initialize: { success: 0, error: 0 },
    initializeDurations: new Histogram(),
    reconnectAttempts: { success: 0, error: 0 },
    reconnects: 0,
    toolsRefresh: { success: 0, error: 0 },
    toolsRefreshDurations: new Histogram(),
    healthChecks: { success: 0, failure: 0 },
    sessionResets: { unknown_session: 0, expired: 0, terminated: 0 },
    backoffSeconds: 0,
    /** Null: the gateway has started no process. */
    processRestarts: null as number | null,
    bytes: { sent: 0, received: 0 },
    tools: new Map<string, ToolMetrics>(),
  };
  readonly state: UpstreamState;
  /** Removes the series of this upstream from the page. */
  readonly remove: () => void;
  /** The calls of all its tools. */
  readonly calls = new CallStats();
  readonly #server: string;
  readonly #recentCalls: RecentCalls;

  /** @param recentCalls those of all upstreams */
  constructor(state: UpstreamState, remove: () => void, server = '', recentCalls = new RecentCalls()) {
    this.state = state;
    this.remove = remove;
    this.#server = server;
    this.#recentCalls = recentCalls;
  }

  initialized(ok: boolean, durationSeconds: number): void {
    this.counts.initialize[ok ? 'success' : 'error'] += 1;
    this.counts.initializeDurations.observe(durationSeconds);
  }

  /** Counts an attempt to restore a lost connection. */
  reconnectAttempted(ok: boolean): void {
    this.counts.reconnectAttempts[ok ? 'success' : 'error'] += 1;
  }

  /** Counts a restored connection. */
  reconnected(): void {
    this.counts.reconnects += 1;
  }

  /** Counts a process that was started, in place of one that ended if `isRestart`. */
  processStarted(isRestart: boolean): void {
    this.counts.processRestarts = (this.counts.processRestarts ?? 0) + Number(isRestart);
  }

  toolsRefreshed(ok: boolean, durationSeconds: number): void {
    this.counts.toolsRefresh[ok ? 'success' : 'error'] += 1;
    this.counts.toolsRefreshDurations.observe(durationSeconds);
  }

  healthChecked(ok: boolean): void {
    this.counts.healthChecks[ok ? 'success' : 'failure'] += 1;
  }

  /** Counts a session that the upstream lost. */
  sessionReset(reason: SessionResetReason): void {
    this.counts.sessionResets[reason] += 1;
  }

  /** Counts a completed wait between two attempts. */
  backedOff(seconds: number): void {
    this.counts.backoffSeconds += seconds;
  }

  /**
   * The counts of a tool, which are on the page from the first use of this method.
   * @param name the tool's name in the registry, or {@link unknownTool}; never an unchecked name from a client
   */
  tool(name: string): ToolMetrics {
    let metrics = this.counts.tools.get(name);
    if (metrics === undefined) {
      metrics = new ToolMetrics(this.#server, name, this.calls, this.#recentCalls);
      this.counts.tools.set(name, metrics);
    }
    return metrics;
  }

  /** Removes the series of all other tools from the page, except {@link unknownTool}. */
  retainTools(names: ReadonlySet<string>): void {
    for (const name of this.counts.tools.keys()) {
      if (name !== unknownTool && !names.has(name)) this.counts.tools.delete(name);
    }
  }
}

/** The counts of a tool of an upstream. */
export class ToolMetrics {
  readonly server: string;
  readonly name: string;
  /** Read by upstream-families.ts. */
  readonly durations = new Histogram();
  readonly errors = Object.fromEntries(callFailureReasons.map((reason) => [reason, 0])) as Record<
    CallFailureReason,
    number
  >;
  readonly #calls: CallStats;
  readonly #recentCalls: RecentCalls;

  /** @param calls those of the upstream */
  constructor(server: string, name: string, calls: CallStats, recentCalls: RecentCalls) {
    this.server = server;
    this.name = name;
    this.#calls = calls;
    this.#recentCalls = recentCalls;
  }

  /** Tells all who count calls that one ends now. @param reason why it failed; null: it did not */
  ended(call: EndingCall, outcome: CallOutcome, reason: CallFailureReason | null): void {
    const endMs = performance.now();
    const durationMs = endMs - call.startMs;
    if (reason !== null) this.failed(reason);
    this.called(durationMs / 1000);
    this.#calls.add(endMs, durationMs, reason !== null);
    this.#recentCalls.add(this, call.caller, endMs, durationMs, outcome, reason);
  }

  /** Counts a call that succeeded or failed. */
  called(durationSeconds: number): void {
    this.durations.observe(durationSeconds);
  }

  /** Counts the reason of a failed call, in addition to `called`. */
  failed(reason: CallFailureReason): void {
    this.errors[reason] += 1;
  }
}
