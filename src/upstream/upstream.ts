import type { ServerConfig } from '../config/schema.ts';
import { type MemberEdit, ObjectText } from '../json/object.ts';
import type { Logger } from '../observability/log.ts';
import type { UpstreamMetrics, UpstreamState } from '../observability/upstream-metrics.ts';
import type { Caller } from '../protocol/caller.ts';
import type { Kind } from '../protocol/kinds.ts';
import type { ResponseMessage } from '../protocol/messages.ts';
import type { QuestionMethod } from '../protocol/questions.ts';
import type { Era } from '../protocol/versions.ts';
import type { Signal } from '../runtime/abort.ts';
import type { Completion } from '../runtime/completion.ts';
import { ClientSessions } from './client-sessions.ts';
import type { UpstreamConfig } from './detect.ts';
import { UpstreamFailure } from './failure.ts';
import { type Item, type Items, noItems } from './items/item-list.ts';
import type { Keeper } from './keeper.ts';
import { OnDemandKeeper } from './on-demand-keeper.ts';
import type { UpstreamCall } from './pending-request.ts';
import { RetryableCall } from './retry.ts';
import type { SessionSource, UpstreamSession } from './session.ts';
import { type KeeperStatus, SessionKeeper } from './session-keeper.ts';
import { sessionSource } from './source.ts';
import type { EraVerdicts } from './stdio/era-verdicts.ts';
import { TracedCall } from './traced-call.ts';

/** How long legacy clients wait for a session of their own era while another one could serve them. */
const maxLegacyOpenMs = 10_000;

const noCapabilities = new ObjectText('{}');

/** What upstreams need of their owner. */
export interface UpstreamEvents {
  /** The id of this gateway, which an upstream that leads back to it reports. */
  readonly instance: string;
  /** How long the session of a client may be idle before it ends. */
  readonly sessionIdleTtlMs: number;
  /** The directory for what outlives the process; null: there is none. */
  readonly stateDirectory: string | null;
  readonly verdicts: EraVerdicts;
  /** Makes words of an upstream fit to be shown: short, on one line, without secrets. */
  quote(text: string): string;
  /** The items of `upstream` have changed. */
  onItems(upstream: Upstream): void;
  /** A resource to which the gateway subscribes has changed. */
  onResourceUpdated(upstream: Upstream, uri: string, paramsText: string): void;
  /** A question of an upstream found no client, and was refused. */
  onQuestionRefused(method: QuestionMethod): void;
  /** A task of `upstream` has changed. @param params of the notification */
  onTaskStatus(upstream: Upstream, params: ObjectText): void;
}

/**
 * A configured server: its items, and the sessions in which its calls run. One session serves all clients and has the lists. With
 * `isolation: session`, each client has another one for its calls; without, one more serves the legacy clients of a server that
 * speaks both eras.
 */
export class Upstream implements UpstreamState {
  readonly name: string;
  readonly metrics: UpstreamMetrics;
  readonly #source: SessionSource;
  readonly #keeper: SessionKeeper;
  /** Null without isolation. */
  readonly #clients: ClientSessions | null;
  /** For legacy clients while the shared session is modern. Opened on first need. */
  readonly #legacy: OnDemandKeeper;
  #config: ServerConfig;
  #items: Items;
  /** The instructions of the predecessor. */
  readonly #formerInstructions: string;
  /** The shared session whose server has opened no legacy one. */
  #modernOnly: UpstreamSession | null = null;
  #judgedSession: UpstreamSession | null = null;
  #hasPlainTools = false;

