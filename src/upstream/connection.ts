import { Abort, type Signal } from '../abort.ts';
import type { ServerConfig } from '../config/schema.ts';
import { deadlines, settledOrAborted } from '../deadlines.ts';
import type { Logger } from '../observability/log.ts';
import type { UpstreamMetrics, UpstreamState } from '../observability/upstream-metrics.ts';
import { Attempt, type AttemptOwner } from './attempt.ts';
import { backoffMs } from './backoff.ts';
import { cancelled, toFailure, UpstreamFailure } from './failure.ts';
import type { LegacySession, SessionEvents } from './legacy-session.ts';
import { httpClientOf, openSession, type UpstreamConfig } from './open-session.ts';
import type { UpstreamCall } from './running-call.ts';
import type { UpstreamTool } from './tool-list.ts';
import { ToolWatch } from './tool-watch.ts';
import type { HttpClient } from './transport/http-client.ts';
import type { AnswerTaker } from './transport/transport.ts';

/** How long an upstream may take to terminate a session. */
const closeTimeoutMs = 2_000;

/** Where a connection stands. `closed` is final, and `given_up` until `revive`. */
export type ConnectionState = 'connecting' | 'ready' | 'backoff' | 'given_up' | 'closed';

/** What a connection tells its owner, and what it asks of it. */
export interface ConnectionEvents {
  /** The id by which this gateway recognizes itself. */
  readonly instance: string;
  /** Words of the upstream in a form that may be shown: short, on one line, without secrets. */
  quote(text: string): string;
  /** How many tools of the upstream are listed, be they those of a predecessor that was restarted. */
  toolsCount(): number;
  /** The tools that the upstream offers now; null once it is given up. */
  onTools(tools: readonly UpstreamTool[] | null): void;
}

/** A connection for /health. */
export interface ConnectionStatus {
  readonly state: ConnectionState;
  /** The transport in use, or null while there is none. */
  readonly transport: string | null;
  readonly protocolVersion: string | null;
  readonly lastSeenMs: number | null;
  readonly reconnects: number;
  readonly lastError: string | null;
  /** Milliseconds to the next attempt; null when none is due. */
  readonly nextRetryMs: number | null;
}

/**
 * Keeps one upstream connected: a single session, opened anew when it is lost, its tools fetched when they
 * change. Calls are answered while the session lives, wait while a lost session is re-initialized, and fail at
 * once while the upstream is down.
 */
export class Connection implements UpstreamState, AttemptOwner, SessionEvents {
  readonly name: string;
  #config: UpstreamConfig;
  #requestTimeoutMs: number;
  readonly #logger: Logger;
  readonly #metrics: UpstreamMetrics;
  readonly #events: ConnectionEvents;
  readonly #http: HttpClient;
  readonly #tools: ToolWatch;
  readonly #closing = new Abort();

  #state: ConnectionState = 'connecting';
  #session: LegacySession | null = null;
  /** The re-initialization that all calls wait for, while one is under way. */
  #renewal: Promise<void> | null = null;
  #everReady = false;
  #failures = 0;
  #reconnects = 0;
  #lastFailure: UpstreamFailure | null = null;
  #lastSeenMs: number | null = null;
  #gateways: readonly string[] = [];
  #readySinceMs = 0;

  #retryTimer: Timer | null = null;
  #backoffStartMs = 0;
  #backoffMs = 0;

  /** What was passed over of the tool list, as it was last told in the log. */
  #toolFaults: string | null = null;
  /** What the log has told of what the upstream does oddly: a fixed number of texts at most. */
  readonly #oddities = new Set<string>();
  /** The session that is being asked for a sign of life. */
  #checking: LegacySession | null = null;

  readonly #outcome = Promise.withResolvers<void>();

