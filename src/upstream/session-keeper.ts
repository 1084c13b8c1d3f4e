import type { ServerConfig } from '../config/schema.ts';
import type { Logger } from '../observability/log.ts';
import type { UpstreamMetrics } from '../observability/upstream-metrics.ts';
import { allKinds, type Kind } from '../protocol/kinds.ts';
import { MessageLog } from '../protocol/message-log.ts';
import type { Era } from '../protocol/versions.ts';
import type { Signal } from '../runtime/abort.ts';
import { type Deadlines, deadlines as processDeadlines, settledOrAborted } from '../runtime/deadlines.ts';
import { CatalogWatch } from './catalog-watch.ts';
import { connect } from './connect.ts';
import { cancelled, toFailure, UpstreamFailure } from './failure.ts';
import { type Items, noItems } from './items/item-list.ts';
import { Keeper, type KeeperContext, type Loss } from './keeper.ts';
import { ReconnectPolicy } from './reconnect-policy.ts';
import { ReconnectWait } from './reconnect-wait.ts';
import type { ProcessStatus, SessionEvents, SessionSource, UpstreamSession } from './session.ts';
import { SubscribedResources } from './subscribed-resources.ts';
import { UpstreamLog } from './upstream-log.ts';

/** The shortest time between attempts that calls and reloads start during a backoff. */
const minAttemptIntervalMs = 1_000;
/** `closed` is final, `given_up` lasts until `revive`. */
type KeeperState = 'connecting' | 'ready' | 'backoff' | 'given_up' | 'closed';

/** What a session keeper needs of its owner. */
interface KeeperEvents
  extends Pick<SessionEvents, 'instance' | 'quote' | 'onQuestionRefused' | 'onTaskStatus'> {
  /** A resource to which the session subscribes has changed. */
  onResourceUpdated(uri: string, paramsText: string): void;
  /** The items that the upstream offers now; none once it is given up. */
  onItems(items: Items): void;
}

interface KeeperParts {
  readonly config: ServerConfig;
  readonly source: SessionSource;
  readonly logger: Logger;
  readonly metrics: UpstreamMetrics;
  readonly events: KeeperEvents;
  /** By default those of the process; tests inject their own, with their own clock. */
  readonly deadlines?: Deadlines;
}

/** The state of an upstream, for /health. */
export interface KeeperStatus {
  readonly state: KeeperState | 'starting';
  readonly era: Era | null;
  /** The transport in use; null: none. */
  readonly transport: string | null;
  readonly protocolVersion: string | null;
  readonly lastSeenMs: number | null;
  readonly reconnects: number;
  readonly lastError: string | null;
  /** The log messages that belonged to no single call. */
  readonly logsDropped: number;
  /** Milliseconds until the next attempt; null: none is due. */
  readonly nextRetryMs: number | null;
  readonly process: ProcessStatus | null;
}

/**
 * Keeps one session with an upstream: opens it, and replaces it when it is lost. Calls use the session, wait while one is
 * opened, and fail at once during a backoff, unless they start an early attempt.
 */
export class SessionKeeper extends Keeper {
  /** Taken up again in each session that replaces another. */
  readonly subscriptions = new SubscribedResources({
    session: () => this.session,
    usableSession: (signal) => this.usableSession(signal),
    judge: (session, failure) => this.judge(session, failure),
    timeoutMs: () => this.requestTimeoutMs,
    onUpdated: (uri) => this.#parts.events.onResourceUpdated(uri, JSON.stringify({ uri })),
  });
  readonly client = null;
  override readonly wantsChanges = true;
  readonly #parts: KeeperParts;
  readonly #deadlines: Deadlines;
  readonly #log: UpstreamLog;
  readonly #watch: CatalogWatch;
  readonly #policy = new ReconnectPolicy();
  readonly #wait: ReconnectWait;
  readonly #firstReady = Promise.withResolvers<void>();
  #config: ServerConfig;
  /** Cached, because every call needs it. */
  #requestTimeoutMs: number;

