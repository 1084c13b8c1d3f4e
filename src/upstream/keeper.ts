import type { ServerConfig } from '../config/schema.ts';
import type { ObjectText } from '../json/object.ts';
import type { UpstreamMetrics } from '../observability/upstream-metrics.ts';
import type { Kind } from '../protocol/kinds.ts';
import type { MessageLog } from '../protocol/message-log.ts';
import type { QuestionMethod } from '../protocol/questions.ts';
import { Abort, type Signal } from '../runtime/abort.ts';
import type { Deadlines } from '../runtime/deadlines.ts';
import { Denials } from './denials.ts';
import { toFailure, UpstreamFailure } from './failure.ts';
import { LiveSession } from './live-session.ts';
import type { RetryOwner } from './retry.ts';
import type { SessionClient, SessionEvents, SessionSource, UpstreamSession } from './session.ts';

/** How long an upstream may take to terminate a session. */
const closeTimeoutMs = 2_000;

/** What all keepers of one upstream hand on from their sessions. */
type SharedEvents = Pick<
  SessionEvents,
  'instance' | 'quote' | 'onSeen' | 'onLogDropped' | 'onQuestionRefused' | 'onTaskStatus' | 'onOddity'
>;

/** Shared by all keepers of one upstream. */
export interface KeeperContext extends SharedEvents {
  /** The current settings. */
  readonly config: () => ServerConfig;
  readonly source: SessionSource;
  readonly metrics: UpstreamMetrics;
  readonly deadlines: Deadlines;
  readonly messages: MessageLog | null;
}

/** The end of a session that was lost. */
export interface Loss {
  readonly session: UpstreamSession;
  readonly failure: UpstreamFailure;
  /** How long the session lasted. */
  readonly lastedMs: number;
  /** Whether the upstream seems to be down; if not, it has forgotten the session. */
  readonly isDown: boolean;
}

/** Holds one session with an upstream, and finds out when it is lost. The kinds of keepers differ in when they open another. */
export abstract class Keeper implements RetryOwner, SessionEvents {
  abstract readonly client: SessionClient | null;
  readonly wantsChanges: boolean = false;
  protected readonly context: KeeperContext;
  /** Aborted when the keeper is closed. */
  protected readonly closing = new Abort();
  readonly #denials: Denials;
  #live: LiveSession | null = null;

  constructor(context: KeeperContext) {
    this.context = context;
    this.#denials = new Denials(context.deadlines.clock);
  }

  get session(): UpstreamSession | null {
    return this.#live === null ? null : this.#live.session;
  }
  get requestTimeoutMs(): number {
    return this.context.config().timeouts.request_seconds * 1000;
  }

  abstract usableSession(signal: Signal): Promise<UpstreamSession>;

  /** The session is lost, and calls get no other one yet. */
  protected abstract onLost(loss: Loss): void;

  /** Gives the session to calls from now on, unless the keeper was closed while it was being opened. */
  protected use(session: UpstreamSession): void {
    if (this.closing.aborted) {
      void session.retire(closeTimeoutMs);
      return;
    }
    const { config, metrics, deadlines } = this.context;
    this.#live = new LiveSession(session, {
      config,
      metrics,
      denials: this.#denials,
      closing: this.closing,
      clock: deadlines.clock,
      onLost: (lost, failure, suspicion) => this.#lose(lost, failure, suspicion),
    });
  }

  judge(session: UpstreamSession, failure: UpstreamFailure): Promise<boolean> {
    if (failure.saysNothing) return Promise.resolve(false);
    return session === this.#live?.session ? this.#live.judge(failure) : Promise.resolve(true);
  }

  /** Refuses new calls, and ends the session when the running ones have ended. */
  async close(): Promise<void> {
    this.closing.abort();
    const { session } = this;
    this.#live?.end();
    this.#live = null;
    await session?.retire(closeTimeoutMs);
  }

  /** Gives up the session, if there is one, as if it were lost. */
  drop(failure: UpstreamFailure): void {
    if (this.session) this.onClosed(this.session, failure);
  }

  get messages(): MessageLog | null {
    return this.context.messages;
  }
  get instance(): string {
    return this.context.instance;
  }
  quote(text: string): string {
    return this.context.quote(text);
  }
  onSeen(): void {
    this.context.onSeen();
  }
  onLogDropped(): void {
    this.context.onLogDropped();
  }
  onQuestionRefused(method: QuestionMethod): void {
    this.context.onQuestionRefused(method);
  }
  onTaskStatus(params: ObjectText): void {
    this.context.onTaskStatus(params);
  }
  onOddity(what: string): void {
    this.context.onOddity(what);
  }
  onClosed(session: UpstreamSession, error: Error): void {
    const failure = toFailure(error);
    this.#lose(session, failure, failure);
  }
  onSuspect(session: UpstreamSession): void {
    void this.judge(session, new UpstreamFailure('broken', 'its event stream broke'));
  }
  onItemsChanged(_session: UpstreamSession, _changed: readonly Kind[]): void {}
  onItemFaults(_kind: Kind, _faults: string | null): void {}
  onResourceUpdated(_session: UpstreamSession, _uri: string, _paramsText: string): void {}

  /**
   * Gives up a lost session, which ends when its running calls have ended.
   * @param suspicion the failure that had it checked
   */
  #lose(session: UpstreamSession, failure: UpstreamFailure, suspicion: UpstreamFailure): void {
    const live = this.#live;
    if (session !== live?.session) return;
    this.#live = null;
    live.end();
    // An upstream that does not know the session has nothing to terminate.
    void session.retire(closeTimeoutMs, failure.loss === undefined);
    if (this.closing.aborted) return;
    const isDown =
      failure.loss === undefined && ['refused', 'broken', 'ended', 'timeout'].includes(failure.kind);
    if (!isDown) this.context.metrics.sessionReset(failure.loss ?? suspicion.loss ?? 'unknown_session');
    this.onLost({ session, failure, lastedMs: live.lastedMs, isDown });
  }
}
