import type { ServerConfig } from '../config/schema.ts';
import type { HttpClient } from '../http-client/client.ts';
import type { Logger } from '../observability/log.ts';
import type { UpstreamMetrics } from '../observability/upstream-metrics.ts';
import { MessageLog } from '../protocol/message-log.ts';
import { Abort, type Signal } from '../runtime/abort.ts';
import { settledOrAborted } from '../runtime/deadlines.ts';
import { backoffMs } from './backoff.ts';
import { CatalogWatch } from './catalog-watch.ts';
import { type ConnectParts, connect } from './connect.ts';
import { Denials } from './denials.ts';
import { httpClientOf, type UpstreamConfig } from './detect.ts';
import { cancelled, toFailure, UpstreamFailure } from './failure.ts';
import type { Item } from './items/item-list.ts';
import type { LegacySession, SessionEvents } from './legacy/session.ts';
import { ReconnectWait } from './reconnect-wait.ts';
import type { RetryOwner } from './retry.ts';
import { checkTimeoutMs, SessionCheck } from './session-check.ts';
import { UpstreamLog } from './upstream-log.ts';

/** How long an upstream may take to terminate a session. */
const closeTimeoutMs = 2_000;
/** How often calls and reloads may have an upstream in backoff tried before its time. */
const minAttemptIntervalMs = 1_000;
/** Where a connection stands. `closed` is final, and `given_up` until `revive`. */
type KeeperState = 'connecting' | 'ready' | 'backoff' | 'given_up' | 'closed';

/** What a connection tells its owner, and what it asks of it. */
interface KeeperEvents {
  /** The id by which this gateway recognizes itself. */
  readonly instance: string;
  /** Words of the upstream in a form that may be shown: short, on one line, without secrets. */
  quote(text: string): string;
  /** The items that the upstream offers now; none once it is given up. */
  onItems(items: readonly Item[]): void;
}

/** A connection for /health. */
export interface KeeperStatus {
  readonly state: KeeperState;
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
 * Keeps one upstream connected: a single session, replaced when it is lost, its tools fetched when they change. Calls
 * are answered while the session lives, wait while another one is opened, and fail at once while the upstream is down;
 * but one that is down is tried again for them, if that was not done a moment ago.
 */
export class SessionKeeper implements RetryOwner, SessionEvents {
  readonly name: string;
  #config: UpstreamConfig;
  #requestTimeoutMs: number;
  readonly messages: MessageLog | null;
  readonly #log: UpstreamLog;
  readonly #metrics: UpstreamMetrics;
  readonly #events: KeeperEvents;
  readonly #http: HttpClient;
  readonly #tools: CatalogWatch;
  readonly #closing = new Abort();
  readonly #parts: ConnectParts;

  #state: KeeperState = 'connecting';
  #session: LegacySession | null = null;
  /** Of that session. */
  #check: SessionCheck | null = null;
  /** What calls wait for while an attempt to connect is under way. */
  #connecting: Promise<void> | null = null;
  #attemptMs = Number.NEGATIVE_INFINITY;
  /** Whether that attempt was due, or is made before its time. */
  #isDue = true;
  /** Whether it replaces a session that the upstream has forgotten: no connection was lost then. */
  #isRenewal = false;
  #everReady = false;
  /** Attempts in a row that failed; those before their time do not count. */
  #failures = 0;
  /** Sessions in a row that were lost before they were of any use. */
  #uselessSessions = 0;
  #reconnects = 0;
  #lastFailure: UpstreamFailure | null = null;
  #lastSeenMs: number | null = null;
  #gateways: readonly string[] = [];
  #readySinceMs = 0;

  readonly #denials = new Denials();
  readonly #retry = new ReconnectWait();

  readonly #outcome = Promise.withResolvers<void>();

