import { type DiffSummary, diffConfig, summaryOf, withRunningSettings } from './config/diff.ts';
import { hostInUrl } from './config/hosts.ts';
import type { LoadedConfig } from './config/load.ts';
import { warningsOf } from './config/warnings.ts';
import { Endpoint } from './downstream/endpoint.ts';
import { SessionIds } from './downstream/legacy/session-ids.ts';
import { Sessions } from './downstream/legacy/sessions.ts';
import { GatewayError } from './errors.ts';
import { BearerGuard, HostGuard } from './http/guards.ts';
import { type Health, healthOf } from './http/health.ts';
import type { HttpSettings } from './http/routes.ts';
import { HttpServer } from './http/server.ts';
import type { Logger } from './observability/log.ts';
import { Metrics } from './observability/metrics.ts';
import { type Redactor, sanitizeReason } from './observability/redact.ts';
import { gatewaysText } from './protocol/instance.ts';
import { notificationText } from './protocol/messages.ts';
import { Registry } from './registry/catalog.ts';
import { qualify, refusedNames } from './registry/names.ts';
import { Router } from './router/router.ts';
import { type State, volatileState } from './state/state.ts';
import { requiredReady } from './upstream/required.ts';
import type { Upstream } from './upstream/upstream.ts';
import { Upstreams } from './upstream/upstreams.ts';
import { build } from './version.ts';

/** How long upstreams may take, all together, to terminate our sessions when the gateway stops. */
const terminateTimeoutMs = 3_000;

/** How many secrets of this and earlier configurations are hidden; the latest are kept. */
const maxSecrets = 1_000;

const toolsChanged = notificationText('notifications/tools/list_changed');

interface GatewayOptions {
  readonly loaded: LoadedConfig;
  /** Reads the configuration anew, for a reload. Rejects with `config_invalid`. */
  readonly readConfig: () => Promise<LoadedConfig>;
  readonly logger: Logger;
  readonly redactor: Redactor;
  /** By default one that ends with the process. */
  readonly state?: State;
  /** Gives the start up: upstreams that are open already are told, and `start` rejects. */
  readonly signal?: AbortSignal;
  /** How old the page of `/metrics` may be; one second unless it is said. */
  readonly metricsMaxAgeMs?: number;
}

