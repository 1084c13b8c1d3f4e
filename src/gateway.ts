import {
  type ConfigDiff,
  type DiffSummary,
  diffConfig,
  summaryOf,
  withRunningSettings,
} from './config/diff.ts';
import { hostInUrl, reachableHost } from './config/hosts.ts';
import type { LoadedConfig } from './config/load.ts';
import { warningsOf } from './config/warnings.ts';
import { Endpoint } from './downstream/endpoint.ts';
import { SessionIds } from './downstream/legacy/session-ids.ts';
import { Sessions } from './downstream/legacy/sessions.ts';
import { GatewayError } from './errors.ts';
import { Admin } from './http/admin/admin.ts';
import { areRequiredConnected, type Health, healthOf } from './http/health.ts';
import { HttpServer } from './http/server.ts';
import type { Logger } from './observability/log.ts';
import { LogHistory } from './observability/log-history.ts';
import { Metrics } from './observability/metrics.ts';
import { type Redactor, sanitizeReason } from './observability/redact.ts';
import type { Tracing } from './observability/tracing.ts';
import { gatewaysText } from './protocol/instance.ts';
import { questions } from './protocol/questions.ts';
import { Registry } from './registry/registry.ts';
import { Router } from './router/router.ts';
import { newAdminToken } from './state/gateway-file.ts';
import { type State, volatileState } from './state/state.ts';
import { requiredReady } from './upstream/required.ts';
import { EraVerdicts } from './upstream/stdio/era-verdicts.ts';
import { Upstreams } from './upstream/upstreams.ts';
import { build } from './version.ts';

/** How long all upstreams together may take to terminate the gateway's sessions when it stops. */
const terminateTimeoutMs = 3_000;
/** The least time that processes of upstreams have to end, whatever the grace period is, and the time that SIGKILL takes. */
const minProcessMs = 250;
const killMs = 1_000;

interface GatewayOptions {
  readonly loaded: LoadedConfig;
  /** Reads the configuration again, for a reload. Rejects with `config_invalid`. */
  readonly readConfig: () => Promise<LoadedConfig>;
  readonly logger: Logger;
  readonly redactor: Redactor;
  /** By default, state that ends with the process. */
  readonly state?: State;
  /** The absolute path of the configuration, for people; by default it has none. */
  readonly configPath?: string | null;
  /** Opens the endpoints below `/-/`; by default one that nobody knows. */
  readonly adminToken?: string;
  /** Finds the words that start `mcpstead stdio` for this gateway; by default that cannot find it. */
  readonly bridge?: () => Promise<readonly string[]>;
  /** Holds the last lines of the log; by default none. */
  readonly logHistory?: LogHistory;
  /** Aborts the start: sessions with upstreams end, and `start` rejects. */
  readonly signal?: AbortSignal;
  /** By default, requests are not traced. */
  readonly tracing?: Tracing | null;
  /** How long a page of `/metrics` is reused; one second by default. */
  readonly metricsMaxAgeMs?: number;
}

