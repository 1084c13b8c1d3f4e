// The registry alone: with all else that the package exports come node:http, node:zlib and node:cluster, 8 ms of each start.
import Registry from 'prom-client/lib/registry.js';
import type { BuildInfo } from '../version.ts';
import { DownstreamMetrics } from './downstream-metrics.ts';
import { addProcessFamilies } from './process-metrics.ts';
import { addFamily } from './series.ts';
import { addUpstreamFamilies } from './upstream-families.ts';
import { UpstreamMetrics, type UpstreamState } from './upstream-metrics.ts';

/** What the metrics of a gateway are told at its start. */
export interface MetricsOptions {
  readonly build: BuildInfo;
  /** How many client sessions are open, asked for each page. */
  readonly sessionsActive: () => number;
}

/**
 * Every metric of one gateway. Label values come from the configuration, the registry or a fixed list, never
 * from the wire: else a client could make series without end.
 */
export class Metrics {
  static readonly contentType: string = Registry.PROMETHEUS_CONTENT_TYPE;

  readonly downstream: DownstreamMetrics;
  readonly #registry = new Registry();
  readonly #upstreams = new Map<string, UpstreamMetrics>();
  readonly #startedMs = Date.now();
  readonly #reloads = { success: 0, error: 0 };
  #lastReloadMs: number | null = null;

  constructor(options: MetricsOptions) {
    this.#addGatewayFamilies(options.build);
    addProcessFamilies(this.#registry);
    addUpstreamFamilies(this.#registry, this.#upstreams);
    this.downstream = new DownstreamMetrics(this.#registry, options.sessionsActive);
  }

  /** The page for Prometheus, in its text format, to be sent as `Metrics.contentType`. */
  page(): Promise<string> {
    return this.#registry.metrics();
  }

  configReloaded(result: 'success' | 'error'): void {
    this.#reloads[result] += 1;
    if (result === 'success') this.#lastReloadMs = Date.now();
  }

  /**
   * Puts the series of a configured upstream on the page, all counts at 0. Where `server` has series already,
   * the new ones take their place.
   */
  upstream(server: string, state: UpstreamState): UpstreamMetrics {
    const metrics: UpstreamMetrics = new UpstreamMetrics(state, () => {
      if (this.#upstreams.get(server) === metrics) this.#upstreams.delete(server);
    });
    this.#upstreams.set(server, metrics);
    return metrics;
  }

  #addGatewayFamilies(build: BuildInfo): void {
    const registry = this.#registry;
    const labels = { version: build.version, bun_version: build.bunVersion, git_sha: build.gitSha };
    addFamily(registry, 'gauge', 'mcpstead_build_info', '1; its labels tell the build.', () => [
      { labels, value: 1 },
    ]);
    addFamily(
      registry,
      'gauge',
      'mcpstead_start_time_seconds',
      'When the gateway started, in seconds since the epoch.',
      () => [{ value: this.#startedMs / 1000 }],
    );
    addFamily(registry, 'gauge', 'mcpstead_uptime_seconds', 'Seconds since the gateway started.', () => [
      { value: Math.max(0, (Date.now() - this.#startedMs) / 1000) },
    ]);
    addFamily(
      registry,
      'counter',
      'mcpstead_config_reloads_total',
      'Reloads of the configuration, by result.',
      () => Object.entries(this.#reloads).map(([result, value]) => ({ labels: { result }, value })),
    );
    addFamily(
      registry,
      'gauge',
      'mcpstead_config_last_reload_timestamp_seconds',
      'When the configuration was last reloaded successfully, in seconds since the epoch.',
      () => (this.#lastReloadMs === null ? [] : [{ value: this.#lastReloadMs / 1000 }]),
    );
  }
}
