import { type CallFailureReason, callFailureReasons } from '../errors.ts';
import { Histogram } from './series.ts';

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

/** How an upstream session was lost: the `reason` of `mcpstead_upstream_session_resets_total`. */
export type SessionResetReason = 'unknown_session' | 'expired' | 'terminated';

/** The label `tool` of calls to a tool that the registry does not know (yet). */
export const unknownTool = 'unknown';

/**
 * The counts of one configured upstream. The page shows it until `remove`; a call that ends later counts
 * into an object that nobody reads any more.
 */
export class UpstreamMetrics {
  /** Read for the page, see upstream-families.ts. */
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

  /**
   * The counts of one tool, on the page at 0 from the first time it is asked for.
   * @param name the tool's name in the registry, or {@link unknownTool}; never one that came from a client unchecked
   */
  tool(name: string): ToolMetrics {
    let metrics = this.counts.tools.get(name);
    if (metrics === undefined) {
      metrics = new ToolMetrics();
      this.counts.tools.set(name, metrics);
    }
    return metrics;
  }

  /** Takes the series of tools off the page that the upstream no longer offers. {@link unknownTool} stays. */
  retainTools(names: ReadonlySet<string>): void {
    for (const name of this.counts.tools.keys()) {
      if (name !== unknownTool && !names.has(name)) this.counts.tools.delete(name);
    }
  }
}

/** The counts of one tool of one upstream. */
export class ToolMetrics {
  /** Read for the page, see upstream-families.ts. */
  readonly durations = new Histogram();
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
