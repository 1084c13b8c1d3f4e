import Registry from 'prom-client/lib/registry.js';
import type { BuildInfo } from '../version.ts';
import { DownstreamMetrics } from './downstream-metrics.ts';
import { addProcessFamilies } from './process-metrics.ts';
import { RecentCalls } from './recent-calls.ts';
import { Families, samplesBy } from './series.ts';
import { addUpstreamFamilies } from './upstream-families.ts';
import { UpstreamMetrics, type UpstreamState } from './upstream-metrics.ts';

interface MetricsOptions {
  readonly build: BuildInfo;
  /** The number of open client sessions, read for each page. */
  readonly sessionsActive: () => number;
  /** How old a page may be, in milliseconds; by default one second. */
  readonly pageMaxAgeMs?: number | undefined;
}

const defaultPageMaxAgeMs = 1_000;

/**
 * All metrics of a gateway. Label values come from the configuration, the registry or a fixed list, never from the wire:
 * otherwise a client could create any number of series.
 */
export class Metrics {
  static readonly contentType: string = Registry.PROMETHEUS_CONTENT_TYPE;

  readonly downstream: DownstreamMetrics;
  readonly recentCalls = new RecentCalls();
  readonly #families = new Families();
  readonly #upstreams = new Map<string, UpstreamMetrics>();
  readonly #startedMs = Date.now();
  readonly #reloads = { success: 0, error: 0 };
  #lastReloadMs: number | null = null;
  readonly #pageMaxAgeMs: number;
  #page: Promise<Uint8Array> | null = null;
  #pageUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: MetricsOptions) {
    this.#pageMaxAgeMs = options.pageMaxAgeMs ?? defaultPageMaxAgeMs;
    this.#addGatewayFamilies(options.build);
    addProcessFamilies(this.#families);
    addUpstreamFamilies(this.#families, this.#upstreams);
    this.downstream = new DownstreamMetrics(this.#families, options.sessionsActive);
  }

  /** The page for Prometheus, of type `Metrics.contentType`. It is cached, because anyone may request it at any rate. */
  page(): Promise<Uint8Array> {
    if (performance.now() >= this.#pageUntilMs) {
      // Concurrent requests share the page that is being made.
      this.#pageUntilMs = Number.POSITIVE_INFINITY;
      this.#page = this.#families.page().finally(() => {
        this.#pageUntilMs = performance.now() + this.#pageMaxAgeMs;
      });
    }
    return this.#page as Promise<Uint8Array>;
  }

  configReloaded(result: 'success' | 'error'): void {
    this.#reloads[result] += 1;
    if (result === 'success') this.#lastReloadMs = Date.now();
  }

  /** Adds the series of an upstream to the page, all counts at 0. They replace earlier series of `server`. */
  upstream(server: string, state: UpstreamState): UpstreamMetrics {
    const remove = () => {
      if (this.#upstreams.get(server) === metrics) this.#upstreams.delete(server);
    };
    const metrics: UpstreamMetrics = new UpstreamMetrics(state, remove, server, this.recentCalls);
    this.#upstreams.set(server, metrics);
    return metrics;
  }

  #addGatewayFamilies(build: BuildInfo): void {
    const families = this.#families;
    const labels = { version: build.version, bun_version: build.bunVersion, git_sha: build.gitSha };
    families.add('gauge', 'mcpstead_build_info', '1; its labels identify the build.', () => [
      { labels, value: 1 },
    ]);
    families.add(
      'gauge',
      'mcpstead_start_time_seconds',
      'When the gateway started, in seconds since the epoch.',
      () => [{ value: this.#startedMs / 1000 }],
    );
    families.add('gauge', 'mcpstead_uptime_seconds', 'Seconds since the gateway started.', () => [
      { value: Math.max(0, (Date.now() - this.#startedMs) / 1000) },
    ]);
    families.add('counter', 'mcpstead_config_reloads_total', 'Reloads of the configuration, by result.', () =>
      samplesBy('result', this.#reloads),
    );
    families.add(
      'gauge',
      'mcpstead_config_last_reload_timestamp_seconds',
      'When the configuration was last reloaded successfully, in seconds since the epoch.',
      () => (this.#lastReloadMs === null ? [] : [{ value: this.#lastReloadMs / 1000 }]),
    );
  }
}