/** Builds the gateway from its parts, starts, reloads and stops it. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #logger: Logger;
  readonly #startMs = performance.now();
  /** By which it recognizes itself where it is configured as its own upstream. */
  readonly #instance = crypto.randomUUID();
  readonly #state: State;
  readonly #metrics: Metrics;
  readonly #sessions: Sessions;
  readonly #registry: Registry;
  readonly #upstreams: Upstreams;
  readonly #endpoint: Endpoint;
  readonly #warnedOfNames = new Set<string>();
  #loaded: LoadedConfig;
  #secrets: readonly string[] = [];
  #http: HttpServer | null = null;
  #reloading: Promise<unknown> = Promise.resolve();
  #stopped: Promise<void> | null = null;
  /** Set when the drain delay is over. */
  #stopping = false;

  private constructor(options: GatewayOptions) {
    const { loaded, logger, redactor, state = volatileState() } = options;
    const { session } = loaded.config.mcp;
    this.#options = options;
    this.#state = state;
    this.#loaded = loaded;
    this.#logger = logger;
    this.#hide(loaded.secrets);
    const pageMaxAgeMs = options.metricsMaxAgeMs;
    this.#metrics = new Metrics({ build, sessionsActive: () => this.#sessions.size, pageMaxAgeMs });
    const { downstream } = this.#metrics;
    this.#sessions = new Sessions({
      metrics: downstream,
      logger,
      ids: new SessionIds(state),
      idleTtlMs: session.idle_ttl_seconds * 1000,
      sweepIntervalMs: session.gc_interval_seconds * 1000,
    });
    this.#registry = new Registry(() => this.#sessions.notice(toolsChanged));
    this.#upstreams = new Upstreams(logger, this.#metrics, {
      instance: this.#instance,
      quote: (text) => sanitizeReason(text, redactor),
      onItems: (upstream) => this.#takeTools(upstream),
    });
    const router = new Router({
      registry: this.#registry,
      upstream: (name) => this.#upstreams.get(name),
      redactor,
      logger,
    });
    this.#endpoint = new Endpoint({
      router,
      sessions: this.#sessions,
      metrics: downstream,
      logger,
      gateways: () =>
        gatewaysText(
          this.#instance,
          this.#upstreams.all().flatMap((upstream) => upstream.gateways),
        ),
    });
  }

  /**
   * Starts a gateway; resolves when it serves, which it does not before all required upstreams are ready.
   * Rejects with a {@link GatewayError}: `port_unavailable` or `required_upstream_down`.
   */
  static async start(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options);
    try {
      await gateway.#start();
      return gateway;
    } catch (error) {
      await gateway.stop();
      throw error;
    }
  }

  get port(): number {
    return this.#http?.port ?? 0;
  }

  /** Where clients reach the gateway, without a path. */
  get url(): string {
    const { host } = this.#loaded.config;
    return `http://${hostInUrl(host)}:${this.port}`;
  }

  /**
   * Reads the configuration anew and takes it over, all or nothing. Reloads run one after another. Rejects with
   * `config_invalid`, and has changed nothing then.
   */
  reload(): Promise<DiffSummary> {
    const reload = this.#reloading.then(() => this.#reload());
    this.#reloading = reload.catch(() => {});
    return reload;
  }

  /**
   * Stops: not ready at once, and after the drain delay no new sessions; running calls may end within the grace, then
   * upstreams are told.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Closes all sockets at once. */
  kill(): void {
    this.#http?.kill();
  }

  async #start(): Promise<void> {
    const { config } = this.#loaded;
    const names = config.servers.map((server) => server.name);
    this.#registry.setServers(names);
    this.#upstreams.apply(this.#loaded, { added: names, restarted: [], updated: [] });
    const ready = Promise.all(this.#upstreams.all().map((upstream) => requiredReady(upstream, config)));
    await Promise.race([ready, aborted(this.#options.signal)]);
    for (const warning of warningsOf(this.#loaded)) this.#logger.warn(warning);
    this.#http = new HttpServer(config.host, config.port, this.#httpSettings(), {
      endpoint: this.#endpoint,
      metrics: this.#metrics,
      logger: this.#logger,
      health: () => this.#health(),
      ready: () => this.#ready(),
      reload: () => this.reload(),
    });
  }

  async #reload(): Promise<DiffSummary> {
    let read: LoadedConfig;
    try {
      read = await this.#options.readConfig();
    } catch (error) {
      this.#metrics.configReloaded('error');
      const problem =
        error instanceof GatewayError ? error : new GatewayError('config_invalid', String(error));
      this.#logger.error('configuration not reloaded; nothing was changed', { cause: problem.message });
      throw problem;
    }
    if (this.#stopping) throw new GatewayError('unavailable', 'the gateway is shutting down');
    const before = this.#loaded;
    const diff = diffConfig(before, read);
    for (const key of diff.ignored) {
      this.#logger.warn('a changed setting needs a restart and is ignored', { key });
    }
    const after = withRunningSettings(read, before);
    this.#hide(after.secrets);
    this.#loaded = after;
    this.#registry.setServers(after.config.servers.map((server) => server.name));
    this.#upstreams.apply(after, diff);
    this.#http?.apply(this.#httpSettings());
    this.#metrics.configReloaded('success');
    const summary = summaryOf(diff);
    this.#logger.info('configuration reloaded', { ...summary });
    for (const warning of warningsOf(this.#loaded)) this.#logger.warn(warning);
    return summary;
  }

  async #stop(): Promise<void> {
    const { drain_delay_seconds, shutdown_grace_seconds } = this.#loaded.config.mcp.session;
    const served = this.#http !== null;
    if (served && drain_delay_seconds > 0) {
      this.#logger.info('not ready any more; serving on until the shutdown begins', { drain_delay_seconds });
      await Bun.sleep(drain_delay_seconds * 1000);
    }
    this.#stopping = true;
    this.#sessions.stopAccepting();
    await this.#endpoint.idle(shutdown_grace_seconds * 1000);
    const cut = this.#endpoint.cancelAll();
    if (cut.size > 0) {
      const what = 'calls were cut off: they lasted longer than mcp.session.shutdown_grace_seconds';
      this.#logger.warn(what, { shutdown_grace_seconds, calls: Object.fromEntries(cut) });
    }
    this.#sessions.endAll();
    const closed = Promise.all([this.#upstreams.close(), this.#state.endedSessions.flush()]);
    await Promise.race([closed, Bun.sleep(terminateTimeoutMs)]);
    await this.#http?.stop();
    if (served) this.#logger.info('shutdown finished');
  }

  /** Hides these secrets from now on. Earlier ones stay hidden: calls that still run may yet fail and quote them. */
  #hide(secrets: readonly string[]): void {
    const all = [...new Set([...secrets, ...this.#secrets])];
    this.#secrets = all.slice(0, Math.max(secrets.length, maxSecrets));
    this.#options.redactor.setSecrets(this.#secrets);
  }

  #takeTools(upstream: Upstream): void {
    const server = upstream.name;
    const tools = upstream.items('tools');
    this.#registry.setTools(server, tools);
    if (this.#warnedOfNames.has(server)) return;
    for (const { why, ...refused } of refusedNames(tools.map((tool) => qualify(server, tool.name)))) {
      this.#warnedOfNames.add(server);
      this.#logger.warn(`a tool's name ${why}`, { server, ...refused });
    }
  }

  #httpSettings(): HttpSettings {
    const { config, bearerToken } = this.#loaded;
    return {
      hostGuard: new HostGuard({ host: config.host, allowedHosts: config.mcp.allowed_hosts }),
      bearerGuard: bearerToken === null ? null : new BearerGuard(bearerToken),
      maxRequestBytes: config.mcp.max_request_bytes,
      metricsEnabled: config.metrics.enabled,
    };
  }

  #health(): Health {
    const uptimeMs = performance.now() - this.#startMs;
    return healthOf(this.#upstreams.all(), this.#loaded.disabled, this.#options.redactor, uptimeMs);
  }

  #ready(): boolean {
    return (
      this.#stopped === null &&
      this.#upstreams.all().every((upstream) => !upstream.config.required || upstream.isConnected)
    );
  }
}

/** Never resolves; rejects when the start is aborted. */
function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(new GatewayError('unavailable', 'the start was aborted'));
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
  });
}
