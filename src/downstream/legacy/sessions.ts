import { GatewayError } from '../../errors.ts';
import type { DownstreamMetrics, SessionEndReason } from '../../observability/downstream-metrics.ts';
import type { Logger } from '../../observability/log.ts';
import type { Caller, Principal } from '../../protocol/caller.ts';
import { MessageLog } from '../../protocol/message-log.ts';
import { parseMessage } from '../../protocol/messages.ts';
import { forEachInTurns, nextTurn } from '../../runtime/event-loop.ts';
import { LinkedList, LinkedNode } from '../../runtime/linked-list.ts';
import { EventStream } from '../event-stream.ts';
import type { KeepAlive } from '../keep-alive.ts';
import type { SessionFacts, SessionIds } from './session-ids.ts';

/** A bound on what clients can make the gateway remember. */
const defaultMaxSessions = 100_000;
/** The streams of one session that are open at the same time. */
const maxStreams = 8;
/** Changes that come close together, as at the start, are told once. */
const noticeDelayMs = 50;
/** How many idle sessions end in one turn of the event loop. */
const maxEndedInTurn = 256;
/** How often it is told that sessions had to make room for others. */
const fullWarningIntervalMs = 60_000;

/** A running call, as its session sees it. */
export interface SessionCall extends LinkedNode {
  /** The JSON text of the request's id. */
  readonly idText: string;
  cancel(): void;
}

/** A client's session. MCP 2025-11-25, Transports, Session Management. */
export class Session extends LinkedNode {
  readonly id: string;
  readonly caller: Caller;
  readonly openedSeconds: number;
  lastSeenMs = performance.now();
  readonly #idleSessions: LinkedList<Session>;
  readonly #calls = new LinkedList<SessionCall>();
  /** Those that are open, the newest last. */
  readonly #streams: EventStream[] = [];
  /** Notices that no stream was there to take, each once. */
  readonly #missed = new Set<string>();
  #closed = false;

  /** @param idleSessions has this session at its end whenever it was used, while nobody listens and nothing runs */
  constructor(id: string, facts: SessionFacts, idleSessions: LinkedList<Session>) {
    super();
    this.id = id;
    const { principal, clientInfo, capabilities, view } = facts;
    this.caller = { principal, sessionId: id, clientInfo, capabilities, view };
    this.openedSeconds = facts.openedSeconds;
    this.#idleSessions = idleSessions;
    idleSessions.add(this);
  }