  #state: KeeperState = 'connecting';
  /** The attempt that calls wait for. */
  #attempt: Promise<void> | null = null;
  #attemptMs = Number.NEGATIVE_INFINITY;
  /** Whether that attempt is due; if not, its failure does not count. */
  #isDue = true;
  /** Whether that attempt replaces a session that the upstream has forgotten, so that no connection was lost. */
  #isRenewal = false;
  /** Whether an attempt follows at once if the one under way fails. */
  #isAgainWanted = false;
  #wasReady = false;
  #reconnects = 0;
  #lastFailure: UpstreamFailure | null = null;
  #lastSeenMs: number | null = null;
  #gateways: readonly string[] = [];
  #instructions: string | null = null;
  #logsDropped = 0;

  constructor(parts: KeeperParts) {
    const { config, logger, metrics, events, deadlines = processDeadlines } = parts;
    const { clock } = deadlines;
    const server = config.name;
    const log = new UpstreamLog(logger, server, clock);
    super({
      config: () => this.#config,
      source: parts.source,
      metrics,
      deadlines,
      messages: logger.isTrace ? new MessageLog(logger, { server }) : null,
      instance: events.instance,
      quote: (text) => events.quote(text),
      onSeen: () => (this.#lastSeenMs = Date.now()),
      onLogDropped: () => {
        this.#logsDropped++;
        log.oddity('it sends log messages that belong to no call, which are dropped');
      },
      onQuestionRefused: (method) => events.onQuestionRefused(method),
      onTaskStatus: (params) => events.onTaskStatus(params),
      onOddity: (what) => log.oddity(what),
    });
    this.#parts = parts;
    this.#config = config;
    this.#requestTimeoutMs = config.timeouts.request_seconds * 1000;
    this.#deadlines = deadlines;
    this.#log = log;
    this.#wait = new ReconnectWait(clock);
    this.#watch = new CatalogWatch({
      config: () => this.#config,
      metrics,
      closing: this.closing,
      clock,
      onItems: (items) => events.onItems(items),
      onRefreshed: (session, failure) => this.#refreshed(session, failure),
    });
    this.#firstReady.promise.catch(() => {});
  }

  /** For other keepers of the same upstream. */
  get sharedContext(): KeeperContext {
    return this.context;
  }
  get state(): KeeperState {
    return this.#state;
  }
  override get requestTimeoutMs(): number {
    return this.#requestTimeoutMs;
  }
  /** The ids of the gateways that the last session led to. */
  get gateways(): readonly string[] {
    return this.#gateways;
  }
  /** The instructions of the last session; empty once the upstream is given up, null before the first session. */
  get instructions(): string | null {
    return this.#instructions;
  }
  get lastSeenMs(): number | null {
    return this.#lastSeenMs;
  }
  /** The current wait between two attempts to connect, or 0. */
  get backoffMs(): number {
    return this.#state === 'backoff' ? this.#wait.ms : 0;
  }
  /** Knows when the items were last listed, and when they will be. */
  get watch(): CatalogWatch {
    return this.#watch;
  }

  status(): KeeperStatus {
    const process = this.#parts.source.process();
    return {
      state: process && this.#state === 'connecting' ? 'starting' : this.#state,
      era: this.session?.era ?? null,
      process,
      transport: this.session?.transportName ?? null,
      protocolVersion: this.session?.protocolVersion ?? null,
      lastSeenMs: this.#lastSeenMs,
      reconnects: this.#reconnects,
      logsDropped: this.#logsDropped,
      lastError: this.#lastFailure?.message ?? null,
      nextRetryMs: this.#state === 'backoff' ? this.#wait.leftMs : null,
    };
  }

  /** Connects in the background. May be called again. */
  start(): void {
    if (this.#state === 'connecting') this.#connect(true);
  }

  /** Resolves once a session has been ready. Rejects when the upstream is given up or the keeper is closed before. */
  firstReady(): Promise<void> {
    return this.#firstReady.promise;
  }

  /** Applies settings that need no new session. */
  update(config: ServerConfig): void {
    this.#config = config;
    this.#requestTimeoutMs = config.timeouts.request_seconds * 1000;
    this.#parts.source.settingsChanged();
    // The wait in progress may be far longer than the new settings allow.
    if (this.session) this.#watch.changed(this.session, allKinds);
  }

  /** Connects again if the upstream was given up, and sooner if it is in backoff. */
  revive(): void {
    if (this.#state === 'given_up') {
      this.#policy.reset();
      this.#connect(true);
    } else if (this.#state === 'backoff') {
      const waitMs = this.#attemptMs + minAttemptIntervalMs - this.#deadlines.clock.nowMs();
      if (waitMs <= 0) this.#connect(false);
      else if (waitMs < (this.#wait.leftMs ?? 0)) this.#backOff(waitMs);
    }
  }

  /** Gives up the session, if there is one, and connects again at once, whatever failed before. */
  reconnect(failure: UpstreamFailure): void {
    if (this.#state === 'closed') return;
    // An attempt that is under way may fail with the end of its process.
    this.#isAgainWanted = this.#attempt !== null;
    this.#policy.reset();
    this.drop(failure);
    this.context.metrics.backedOff(this.#wait.stop() / 1000);
    this.#connect(true);
  }

  override async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#watch.stop();
    this.#wait.stop();
    this.#firstReady.reject(new UpstreamFailure('refused', 'was removed'));
    await super.close();
    this.#parts.source.close();
  }

  override onItemsChanged(session: UpstreamSession, changed: readonly Kind[]): void {
    this.#watch.changed(session, changed);
  }
  override onItemFaults(kind: Kind, faults: string | null): void {
    this.#log.itemFaults(kind, faults);
  }
  override onResourceUpdated(session: UpstreamSession, uri: string, paramsText: string): void {
    if (session === this.session) this.#parts.events.onResourceUpdated(uri, paramsText);
  }
  async usableSession(signal: Signal): Promise<UpstreamSession> {
    if (this.session === null) {
      const isEarly = this.#deadlines.clock.nowMs() - this.#attemptMs < minAttemptIntervalMs;
      if (this.#state === 'connecting') this.start();
      else if (this.#state === 'backoff' && !isEarly) this.#connect(false);
      if (this.#attempt)
        await settledOrAborted(this.#attempt, signal, this.#requestTimeoutMs, this.#deadlines);
    }
    if (signal.aborted) throw cancelled();
    if (this.session) return this.session;
    const kind = this.#lastFailure?.kind === 'auth' ? 'auth' : 'refused';
    throw new UpstreamFailure(kind, this.#describeState());
  }

  /** Why there is no session, and when the next attempt starts. */
  #describeState(): string {
    const cause = this.#lastFailure === null ? '' : `: ${this.#lastFailure.message}`;
    if (this.#state === 'closed') return 'was removed';
    if (this.#state === 'given_up') return `given up${cause}`;
    if (this.#state === 'connecting') return `not connected yet${cause}; an attempt is under way`;
    const seconds = Math.max(1, Math.ceil((this.#wait.leftMs ?? 0) / 1000));
    return `not connected${cause}; next attempt in ${seconds} s`;
  }

  /** Starts an attempt to connect, unless one is under way. */
  #connect(isDue: boolean): void {
    if (this.#attempt) {
      this.#isDue ||= isDue;
      return;
    }
    this.#state = 'connecting';
    this.#isDue = isDue;
    this.#attemptMs = this.#deadlines.clock.nowMs();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#attempt = promise;
    void this.#runAttempt(resolve).finally(() => {
      this.#attempt = null;
      resolve();
      if (this.#isAgainWanted) this.#connectAgain();
    });
  }

  #connectAgain(): void {
    this.#isAgainWanted = false;
    if (this.#state !== 'backoff' && this.#state !== 'given_up') return;
    this.#policy.reset();
    this.#wait.stop();
    this.#connect(true);
  }

  /** @param releaseCalls ends the wait of the calls that wait for the attempt */
  async #runAttempt(releaseCalls: () => void): Promise<void> {
    const { metrics } = this.context;
    const isReconnect = !this.#isRenewal && (this.#wasReady || this.#policy.hasFailed);
    try {
      const parts = { ...this.context, events: this, closing: this.closing };
      const session = await connect(parts, (opened) => this.#watch.fetch(opened), releaseCalls);
      if (isReconnect) metrics.reconnectAttempted(true);
      if (isReconnect && this.#wasReady) {
        this.#reconnects++;
        metrics.reconnected();
      }
      this.#becomeReady(session);
    } catch (error) {
      if (this.#state === 'closed') return;
      if (isReconnect) metrics.reconnectAttempted(false);
      this.#attemptFailed(toFailure(error));
    }
  }

  #becomeReady(session: UpstreamSession): void {
    const { metrics } = this.#parts;
    this.use(session);
    if (this.closing.aborted) return;
    metrics.backedOff(this.#wait.stop() / 1000);
    this.#gateways = session.gateways;
    this.#instructions = session.instructions;
    this.#state = 'ready';
    this.#wasReady = true;
    this.#isRenewal = false;
    this.#policy.reset();
    this.#lastFailure = null;
    this.#firstReady.resolve();
    this.#watch.start(session);
    void this.subscriptions.takeUp(session);
    this.#log.connected({
      transport: session.transportName,
      protocol_version: session.protocolVersion,
      tools: this.#watch.items.tools.length,
    });
  }

  /** The items were fetched again, or that failed: this is a health check, too. */
  #refreshed(session: UpstreamSession, failure: UpstreamFailure | null): void {
    if (failure === null) this.#parts.metrics.healthChecked(true);
    if (session !== this.session || failure?.saysNothing) return;
    this.#lastFailure = failure;
    if (failure) void this.judge(session, failure);
    else if (session.era === 'legacy') void this.#seekNewEra(session);
  }

  /** A server that was upgraded goes on to serve its old sessions. */
  async #seekNewEra(session: UpstreamSession): Promise<void> {
    if (await this.#parts.source.hasNewEra(this, this.closing))
      this.onClosed(session, new UpstreamFailure('protocol', 'speaks a newer protocol revision by now'));
  }

  #attemptFailed(failure: UpstreamFailure): void {
    this.#lastFailure = failure;
    this.#isRenewal = false;
    if (!this.#isDue) {
      this.#state = 'backoff';
      this.#log.failed(failure.message, this.#wait.leftMs ?? 0);
      return;
    }
    const waitMs = this.#policy.afterFailure(failure, this.#config.reconnect);
    if (waitMs === null) {
      this.#state = 'given_up';
      this.#instructions = '';
      this.#watch.offer(noItems);
      this.#log.givenUp(failure.message);
      this.#firstReady.reject(failure);
      return;
    }
    this.#backOff(waitMs);
    this.#log.failed(failure.message, waitMs);
  }

  /** Replaces a lost session. */
  protected onLost({ session, failure, lastedMs, isDown }: Loss): void {
    this.#watch.stop();
    const waitMs = this.#policy.afterLoss(session, lastedMs, failure, this.#config);
    this.#isRenewal = !isDown && waitMs === null;
    this.#lastFailure = failure;
    if (this.#isRenewal) this.#log.renewing(failure.message);
    else this.#log.lost(failure.message);
    if (waitMs === null) this.#connect(true);
    else this.#backOff(waitMs);
  }

  #backOff(ms: number): void {
    this.#state = 'backoff';
    this.#wait.start(ms, () => {
      this.#parts.metrics.backedOff(ms / 1000);
      this.#connect(true);
    });
  }
}