  constructor(config: UpstreamConfig, logger: Logger, metrics: UpstreamMetrics, events: KeeperEvents) {
    this.name = config.server.name;
    this.#config = config;
    this.#requestTimeoutMs = requestTimeoutMs(config);
    this.messages = logger.isTrace ? new MessageLog(logger, { server: this.name }) : null;
    this.#log = new UpstreamLog(logger, this.name);
    this.#metrics = metrics;
    this.#events = events;
    this.#http = httpClientOf(
      config,
      () => this.config,
      this.#metrics,
      (text) => this.quote(text),
    );
    this.#tools = new CatalogWatch({
      config: () => this.config,
      metrics: this.#metrics,
      closing: this.#closing,
      onItems: (items) => this.#events.onItems(items),
      onRefreshed: (session, failure) => this.#refreshed(session, failure),
    });
    this.#parts = {
      config: () => this.config,
      http: this.#http,
      metrics: this.#metrics,
      tools: this.#tools,
      events: this,
      closing: this.#closing,
    };
    this.#outcome.promise.catch(() => {});
  }

  get config(): ServerConfig {
    return this.#config.server;
  }

  /** Connects in the background, and goes on trying; does nothing where that was begun, or it was closed before. */
  start(): void {
    if (this.#state === 'connecting') this.#attempt(true);
  }

  /** Resolves once the upstream has been ready; rejects when it is given up or closed before. */
  firstReady(): Promise<void> {
    return this.#outcome.promise;
  }

  status(): KeeperStatus {
    return {
      state: this.#state,
      transport: this.#session?.transportName ?? null,
      protocolVersion: this.#session?.protocolVersion ?? null,
      lastSeenMs: this.#lastSeenMs,
      reconnects: this.#reconnects,
      lastError: this.#lastFailure?.message ?? null,
      nextRetryMs: this.#state === 'backoff' ? this.#retry.leftMs : null,
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

  get state(): KeeperState {
    return this.#state;
  }
  get lastSeenMs(): number | null {
    return this.#lastSeenMs;
  }
  /** The current wait between two attempts to connect, or 0. */
  get backoffMs(): number {
    return this.#state === 'backoff' ? this.#retry.ms : 0;
  }
  /** When the items were last listed, in milliseconds since the epoch; null before the first time. */
  get listedMs(): number | null {
    return this.#tools.refreshedMs;
  }

  /** Takes over changes that need no new connection. */
  update(config: UpstreamConfig): void {
    this.#config = config;
    this.#requestTimeoutMs = requestTimeoutMs(config);
    this.#http.headersChanged();
    // The wait that runs may be far longer than the new settings want.
    if (this.#session) this.#tools.changed(this.#session);
  }

  /** Tries again where it was given up, and before its time where it waits. */
  revive(): void {
    if (this.#state === 'given_up') {
      this.#failures = 0;
      this.#attempt(true);
    } else if (this.#state === 'backoff') {
      const waitMs = this.#attemptMs + minAttemptIntervalMs - performance.now();
      if (waitMs <= 0) this.#attempt(false);
      else if (waitMs < (this.#retry.leftMs ?? 0)) this.#backOff(waitMs);
    }
  }

  /** Ends the connection: at once for new calls, and when the running ones are done for those. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#closing.abort();
    this.#tools.stop();
    this.#check?.end();
    this.#retry.stop();
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
    this.#log.toolFaults(faults);
  }
  onOddity(what: string): void {
    this.#log.odd(what);
  }
  onClosed(session: LegacySession, error: Error): void {
    const failure = toFailure(error);
    this.#replace(session, failure, failure);
  }
  onSuspect(session: LegacySession): void {
    void this.failedOn(session, new UpstreamFailure('broken', 'its event stream broke'));
  }

  /**
   * Something has failed in that session: resolves to whether the session is lost, once that is known. Does not reject.
   * Whatever failed, the session is asked: no list of codes and words would hold all that servers say of a lost one.
   */
  failedOn(session: LegacySession, failure: UpstreamFailure): Promise<boolean> {
    if (failure.saysNothing) return Promise.resolve(false);
    if (session !== this.#session || this.#check === null) return Promise.resolve(true);
    const verdict = this.#check.suspect(failure);
    return failure.loss === undefined
      ? verdict
      : verdict.then((isLost) => isLost || this.#denied(session, failure));
  }

  /**
   * A failure denies that there is this session, which passed its check. Returns false even if that is believed: the
   * call may have been executed.
   */
  #denied(session: LegacySession, failure: UpstreamFailure): boolean {
    if (session === this.#session && this.#denials.believed(session))
      this.#replace(session, failure, failure);
    return false;
  }

  /**
   * The live session. Waits for one that is being opened, at most as long as a connection may take to come about, or a
   * call, but not for a client that does not.
   */
  async usableSession(signal: Signal): Promise<LegacySession> {
    if (this.#session === null) {
      const isEarly = performance.now() - this.#attemptMs < minAttemptIntervalMs;
      if (this.#state === 'connecting') this.start();
      else if (this.#state === 'backoff' && !isEarly) this.#attempt(false);
      if (this.#connecting) await settledOrAborted(this.#connecting, signal, this.#requestTimeoutMs);
    }
    if (signal.aborted) throw cancelled();
    if (this.#session !== null) return this.#session;
    const kind = this.#lastFailure?.kind === 'auth' ? 'auth' : 'refused';
    throw new UpstreamFailure(kind, this.#describe());
  }

  /** What to tell a call while there is no session. */
  #describe(): string {
    const cause = this.#lastFailure === null ? '' : `: ${this.#lastFailure.message}`;
    const { leftMs } = this.#retry;
    if (this.#state === 'closed') return 'was removed';
    if (this.#state === 'given_up') return `given up${cause}`;
    if (this.#state === 'connecting') return `not connected yet${cause}; an attempt is under way`;
    return `not connected${cause}; next attempt in ${Math.max(1, Math.ceil((leftMs ?? 0) / 1000))} s`;
  }

  /**
   * Tries to connect, unless that is under way.
   * @param isDue whether it is time for it; if not, its failure changes nothing
   */
  #attempt(isDue: boolean): void {
    if (this.#connecting) {
      this.#isDue ||= isDue;
      return;
    }
    this.#state = 'connecting';
    this.#isDue = isDue;
    this.#attemptMs = performance.now();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#connecting = promise;
    void this.#connect(resolve).finally(() => {
      this.#connecting = null;
      resolve();
    });
  }

  /** @param letGo lets go the calls that wait, when they have waited long enough */
  async #connect(letGo: () => void): Promise<void> {
    const counts = !this.#isRenewal && (this.#everReady || this.#failures > 0);
    try {
      const session = await connect(this.#parts, letGo);
      if (counts) this.#metrics.reconnectAttempted(true);
      if (counts && this.#everReady) {
        this.#reconnects++;
        this.#metrics.reconnected();
      }
      this.#becomeReady(session);
    } catch (error) {
      if (this.#state === 'closed') return;
      if (counts) this.#metrics.reconnectAttempted(false);
      this.#failed(toFailure(error));
    }
  }

  #becomeReady(session: LegacySession): void {
    this.#metrics.backedOff(this.#retry.stop() / 1000);
    this.#session = session;
    this.#check = this.#checkOf(session);
    this.#gateways = session.gateways;
    this.#state = 'ready';
    this.#everReady = true;
    this.#isRenewal = false;
    this.#failures = 0;
    this.#lastFailure = null;
    this.#readySinceMs = performance.now();
    this.#outcome.resolve();
    this.#tools.start(session);
    this.#log.connected({
      transport: session.transportName,
      protocol_version: session.protocolVersion,
      tools: this.#tools.count,
    });
  }

  #checkOf(session: LegacySession): SessionCheck {
    return new SessionCheck({
      ask: () => session.check(checkTimeoutMs(this.config.timeouts), this.#closing),
      onPassed: () => this.#metrics.healthChecked(true),
      onFailed: (failure, suspicion) => {
        this.#metrics.healthChecked(false);
        this.#replace(session, failure, suspicion);
      },
    });
  }

  /** The list of tools was fetched anew, or could not be: a check that comes by itself. */
  #refreshed(session: LegacySession, failure: UpstreamFailure | null): void {
    if (failure === null) this.#metrics.healthChecked(true);
    if (session !== this.#session || failure?.saysNothing) return;
    this.#lastFailure = failure;
    if (failure) void this.failedOn(session, failure);
  }

  /** An attempt to connect came to nothing. */
  #failed(failure: UpstreamFailure): void {
    this.#lastFailure = failure;
    this.#isRenewal = false;
    if (!this.#isDue) {
      this.#state = 'backoff';
      this.#log.failed(failure.message, this.#retry.leftMs ?? 0);
      return;
    }
    // What the gateway lacks says nothing about the upstream.
    if (!failure.isOwnLack) this.#failures++;
    const { max_attempts, backoff_max_ms } = this.config.reconnect;
    if (max_attempts > 0 && this.#failures >= max_attempts) {
      this.#state = 'given_up';
      this.#tools.offer([]);
      this.#log.givenUp(failure.message);
      this.#outcome.reject(failure);
      return;
    }
    const isSettled = failure.kind === 'auth' || failure.kind === 'loop';
    this.#backOff(isSettled ? backoff_max_ms : backoffMs(this.#failures, this.config.reconnect));
    this.#log.failed(failure.message, this.#retry.ms);
  }

  /**
   * The session cannot be used any more: another one takes its place, at once unless that would go on and on.
   * @param suspicion what had it checked
   */
  #replace(session: LegacySession, failure: UpstreamFailure, suspicion: UpstreamFailure): void {
    if (session !== this.#session) return;
    this.#session = null;
    this.#check?.end();
    this.#check = null;
    this.#tools.stop();
    // When its running calls are done. There is nothing to terminate where the upstream does not know it.
    void session.retire(closeTimeoutMs, failure.loss === undefined);
    if (this.#state === 'closed') return;
    const isDown = failure.loss === undefined && ['refused', 'broken', 'timeout'].includes(failure.kind);
    if (!isDown) this.#metrics.sessionReset(failure.loss ?? suspicion.loss ?? 'unknown_session');
    const hasLasted = performance.now() - this.#readySinceMs > this.config.reconnect.backoff_base_ms;
    this.#uselessSessions = hasLasted || session.hasServed ? 0 : this.#uselessSessions + 1;
    const isGone = session.closedBy !== null || failure.kind === 'refused';
    const atOnce = hasLasted || (!isGone && this.#uselessSessions <= 1);
    this.#isRenewal = !isDown && atOnce;
    this.#lastFailure = failure;
    if (this.#isRenewal) this.#log.renewing(failure.message);
    else this.#log.lost(failure.message);
    if (atOnce) this.#attempt(true);
    else this.#backOff(backoffMs(this.#uselessSessions, this.config.reconnect));
  }

  #backOff(ms: number): void {
    this.#state = 'backoff';
    this.#retry.start(ms, () => {
      this.#metrics.backedOff(ms / 1000);
      this.#attempt(true);
    });
  }
}

function requestTimeoutMs({ server }: UpstreamConfig): number {
  return server.timeouts.request_seconds * 1000;
}