  constructor(
    config: UpstreamConfig,
    logger: Logger,
    metrics: (state: UpstreamState) => UpstreamMetrics,
    events: ConnectionEvents,
  ) {
    this.name = config.server.name;
    this.#config = config;
    this.#requestTimeoutMs = requestTimeoutMs(config);
    this.#logger = logger;
    this.#metrics = metrics(this);
    this.#events = events;
    this.#http = httpClientOf(
      config,
      () => this.config,
      this.#metrics,
      (text) => this.quote(text),
    );
    this.#tools = new ToolWatch({
      config: () => this.config,
      metrics: this.#metrics,
      closing: this.#closing,
      onTools: (tools) => this.#events.onTools(tools),
      onChecked: (session, failure) => this.#checked(session, failure),
    });
    this.#outcome.promise.catch(() => {});
  }

  get config(): ServerConfig {
    return this.#config.server;
  }
  get metrics(): UpstreamMetrics {
    return this.#metrics;
  }

  /** Connects in the background, and goes on trying; does nothing where it was closed before. */
  start(): void {
    if (!this.closed) void this.#attempt();
  }

  /** Resolves once the upstream has been ready; rejects when it is given up or closed before. */
  firstReady(): Promise<void> {
    return this.#outcome.promise;
  }

  status(): ConnectionStatus {
    return {
      state: this.#state,
      transport: this.#session?.transportName ?? null,
      protocolVersion: this.#session?.protocolVersion ?? null,
      lastSeenMs: this.#lastSeenMs,
      reconnects: this.#reconnects,
      lastError: this.#lastFailure?.message ?? null,
      nextRetryMs: this.#retryTimer
        ? Math.max(0, this.#backoffStartMs + this.#backoffMs - performance.now())
        : null,
    };
  }

  /** The ids of the gateways that it led to when it was connected last. */
  get gateways(): readonly string[] {
    return this.#gateways;
  }
  /** The live session, or null while there is none. */
  get session(): LegacySession | null {
    return this.#session;
  }
  /** Of the configuration; kept, because each call asks for it. */
  get requestTimeoutMs(): number {
    return this.#requestTimeoutMs;
  }

  /** Whether it was ended, as by a reload, and another may be in its place. */
  get closed(): boolean {
    return this.#state === 'closed';
  }
  connected(): boolean {
    return this.#state === 'ready';
  }
  toolsCount(): number {
    return this.#events.toolsCount();
  }
  lastSeenMs(): number | null {
    return this.#lastSeenMs;
  }
  inBackoff(): boolean {
    return this.#state === 'backoff';
  }
  currentBackoffSeconds(): number {
    return this.#state === 'backoff' ? this.#backoffMs / 1000 : 0;
  }
  toolsRefreshedMs(): number | null {
    return this.#tools.refreshedMs;
  }

  /**
   * Sends a client's request to the upstream, for `taker`, which is told an {@link UpstreamFailure} where it fails. It
   * is sent a second time only if it surely was not executed, or if it is `repeatable`.
   */
  call(call: UpstreamCall, paramsText: string, repeatable: boolean, taker: AnswerTaker): void {
    new Attempt(this, call, paramsText, repeatable, taker).start();
  }

  /** Takes over changes that need no new connection. */
  update(config: UpstreamConfig): void {
    this.#config = config;
    this.#requestTimeoutMs = requestTimeoutMs(config);
    this.#http.settingsChanged();
    // The wait that runs may be far longer than the new settings want.
    if (this.#session) this.#tools.changed(this.#session);
  }

  /** Tries again where it was given up. */
  revive(): void {
    if (this.#state !== 'given_up') return;
    this.#failures = 0;
    void this.#attempt();
  }

  /** Ends the connection: at once for new calls, and when the running ones are done for those. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.#state = 'closed';
    this.#closing.abort();
    this.#clearTimers();
    this.#outcome.reject(new UpstreamFailure('refused', 'was removed'));
    const session = this.#session;
    this.#session = null;
    await session?.retire(closeTimeoutMs);
    this.#http.close();
  }

  get instance(): string {
    return this.#events.instance;
  }
  quote(text: string): string {
    return this.#events.quote(text);
  }
  onSeen(): void {
    this.#lastSeenMs = Date.now();
  }
  onToolsChanged(session: LegacySession): void {
    this.#tools.changed(session);
  }
  onToolFaults(faults: string | null): void {
    if (faults !== null && faults !== this.#toolFaults)
      this.#logger.warn('not all of the tool list can be taken', { server: this.name, faults });
    this.#toolFaults = faults;
  }
  onOddity(what: string): void {
    if (this.#oddities.has(what)) return;
    this.#oddities.add(what);
    this.#logger.debug('the upstream does something odd, which is passed over', { server: this.name, what });
  }
  onClosed(session: LegacySession, error: Error): void {
    this.#lost(session, toFailure(error));
  }
  onSuspect(session: LegacySession): void {
    void this.#check(session);
  }

  /** A call has failed: finds out what that means for the session. */
  failedOn(session: LegacySession, failure: UpstreamFailure): void {
    if (failure.kind === 'session_lost') this.#renew(session, failure);
    else if (failure.kind === 'refused') this.#lost(session, failure);
    else if (failure.kind === 'broken' || failure.kind === 'timeout') void this.#check(session);
  }

  /** The live session; waits for one that is being re-initialized, but not for a client that does not. */
  async usableSession(signal: Signal): Promise<LegacySession> {
    if (this.#session === null && this.#renewal) await settledOrAborted(this.#renewal, signal);
    if (signal.aborted) throw cancelled();
    if (this.#session !== null) return this.#session;
    const kind = this.#lastFailure?.kind === 'auth' ? 'auth' : 'refused';
    throw new UpstreamFailure(kind, describeState(this.#state, this.#lastFailure));
  }

  async #attempt(): Promise<void> {
    this.#retryTimer = null;
    this.#state = 'connecting';
    const reconnecting = this.#everReady || this.#failures > 0;
    try {
      const session = await this.#open();
      try {
        await this.#tools.fetch(session);
      } catch (error) {
        void session.retire(closeTimeoutMs);
        throw error;
      }
      if (this.closed) return void session.retire(closeTimeoutMs);
      const lostBefore = this.#everReady;
      this.#becomeReady(session);
      if (reconnecting) this.#metrics.reconnectAttempted(true);
      if (lostBefore) {
        this.#reconnects++;
        this.#metrics.reconnected();
      }
    } catch (error) {
      if (this.closed) return;
      if (reconnecting) this.#metrics.reconnectAttempted(false);
      this.#failed(toFailure(error));
    }
  }

  /** Opens a session within the connect timeout, and counts how that went. */
  async #open(): Promise<LegacySession> {
    const abort = new Abort();
    const connectMs = this.config.timeouts.connect_seconds * 1000;
    const deadline = deadlines.add(connectMs, () => {
      abort.abort(this.#http.timeout('did not initialize', connectMs));
    });
    const close = () => abort.abort(new UpstreamFailure('cancelled', 'was removed'));
    this.#closing.addEventListener('abort', close, { once: true });
    const startMs = performance.now();
    try {
      const session = await openSession(this.config, () => this.config.quirks, this.#http, this, abort);
      this.onSeen();
      this.#metrics.initialized(true, (performance.now() - startMs) / 1000);
      return session;
    } catch (error) {
      this.#metrics.initialized(false, (performance.now() - startMs) / 1000);
      throw error;
    } finally {
      deadline.clear();
      this.#closing.removeEventListener('abort', close);
    }
  }

  /** Throws where the session has ended before anyone could use it. */
  #becomeReady(session: LegacySession): void {
    if (session.closedBy) throw session.closedBy;
    this.#session = session;
    this.#gateways = session.gateways;
    this.#state = 'ready';
    this.#everReady = true;
    this.#failures = 0;
    this.#lastFailure = null;
    this.#readySinceMs = performance.now();
    this.#outcome.resolve();
    this.#tools.start(session);
    this.#logger.info('upstream connected', {
      server: this.name,
      transport: session.transportName,
      protocol_version: session.protocolVersion,
      tools: this.toolsCount(),
    });
  }

  /** An attempt to connect came to nothing. */
  #failed(failure: UpstreamFailure): void {
    this.#failures++;
    this.#lastFailure = failure;
    const { max_attempts } = this.config.reconnect;
    if (max_attempts > 0 && this.#failures >= max_attempts) {
      this.#state = 'given_up';
      this.#tools.offer(null);
      this.#logger.error('upstream given up; a reload or restart tries again', {
        server: this.name,
        attempts: this.#failures,
        cause: failure.message,
      });
      this.#outcome.reject(failure);
      return;
    }
    this.#backOff(
      failure.kind === 'auth' || failure.kind === 'loop'
        ? this.config.reconnect.backoff_max_ms
        : backoffMs(this.#failures, this.config.reconnect),
    );
    this.#logger.warn('upstream not connected', {
      server: this.name,
      cause: failure.message,
      retry_seconds: Math.round(this.#backoffMs) / 1000,
    });
  }

  /** The session cannot be used any more, and the upstream is believed to be down. */
  #lost(session: LegacySession, failure: UpstreamFailure): void {
    if (session !== this.#session) return;
    this.#session = null;
    this.#clearTimers();
    void session.retire(closeTimeoutMs);
    if (this.closed) return;
    this.#lastFailure = failure;
    this.#logger.warn('upstream lost', { server: this.name, cause: failure.message });
    // One that had been well for a while is tried at once; one that comes and goes is not chased.
    const stable = performance.now() - this.#readySinceMs > this.config.reconnect.backoff_base_ms;
    if (stable) void this.#attempt();
    else this.#backOff(backoffMs(this.#failures, this.config.reconnect));
  }

  #backOff(ms: number): void {
    this.#state = 'backoff';
    this.#backoffStartMs = performance.now();
    this.#backoffMs = ms;
    this.#retryTimer = setTimeout(() => {
      this.#metrics.backedOff(ms / 1000);
      void this.#attempt();
    }, ms);
  }

  /** Re-initializes a session that the upstream lost: once, for all that noticed. */
  #renew(lost: LegacySession, failure: UpstreamFailure): void {
    if (lost !== this.#session) return;
    this.#metrics.sessionReset(failure.loss ?? 'unknown_session');
    // One that forgets every session at once would be initialized over and over.
    if (!lost.hasAnswered) {
      this.#lost(lost, failure);
      return;
    }
    this.#session = null;
    this.#clearTimers();
    this.#logger.info('upstream session lost; initializing anew', {
      server: this.name,
      cause: failure.message,
    });
    // Its streams must go, when the calls that still run on them are done; there is no session to terminate.
    void lost.retire(closeTimeoutMs, false);
    if (this.closed) return;
    this.#state = 'connecting';
    this.#renewal = this.#reopen().finally(() => {
      this.#renewal = null;
    });
  }

  async #reopen(): Promise<void> {
    try {
      const session = await this.#open();
      if (this.closed) return void session.retire(closeTimeoutMs);
      this.#becomeReady(session);
      void this.#tools.refresh(session);
    } catch (error) {
      if (!this.closed) this.#failed(toFailure(error));
    }
  }

  /** Something went wrong that may mean a dead upstream or a lost session: finds out. */
  async #check(session: LegacySession): Promise<void> {
    if (session === this.#checking || session !== this.#session) return;
    this.#checking = session;
    try {
      await session.ping(this.config.timeouts.connect_seconds * 1000, this.#closing);
      this.#metrics.healthChecked(true);
    } catch (error) {
      this.#checked(session, toFailure(error));
    } finally {
      if (session === this.#checking) this.#checking = null;
    }
  }

  /** A health check has found out how the session is. */
  #checked(session: LegacySession, failure: UpstreamFailure | null): void {
    // It was not even asked.
    if (failure?.kind === 'busy') return;
    this.#metrics.healthChecked(failure === null);
    if (session !== this.#session) return;
    if (failure === null || failure.kind === 'returned_error') this.#lastFailure = failure;
    else if (failure.kind === 'session_lost') this.#renew(session, failure);
    else this.#lost(session, failure);
  }

  #clearTimers(): void {
    this.#tools.stop();
    if (this.#retryTimer) clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
  }
}

function requestTimeoutMs({ server }: UpstreamConfig): number {
  return server.timeouts.request_seconds * 1000;
}

function describeState(state: ConnectionState, failure: UpstreamFailure | null): string {
  const cause = failure === null ? '' : `: ${failure.message}`;
  switch (state) {
    case 'given_up':
      return `given up${cause}`;
    case 'closed':
      return 'was removed';
    default:
      return `not connected${cause}`;
  }
}