/** The composition root: builds the gateway from its parts, starts, reloads and stops it. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #logger: Logger;
  readonly #startMs = performance.now();
  /** ISO 8601, in UTC. */
  readonly startedAt = new Date().toISOString();
  readonly #state: State;
  readonly #adminToken: string;
  readonly #metrics: Metrics;
  readonly #sessions: Sessions;
  readonly #registry: Registry;
  readonly #upstreams: Upstreams;
  readonly #router: Router;
  readonly #endpoint: Endpoint;
  readonly #admin: Admin;
  readonly #logHistory: LogHistory;
  #loaded: LoadedConfig;
  #http: HttpServer | null = null;
  #reloading: Promise<unknown> = Promise.resolve();
  #stopped: Promise<void> | null = null;
  /** Whether the drain delay is over. */
  #isStopping = false;

  private constructor(options: GatewayOptions) {
    const { loaded, logger, redactor, state = volatileState() } = options;
    const { session } = loaded.config.mcp;
    /** The id by which the gateway recognizes itself among its upstreams. */
    const instance = crypto.randomUUID();
    this.#options = options;
    this.#state = state;
    this.#loaded = loaded;
    this.#logger = logger;
    this.#adminToken = options.adminToken ?? newAdminToken();
    redactor.addSecrets([...loaded.secrets, this.#adminToken]);
    const pageMaxAgeMs = options.metricsMaxAgeMs;
    this.#metrics = new Metrics({ build, sessionsActive: () => this.#sessions.size, pageMaxAgeMs });
    const { downstream } = this.#metrics;
    this.#sessions = new Sessions({
      metrics: downstream,
      logger,
      ids: new SessionIds(state),
      onEnded: (ended) => {
        this.#router.subscriptions.drop(ended);
        this.#upstreams.release(ended.id);
      },
      idleTtlMs: session.idle_ttl_seconds * 1000,
      sweepIntervalMs: session.gc_interval_seconds * 1000,
    });
    this.#registry = new Registry(logger, (kind, view) => this.#endpoint.listChanged(kind, view));
    this.#upstreams = new Upstreams(logger, this.#metrics, {
      instance,
      sessionIdleTtlMs: session.idle_ttl_seconds * 1000,
      stateDirectory: state.directory,
      verdicts: new EraVerdicts(state.commandEras),
      quote: (text) => sanitizeReason(text, redactor),
      onItems: (upstream) => this.#registry.update(upstream),
      onResourceUpdated: (upstream, uri, paramsText) =>
        this.#router.subscriptions.updated(upstream, uri, paramsText),
      onQuestionRefused: (method) => downstream.questionEnded(questions[method].capability, 'refused'),
      onTaskStatus: (upstream, params) => this.#router.taskChanged(upstream, params),
    });
    this.#router = new Router({
      registry: this.#registry,
      redactor,
      logger,
      seal: state.seal,
      tracing: options.tracing ?? null,
    });
    this.#endpoint = new Endpoint({
      router: this.#router,
      registry: this.#registry,
      sessions: this.#sessions,
      seal: state.seal,
      metrics: downstream,
      logger,
      gateways: () =>
        gatewaysText(
          instance,
          this.#upstreams.all().flatMap(({ gateways }) => gateways),
        ),
    });
    this.#logHistory = options.logHistory ?? new LogHistory();
    this.#admin = this.#newAdmin();
  }

  #newAdmin(): Admin {
    const { configPath = null, redactor } = this.#options;
    return new Admin({
      url: () => this.localUrl,
      startedAt: this.startedAt,
      configPath,
      loaded: () => this.#loaded,
      health: () => this.#health(),
      upstreams: () => this.#upstreams.all(),
      tools: () => this.#registry.whole.catalog('tools'),
      clients: (max) => this.#endpoint.clients(max),
      recentCalls: this.#metrics.recentCalls,
      logs: this.#logHistory,
      redactor,
    });
  }

  /**
   * Starts a gateway. Resolves when it serves, after all required upstreams are ready. Rejects with a {@link GatewayError}:
   * `port_unavailable`, `required_upstream_down`, or `unavailable` if the signal aborts.
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

  /** The URL of the gateway, without a path. */
  get url(): string {
    const { host } = this.#loaded.config;
    return `http://${hostInUrl(host)}:${this.port}`;
  }

  /** The `/mcp` endpoint, at an address to which this machine can connect. */
  get localUrl(): string {
    const { host } = this.#loaded.config;
    return `http://${hostInUrl(reachableHost(host))}:${this.port}/mcp`;
  }

  /**
   * Reads the configuration again and applies all of it or nothing. Reloads run one after another. Rejects with
   * `config_invalid`, or `unavailable` if the gateway stops.
   */
  reload(): Promise<DiffSummary> {
    const reload = this.#reloading.then(() => this.#reload());
    this.#reloading = reload.catch(() => {});
    return reload;
  }

  /**
   * Stops: it is not ready from now on, and after the drain delay it accepts no new sessions. Calls in flight get the grace
   * period, then its sessions with upstreams end.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Resolves when no bridge (`mcpstead stdio`) has used the gateway for `afterMs` in a row, from now on. */
  unused(afterMs: number): Promise<void> {
    return this.#admin.bridges.unused(afterMs);
  }

  /** Closes all sockets at once. */
  kill(): void {
    this.#http?.kill();
  }

  async #start(): Promise<void> {
    const { config } = this.#loaded;
    this.#http = new HttpServer(this.#loaded, {
      endpoint: this.#endpoint,
      metrics: this.#metrics,
      logger: this.#logger,
      adminToken: this.#adminToken,
      admin: this.#admin,
      bridge: this.#options.bridge ?? null,
      health: () => this.#health(),
      hasView: (name) => this.#registry.view(name) !== undefined,
      ready: () => this.#isReady(),
      reload: () => this.reload(),
    });
    const added = config.servers.map((server) => server.name);
    this.#applyUpstreams({ added, restarted: [], updated: [] });
    const ready = Promise.all(this.#upstreams.all().map((upstream) => requiredReady(upstream, config)));
    await Promise.race([ready, aborted(this.#options.signal)]);
    this.#warn();
    this.#http.open();
  }

  #isReady(): boolean {
    const serves = this.#http?.isOpen === true && this.#stopped === null;
    return serves && areRequiredConnected(this.#upstreams.all());
  }

  #health(): Health {
    const uptimeMs = performance.now() - this.#startMs;
    return healthOf(this.#upstreams.all(), this.#loaded.disabled, this.#options.redactor, uptimeMs);
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
    if (this.#isStopping) throw new GatewayError('unavailable', 'the gateway is shutting down');
    const diff = diffConfig(this.#loaded, read);
    const isNewToken = read.bearerToken !== this.#loaded.bearerToken;
    for (const key of diff.ignored)
      this.#logger.warn('a changed setting needs a restart and is ignored', { key });
    this.#loaded = withRunningSettings(read, this.#loaded);
    this.#options.redactor.addSecrets([...this.#loaded.secrets, this.#adminToken]);
    this.#applyUpstreams(diff);
    this.#http?.apply(this.#loaded);
    if (isNewToken) this.#admin.disconnect();
    this.#metrics.configReloaded('success');
    const summary = summaryOf(diff);
    this.#logger.info('configuration reloaded', { ...summary });
    this.#warn();
    return summary;
  }

  #applyUpstreams(diff: Pick<ConfigDiff, 'added' | 'restarted' | 'updated'>): void {
    const { config, disabled } = this.#loaded;
    this.#logHistory.setServers([...config.servers, ...disabled].map(({ name }) => name));
    this.#upstreams.apply(this.#loaded, diff);
    const gone = this.#registry.configure(this.#upstreams.all(), config.profiles);
    this.#endpoint.viewsGone(gone);
    this.#router.subscriptions.setUpstreams(this.#upstreams.all());
  }

  #warn(): void {
    for (const warning of warningsOf(this.#loaded)) this.#logger.warn(warning);
  }

  async #stop(): Promise<void> {
    const { drain_delay_seconds, shutdown_grace_seconds } = this.#loaded.config.mcp.session;
    const hasServed = this.#http?.isOpen === true;
    if (!hasServed) this.#http?.giveUp();
    if (hasServed && drain_delay_seconds > 0) {
      this.#logger.info('no longer ready; serving until the shutdown begins', { drain_delay_seconds });
      await Bun.sleep(drain_delay_seconds * 1000);
    }
    this.#isStopping = true;
    this.#sessions.stopAccepting();
    const cut = await this.#endpoint.drain(shutdown_grace_seconds * 1000);
    if (cut.size > 0) {
      const what = 'calls were cut off: they lasted longer than mcp.session.shutdown_grace_seconds';
      this.#logger.warn(what, { shutdown_grace_seconds, calls: Object.fromEntries(cut) });
    }
    this.#sessions.endAll();
    this.#registry.close();
    const processMs = Math.max(minProcessMs, shutdown_grace_seconds * 1000);
    const { endedSessions, commandEras } = this.#state;
    const closed = Promise.all([
      this.#upstreams.close(processMs),
      endedSessions.flush(),
      commandEras.flush(),
    ]);
    await Promise.race([closed, Bun.sleep(Math.max(terminateTimeoutMs, processMs + killMs))]);
    this.#admin.close();
    await this.#http?.stop();
    if (hasServed) this.#logger.info('shutdown finished');
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