  /** The session is used now. */
  touch(nowMs = performance.now()): void {
    this.lastSeenMs = nowMs;
    this.#idleSessions.remove(this);
    if (!this.#closed && this.#streams.length === 0 && this.#calls.size === 0) this.#idleSessions.add(this);
  }

  /** Opens a stream of server messages. A client may have several; beyond a bound the oldest is closed. */
  listen(heartbeat: KeepAlive): EventStream {
    if (this.#streams.length === maxStreams) this.#streams[0]?.close();
    const stream: EventStream = new EventStream(heartbeat, () => {
      this.#streams.splice(this.#streams.indexOf(stream), 1);
      this.touch();
    });
    this.#streams.push(stream);
    this.touch();
    for (const notice of this.#missed) void stream.send(notice);
    this.#missed.clear();
    return stream;
  }

  /**
   * Tells the client, on one of its streams only (MCP 2025-11-25, Transports, Multiple Connections): the newest, for an
   * older one may be lost without anybody knowing. What it cannot be told now it is told when it listens again.
   */
  notice(notice: string): void {
    const newest = this.#streams.at(-1);
    if (newest) void newest.send(notice);
    else this.#missed.add(notice);
  }

  /** A call of this session runs from now on; the session is not idle until it has {@link ended}. */
  began(call: SessionCall): void {
    this.#calls.add(call);
    this.#idleSessions.remove(this);
  }

  ended(call: SessionCall, nowMs: number): void {
    this.#calls.remove(call);
    this.touch(nowMs);
  }

  /** Cancels the calls whose id has this JSON text: nothing stops a client from using one id twice at the same time. */
  cancel(idText: string): void {
    for (const call of this.#calls) if (call.idText === idText) call.cancel();
  }

  close(): void {
    this.#closed = true;
    this.#idleSessions.remove(this);
    for (const call of this.#calls) call.cancel();
    for (const stream of [...this.#streams]) stream.close();
  }
}

/** What the sessions of a gateway work with. */
interface SessionsParts {
  readonly metrics: DownstreamMetrics;
  readonly logger: Logger;
  readonly ids: SessionIds;
  /** After how long a session ends that nobody uses; it is looked for every `sweepIntervalMs`. */
  readonly idleTtlMs: number;
  readonly sweepIntervalMs: number;
  /** How many may be open at the same time. */
  readonly maxSessions?: number;
}

/** All live sessions. */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly #sessions = new Map<string, Session>();
  /** Those without stream and call, the longest idle first. */
  readonly #idle = new LinkedList<Session>();
  readonly #sweepTimer: Timer;
  readonly #notices = new Set<string>();
  #noticeTimer: Timer | null = null;
  #accepting = true;
  /** Sessions that made room for others and were not told of yet. */
  #displaced = 0;
  #fullWarningMs = Number.NEGATIVE_INFINITY;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#sweepTimer = setInterval(() => void this.#sweep(), parts.sweepIntervalMs);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Opens a session. Throws a {@link GatewayError} `unavailable` when the gateway shuts down, or is full of sessions that
   * are in use.
   */
  open(facts: SessionFacts, id = this.#parts.ids.issue(facts)): Session {
    if (!this.#accepting) throw new GatewayError('unavailable', 'the gateway is shutting down');
    this.#makeRoom();
    const session = new Session(id, facts, this.#idle);
    this.#sessions.set(id, session);
    this.#parts.metrics.sessionOpened();
    return session;
  }

  /** Counts a session that came to nothing: its `initialize` had to be refused. */
  refuse(): void {
    this.#parts.metrics.sessionOpened();
    this.#parts.metrics.sessionEnded('init_failed', 0);
  }

  /**
   * The session of that id and principal; undefined where there is none. One that this process does not know, because a
   * predecessor opened it, is taken up again. It counts as used by what is done in it. Throws as {@link open} does.
   */
  use(id: string, principal: Principal): Session | undefined {
    const session = this.#sessions.get(id) ?? this.#takeUp(id, principal);
    return session?.caller.principal === principal ? session : undefined;
  }

  end(session: Session, reason: SessionEndReason): void {
    if (!this.#sessions.delete(session.id)) return;
    session.close();
    // With those of a gateway that shuts down, its successor goes on.
    if (reason !== 'gateway_shutdown') this.#parts.ids.end(session.id, session.openedSeconds);
    const lastedSeconds = Date.now() / 1000 - session.openedSeconds;
    this.#parts.metrics.sessionEnded(reason, Math.max(0, lastedSeconds));
  }

  /** Tells all clients; the same notice within a moment is told once. */
  notice(notice: string): void {
    this.#notices.add(notice);
    this.#noticeTimer ??= setTimeout(() => {
      this.#noticeTimer = null;
      const pending = [...this.#notices];
      this.#notices.clear();
      if (this.#parts.logger.isTrace) this.#trace(pending);
      void forEachInTurns([...this.#sessions.values()], (session) => {
        for (const each of pending) session.notice(each);
      });
    }, noticeDelayMs);
  }

  #trace(notices: readonly string[]): void {
    const log = new MessageLog(this.#parts.logger, { sessions: this.size });
    for (const notice of notices) log.message('to client', parseMessage(notice), notice.length);
  }

  /** Opens no more sessions; those that are open go on. */
  stopAccepting(): void {
    this.#accepting = false;
  }

  endAll(): void {
    this.#accepting = false;
    clearInterval(this.#sweepTimer);
    if (this.#noticeTimer) clearTimeout(this.#noticeTimer);
    for (const session of [...this.#sessions.values()]) this.end(session, 'gateway_shutdown');
  }

  #takeUp(id: string, principal: Principal): Session | undefined {
    const facts = this.#parts.ids.read(id);
    if (facts?.principal !== principal) return undefined;
    this.#parts.logger.debug('client session continued from before the restart');
    return this.open(facts, id);
  }

  /** Ends the longest idle session where there are as many as may be. */
  #makeRoom(): void {
    const { maxSessions = defaultMaxSessions } = this.#parts;
    if (this.#sessions.size < maxSessions) return;
    const longestIdle = this.#idle.first;
    if (!longestIdle) throw new GatewayError('unavailable', 'too many sessions; try again later');
    this.end(longestIdle, 'idle_timeout');
    this.#displaced++;
    const nowMs = performance.now();
    if (nowMs - this.#fullWarningMs < fullWarningIntervalMs) return;
    this.#fullWarningMs = nowMs;
    this.#parts.logger.warn('the limit of sessions is reached: those idle for the longest end to make room', {
      sessions: maxSessions,
      ended: this.#displaced,
    });
    this.#displaced = 0;
  }

  /** A few in each turn of the event loop: many may have been left at the same time. */
  async #sweep(): Promise<void> {
    const before = performance.now() - this.#parts.idleTtlMs;
    for (let ended = 1; ; ended++) {
      const longestIdle = this.#idle.first;
      if (!longestIdle || longestIdle.lastSeenMs > before) return;
      this.end(longestIdle, 'idle_timeout');
      if (ended % maxEndedInTurn === 0) await nextTurn();
    }
  }
}
