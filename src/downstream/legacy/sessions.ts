import { GatewayError } from '../../errors.ts';
import type { DownstreamMetrics, SessionEndReason } from '../../observability/downstream-metrics.ts';
import type { Logger } from '../../observability/log.ts';
import type { Principal } from '../../protocol/caller.ts';
import { MessageLog } from '../../protocol/message-log.ts';
import { notificationText, parseMessage } from '../../protocol/messages.ts';
import { type Clock, deadlines } from '../../runtime/deadlines.ts';
import { forEachInTurns, nextTurn } from '../../runtime/event-loop.ts';
import { LinkedList } from '../../runtime/linked-list.ts';
import { ClientCounter } from '../client-counts.ts';
import type { ChangedLists } from '../list-changes.ts';
import { StreamStore } from '../stream-store.ts';
import { Session, type SessionParts } from './session.ts';
import type { SessionFacts, SessionIds } from './session-ids.ts';

const defaultMaxSessions = 100_000;
/** The idle sessions that end in one turn of the event loop. */
const maxEndedPerTurn = 256;
/** The shortest time between two warnings that the limit of sessions is reached. */
const fullWarningIntervalMs = 60_000;

interface SessionsParts {
  readonly metrics: DownstreamMetrics;
  readonly logger: Logger;
  readonly ids: SessionIds;
  /** Called when a session has ended. */
  readonly onEnded: (session: Session) => void;
  /** An unused session ends after this time. */
  readonly idleTtlMs: number;
  readonly sweepIntervalMs: number;
  readonly maxSessions?: number;
  readonly clock?: Clock;
}

/** The open sessions. */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly #clock: Clock;
  readonly #maxSessions: number;
  readonly #sessionParts: SessionParts;
  readonly #sessions = new Map<string, Session>();
  /** The clients of the open sessions. */
  readonly clients = new ClientCounter();
  /** The sessions without call and stream, the least recently used first. */
  readonly #idle = new LinkedList<Session>();
  #cancelSweep: () => void;
  #isAccepting = true;
  /** The sessions ended to make room since the last warning. */
  #displaced = 0;
  #fullWarningMs = Number.NEGATIVE_INFINITY;

  constructor(parts: SessionsParts) {
    const { maxSessions = defaultMaxSessions, clock = deadlines.clock } = parts;
    this.#parts = parts;
    this.#maxSessions = maxSessions;
    this.#clock = clock;
    const { metrics } = parts;
    this.#sessionParts = {
      idleSessions: this.#idle,
      metrics,
      streamStore: new StreamStore(clock),
      clock,
      isStopping: false,
    };
    this.#cancelSweep = this.#scheduleSweep();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Opens a session. Throws `unavailable` during shutdown, or if the limit is reached and no session is idle. */
  open(facts: SessionFacts): Session {
    return this.#open(this.#parts.ids.issue(facts), facts);
  }

  #open(id: string, facts: SessionFacts, isResumed?: boolean): Session {
    if (!this.#isAccepting) throw new GatewayError('unavailable', 'the gateway is shutting down');
    this.#makeRoom();
    const session = new Session(id, facts, this.#sessionParts, isResumed);
    this.#sessions.set(id, session);
    this.clients.add(session.caller.clientInfo);
    this.#parts.metrics.sessionOpened();
    return session;
  }

  /** Counts a session that failed to initialize. */
  refuse(): void {
    this.#parts.metrics.sessionOpened();
    this.#parts.metrics.sessionEnded('init_failed', 0);
  }

  /**
   * Returns the session with this id, principal and view, if any. An unknown session that an earlier process opened is resumed.
   * Does not count as use. Throws like {@link open}.
   */
  find(id: string, principal: Principal, view: string): Session | undefined {
    const session = this.#sessions.get(id) ?? this.#resume(id, principal, view);
    if (session === undefined) return undefined;
    const { caller } = session;
    return caller.principal === principal && caller.view === view ? session : undefined;
  }

  end(session: Session, reason: SessionEndReason): void {
    if (!this.#sessions.delete(session.id)) return;
    session.close();
    this.clients.remove(session.caller.clientInfo);
    this.#parts.onEnded(session);
    // After a shutdown, the next process resumes the sessions.
    if (reason !== 'gateway_shutdown') this.#parts.ids.end(session.id, session.openedSeconds);
    const durationSeconds = Date.now() / 1000 - session.openedSeconds;
    this.#parts.metrics.sessionEnded(reason, Math.max(0, durationSeconds));
  }

  /** Tells the clients of each view which of its lists have changed. */
  listsChanged(changed: ChangedLists): void {
    if (this.#parts.logger.isTrace) for (const methods of changed.values()) this.#trace(methods);
    void forEachInTurns([...this.#sessions.values()], (session) => {
      for (const method of changed.get(session.caller.view) ?? []) session.notify(method);
    });
  }

  /**
   * Ends the sessions of a view that a reload has removed, with their calls. If the view comes back, so do they, as after a
   * restart.
   */
  endView(view: string): void {
    const ending = [...this.#sessions.values()].filter(({ caller }) => caller.view === view);
    void forEachInTurns(ending, (session) => this.end(session, 'gateway_shutdown'));
  }

  /** Opens no more sessions; open ones stay, but their clients are asked nothing any more. */
  stopAccepting(): void {
    this.#isAccepting = false;
    this.#sessionParts.isStopping = true;
    for (const session of this.#sessions.values()) session.refuseQuestions();
  }

  endAll(): void {
    this.#isAccepting = false;
    this.#cancelSweep();
    for (const session of [...this.#sessions.values()]) this.end(session, 'gateway_shutdown');
  }

  #trace(methods: Iterable<string>): void {
    const log = new MessageLog(this.#parts.logger, { sessions: this.size });
    for (const method of methods) {
      const notice = notificationText(method);
      log.message('to client', parseMessage(notice), notice.length);
    }
  }

  #resume(id: string, principal: Principal, view: string): Session | undefined {
    const facts = this.#parts.ids.read(id);
    if (facts?.principal !== principal || facts.view !== view) return undefined;
    this.#parts.logger.debug('client session resumed after a restart');
    return this.#open(id, facts, true);
  }

  /** Ends the least recently used idle session if the limit is reached. */
  #makeRoom(): void {
    if (this.#sessions.size < this.#maxSessions) return;
    const leastRecent = this.#idle.first;
    if (!leastRecent) throw new GatewayError('unavailable', 'too many sessions; try again later');
    this.end(leastRecent, 'idle_timeout');
    this.#displaced++;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#fullWarningMs < fullWarningIntervalMs) return;
    this.#fullWarningMs = nowMs;
    this.#parts.logger.warn('the limit of sessions is reached: the longest idle ones end to make room', {
      sessions: this.#maxSessions,
      ended: this.#displaced,
    });
    this.#displaced = 0;
  }

  #scheduleSweep(): () => void {
    return this.#clock.startTimer(() => {
      this.#cancelSweep = this.#scheduleSweep();
      void this.#sweep();
    }, this.#parts.sweepIntervalMs);
  }

  /** Ends expired sessions over several turns, because many can expire together. */
  async #sweep(): Promise<void> {
    const expiredMs = this.#clock.nowMs() - this.#parts.idleTtlMs;
    for (let ended = 1; ; ended++) {
      const leastRecent = this.#idle.first;
      if (!leastRecent || leastRecent.lastSeenMs > expiredMs) return;
      this.end(leastRecent, 'idle_timeout');
      if (ended % maxEndedPerTurn === 0) await nextTurn();
    }
  }
}