  /** @param predecessor the upstream that this one replaces, whose items and instructions it offers until it has its own */
  constructor(
    config: UpstreamConfig,
    logger: Logger,
    metrics: (state: UpstreamState) => UpstreamMetrics,
    events: UpstreamEvents,
    predecessor?: Upstream,
  ) {
    this.name = config.server.name;
    this.#items = predecessor === undefined ? noItems : predecessor.#items;
    this.#formerInstructions = predecessor?.instructions ?? '';
    this.metrics = metrics(this);
    const quote = (text: string) => events.quote(text);
    this.#config = config.server;
    this.#source = sessionSource(config, {
      current: () => this.#config,
      bytes: this.metrics.counts.bytes,
      logger,
      stateDirectory: events.stateDirectory,
      verdicts: events.verdicts,
      quote,
      onStart: (isRestart) => this.metrics.processStarted(isRestart),
    });
    this.#keeper = new SessionKeeper({
      config: config.server,
      source: this.#source,
      logger,
      metrics: this.metrics,
      events: {
        instance: events.instance,
        quote,
        onItems: (items) => this.#offer(items, events),
        onResourceUpdated: (uri, paramsText) => events.onResourceUpdated(this, uri, paramsText),
        onQuestionRefused: (method) => events.onQuestionRefused(method),
        onTaskStatus: (params) => events.onTaskStatus(this, params),
      },
    });
    const context = this.#keeper.sharedContext;
    const reachable = (signal: Signal) => this.#keeper.usableSession(signal);
    const refused = (isModernEnough: boolean) => () => {
      this.#modernOnly = this.#keeper.session;
      return isModernEnough;
    };
    // The shared session, which is modern, serves legacy clients, too.
    this.#legacy = new OnDemandKeeper(
      {
        context,
        reachable,
        isLegacyWanted: () => true,
        maxLegacyMs: maxLegacyOpenMs,
        onLegacyRefused: refused(false),
      },
      null,
    );
    this.#clients =
      config.server.isolation === 'shared'
        ? null
        : new ClientSessions({
            context,
            reachable,
            // A server that speaks both keeps state for its client in this one.
            isLegacyWanted: () => this.#mayOpenLegacy(),
            // Many may wait for their turn to start a process.
            maxLegacyMs: Number.POSITIVE_INFINITY,
            onLegacyRefused: refused(true),
            max: () => this.#config.isolation_max,
            idleTtlMs: events.sessionIdleTtlMs,
          });
  }

  get config(): ServerConfig {
    return this.#config;
  }
  get isConnected(): boolean {
    return this.#keeper.state === 'ready';
  }
  /** Whether its first attempt to connect is under way. */
  get isStarting(): boolean {
    return this.#keeper.state === 'connecting' && this.status().lastError === null;
  }
  /** The ids of the gateways that it led to when it was last connected. */
  get gateways(): readonly string[] {
    return this.#keeper.gateways;
  }

  /** The items that it last listed, of one kind; none after it was given up. */
  items(kind: Kind): readonly Item[] {
    return this.#items[kind];
  }

  /** The time for which its items may be taken as they are, in milliseconds: until they are listed again, or may be. */
  get freshForMs(): number {
    const { state, watch } = this.#keeper;
    if (state === 'given_up') return Number.POSITIVE_INFINITY;
    return state === 'backoff' ? (this.status().nextRetryMs ?? 0) : watch.nextInMs;
  }

  status(): KeeperStatus {
    return this.#keeper.status();
  }

  /** Connects in the background. May be called again. */
  start(): void {
    this.#keeper.start();
  }

  /** Resolves once it has been ready. Rejects when it is given up or closed before. */
  firstReady(): Promise<void> {
    return this.#keeper.firstReady();
  }

  /** The server's instructions, which last as long as its items: while it is down, clients see both. */
  get instructions(): string {
    return this.#keeper.instructions ?? this.#formerInstructions;
  }

  /** The server's capabilities; none while it is not connected. */
  get capabilities(): ObjectText {
    return this.#keeper.session?.capabilities ?? noCapabilities;
  }

  /**
   * Whether the results of its tools concern nobody but clients of that era. Those of a server that serves resources may link to
   * them, those of one that has tasks or extensions may announce tasks, and those of a modern one may be foreign to legacy clients.
   * Judged once per session, because every call asks.
   */
  hasPlainTools(era: Era): boolean {
    const { session } = this.#keeper;
    if (session !== this.#judgedSession) {
      this.#judgedSession = session;
      const has = (name: string) => this.capabilities.member(name) !== undefined;
      this.#hasPlainTools = session !== null && !has('resources') && !has('tasks') && !has('extensions');
    }
    return this.#hasPlainTools && (era === 'modern' || session?.era === 'legacy');
  }

  /** Waits for a session, as a call does. Rejects with an `UpstreamFailure`. */
  async ready(signal: Signal): Promise<void> {
    await this.#keeper.usableSession(signal);
  }

  /**
   * Sends a client's request. `done` rejects with an `UpstreamFailure`. The request is sent a second time only if it was
   * certainly not executed, or if it is repeatable.
   */
  call(
    call: UpstreamCall,
    target: MemberEdit | null,
    isRepeatable: boolean,
    done: Completion<ResponseMessage>,
  ): void {
    if (call.trace !== undefined) {
      const traced = new TracedCall(call.trace, this.#config, call, target, done);
      this.call(traced, target, isRepeatable, traced);
      return;
    }
    const { caller } = call;
    if (caller !== null && (this.#clients !== null || this.#isLegacyApart(caller)))
      this.#callApart(caller, call, target, isRepeatable, done);
    else new RetryableCall(this.#keeper, call, target, isRepeatable, done).start();
  }

  /** The same, in another session than the shared one, if the caller has or needs one. */
  #callApart(caller: Caller, ...parts: Parameters<Upstream['call']>): void {
    const [{ signal }, , , done] = parts;
    let keeper: Keeper;
    try {
      keeper = this.#keeperOf(caller);
    } catch (error) {
      done.reject(error);
      return;
    }
    const start = (used: Keeper) => {
      const [call, target, isRepeatable] = parts;
      new RetryableCall(used, call, target, isRepeatable, done).start();
    };
    if (keeper !== this.#legacy || keeper.session) start(keeper);
    // The shared session serves both eras, too, though less directly.
    else
      keeper.usableSession(signal).then(
        () => start(keeper),
        () => start(this.#keeper),
      );
  }

  /**
   * Whether the server may open legacy sessions besides the shared one, which is modern. What it lists does not tell, because
   * servers made with the official SDKs list only their modern revisions: the first client that needs one has it tried.
   */
  #mayOpenLegacy(): boolean {
    const { session } = this.#keeper;
    return session?.era === 'modern' && this.#config.era === 'auto' && session !== this.#modernOnly;
  }

  /** Whether the caller's requests are for the shared session of its own era, which is not the one for all. */
  #isLegacyApart(caller: Caller): boolean {
    return caller.era === 'legacy' && this.#mayOpenLegacy();
  }

  /** The keeper of the session for a caller's calls. Throws an `UpstreamFailure` if there are too many. */
  #keeperOf(caller: Caller): Keeper {
    // Legacy requests outside a session are of nobody in particular.
    const isKnown = caller.sessionId !== null || caller.era === 'modern';
    if (this.#clients !== null && isKnown) return this.#clients.of(caller);
    return this.#isLegacyApart(caller) ? this.#legacy : this.#keeper;
  }

  /**
   * Subscribes to a resource, over all reconnections. Resolves to what ends the subscription. Rejects with an `UpstreamFailure`, and
   * then there is none.
   */
  subscribe(uri: string, signal: Signal): Promise<() => void> {
    return this.#keeper.subscriptions.subscribe(uri, signal);
  }

  /** Whether the server has no way to report updates of resources. */
  get isDeaf(): boolean {
    return this.#keeper.session?.isDeaf === true;
  }

  /** Sends a client's notification. It is dropped while the upstream is not connected. */
  notify(caller: Caller, method: string, paramsText?: string): void {
    const own = this.#clients?.find(caller);
    const keeper = own ?? (this.#isLegacyApart(caller) ? this.#legacy : this.#keeper);
    if (own || this.#clients === null) keeper.session?.notify(method, paramsText);
  }

  /** A client's session has ended. */
  release(sessionId: string): void {
    this.#clients?.release(sessionId);
  }

  /** Applies settings that need no new session. */
  update({ server }: UpstreamConfig): void {
    this.#config = server;
    this.#keeper.update(server);
  }

  /** Connects again if it was given up, and sooner if it is in backoff. */
  revive(): void {
    this.#keeper.revive();
  }

  /** Ends all sessions and processes, and connects again at once, also if it was given up. */
  reconnect(): void {
    const failure = new UpstreamFailure('refused', 'was told to connect again');
    this.#source.endProcesses();
    this.#clients?.drop(failure);
    this.#legacy.drop(failure);
    this.#keeper.reconnect(failure);
  }

  /** Refuses new calls, and ends the session when the running ones have ended, a process `withinMs` at the latest. */
  async close(withinMs: number): Promise<void> {
    this.#source.endWithin(withinMs);
    // The shared one last: it closes the connections.
    await Promise.all([this.#clients?.close(), this.#legacy.close()]);
    await this.#keeper.close();
  }

  connected(): boolean {
    return this.isConnected;
  }
  toolsCount(): number {
    return this.items('tools').length;
  }
  clientSessions(): number {
    return this.#clients?.size ?? 0;
  }
  lastSeenMs(): number | null {
    return this.#keeper.lastSeenMs;
  }
  inBackoff(): boolean {
    return this.#keeper.state === 'backoff';
  }
  currentBackoffSeconds(): number {
    return this.#keeper.backoffMs / 1000;
  }
  toolsRefreshedMs(): number | null {
    return this.#keeper.watch.refreshedMs;
  }

  #offer(items: Items, events: UpstreamEvents): void {
    this.#items = items;
    this.metrics.retainTools(new Set(items.tools.map((item) => item.name)));
    events.onItems(this);
  }
}
