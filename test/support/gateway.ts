import { type LoadedConfig, parseConfig } from '../../src/config/load.ts';
import { Gateway } from '../../src/gateway.ts';
import { createLogger } from '../../src/observability/log.ts';
import { LogHistory } from '../../src/observability/log-history.ts';
import { Redactor } from '../../src/observability/redact.ts';
import type { State } from '../../src/state/state.ts';
import { sampleValue } from './prometheus-page.ts';
import { waitUntil } from './wait.ts';

export type LogLevel = Parameters<typeof createLogger>[0]['level'];

/** The content of a configuration file: keys as users write them; only `servers` is required. */
export interface TestConfig {
  servers: Record<string, unknown>[];
  host?: string;
  /** By default a free one. */
  port?: number;
  mcp?: Record<string, unknown>;
  profiles?: Record<string, unknown>[];
  metrics?: Record<string, unknown>;
  /** The default level is `debug`. */
  logging?: { level: LogLevel };
}

/** An upstream as `/health` shows it. */
interface ServerHealth {
  [key: string]: unknown;
  name: string;
  url: string;
  protocol: string;
  required: boolean;
  connected: boolean;
  tools_count: number;
  reconnects: number;
  last_error: string | null;
}

/** The body of `/health`. */
export interface Health {
  status: 'ok' | 'degraded';
  uptime_seconds: number;
  servers: ServerHealth[];
}

/** The samples of one `/metrics` page. */
interface MetricsPage {
  readonly text: string;
  /** The sample with exactly these labels, or undefined. */
  value(name: string, labels?: Record<string, string>): number | undefined;
}

/** A gateway in the test's process. */
export interface TestGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  /** The MCP endpoint. */
  readonly url: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** All log lines so far. */
  readonly logs: readonly string[];
  health(): Promise<Health>;
  metrics(): Promise<MetricsPage>;
  /** Polls `/health` until `predicate` holds. */
  waitFor(what: string, predicate: (health: Health) => boolean, timeoutMs?: number): Promise<Health>;
  /** Waits until these upstreams (by default all) are connected and have listed their tools. */
  connected(...names: string[]): Promise<void>;
  /** Replaces the configuration with `config` and reloads. */
  reload(config: TestConfig): ReturnType<Gateway['reload']>;
}

/** Reconnects within milliseconds. */
export const promptReconnect = { backoff_base_ms: 20, backoff_max_ms: 100 };

/**
 * Starts a gateway on a free port. Unless `config` says otherwise, a stop does not wait for running calls; without a
 * `state` the gateway's sessions end with it.
 */
export async function startGateway(
  config: TestConfig,
  env: Record<string, string> = {},
  state?: State,
  adminToken?: string,
): Promise<TestGateway> {
  const load = (from: TestConfig): LoadedConfig => {
    const mcp = { session: { shutdown_grace_seconds: 0 }, ...from.mcp };
    // JSON is valid YAML.
    return parseConfig(JSON.stringify({ port: 0, ...from, mcp }), 'test.yaml', env);
  };
  let current = config;
  const logs: string[] = [];
  const logHistory = new LogHistory();
  const redactor = new Redactor();
  const loaded = load(config);
  redactor.setSecrets(loaded.secrets);
  const logger = createLogger({
    level: config.logging?.level ?? 'debug',
    format: 'json',
    redactor,
    history: logHistory,
    write: (line) => void logs.push(line),
  });
  const gateway = await Gateway.start({
    loaded,
    readConfig: async () => load(current),
    logger,
    redactor,
    // Tests read their latest effects.
    metricsMaxAgeMs: 0,
    logHistory,
    ...(adminToken && { adminToken }),
    ...(state && { state }),
  });
  const origin = gateway.url;

  const health = async () => (await (await fetch(`${origin}/health`)).json()) as Health;
  const waitFor = async (what: string, predicate: (health: Health) => boolean, timeoutMs?: number) => {
    let seen: Health | undefined;
    const probe = async () => {
      seen = await health();
      return predicate(seen) ? seen : undefined;
    };
    try {
      return (await waitUntil(what, probe, timeoutMs)) as Health;
    } catch (error) {
      throw new Error(`${String(error)}\n${JSON.stringify(seen, null, 1)}\n${logs.slice(-20).join('')}`);
    }
  };

  return {
    gateway,
    url: `${origin}/mcp`,
    origin,
    logs,
    health,
    async metrics() {
      const text = await (await fetch(`${origin}/metrics`)).text();
      return { text, value: (name, labels) => sampleValue(text, name, labels) };
    },
    waitFor,
    async connected(...names) {
      await waitFor(`connected: ${names.join(', ') || 'all'}`, ({ servers }) =>
        servers
          .filter((server) => names.length === 0 || names.includes(server.name))
          .every((server) => server.connected && server.tools_count > 0),
      );
    },
    reload(next) {
      current = next;
      return gateway.reload();
    },
    [Symbol.asyncDispose]: () => gateway.stop(),
  };
}
