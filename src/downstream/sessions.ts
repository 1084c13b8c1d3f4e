import { GatewayError } from '../errors.ts';
import { LiveList } from '../live-list.ts';
import type { DownstreamMetrics, SessionEndReason } from '../observability/downstream-metrics.ts';
import { sseMessage } from '../protocol/sse.ts';
import { tellEach } from '../turn.ts';
import type { Call } from './call.ts';
import { EventStream } from './event-stream.ts';
import type { Heartbeat } from './heartbeat.ts';

/** A bound on what clients can make the gateway remember. */
const maxSessions = 100_000;
/** Changes that come close together, as at the start, are told once. */
const noticeDelayMs = 50;

/** A client's session. MCP 2025-11-25, Transports, Session Management. */
export class Session {
  readonly id = crypto.randomUUID();
  readonly startMs = performance.now();
  lastSeenMs = this.startMs;
  readonly #calls = new LiveList<Call>();
  #stream: EventStream | null = null;
  /** Notices that no stream was there to take, each once. */
  readonly #missed = new Set<string>();

  /** Opens the stream of server messages. A client that opens a second one has lost the first. */
  listen(heartbeat: Heartbeat): EventStream {
    this.#stream?.close();
    const stream = new EventStream(heartbeat, () => {
      if (this.#stream === stream) this.#stream = null;
      this.lastSeenMs = performance.now();
    });
    this.#stream = stream;
    for (const notice of this.#missed) void stream.send(sseMessage(notice));
    this.#missed.clear();
    return stream;
  }

  /** Tells the client; what it cannot be told now it is told when it listens again. */
  notice(notice: string): void {
    if (this.#stream) void this.#stream.send(sseMessage(notice));
    else this.#missed.add(notice);
  }

  /** A call of this session runs from now on; the session is not idle until it has {@link ended}. */
  began(call: Call): void {
    this.#calls.add(call);
  }

  ended(call: Call, nowMs: number): void {
    this.#calls.remove(call);
    this.lastSeenMs = nowMs;
  }

  /** Cancels the calls whose id has this JSON text: nothing stops a client from using one id twice at the same time. */
  cancel(idText: string): void {
    for (const call of this.#calls) if (call.message.idText === idText) call.abort.abort();
  }

  /** Nobody listens, nothing runs. */
  get idle(): boolean {
    return this.#stream === null && this.#calls.size === 0;
  }

  close(): void {
    for (const call of this.#calls) call.abort.abort();
    this.#stream?.close();
  }
}

/** All live sessions. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #metrics: DownstreamMetrics;
  readonly #idleTtlMs: number;
  readonly #sweepTimer: Timer;
  readonly #notices = new Set<string>();
  #noticeTimer: Timer | null = null;
  #accepting = true;

  /** @param idleTtlMs after how long a session ends that nobody uses; it is looked for every `sweepIntervalMs` */
  constructor(metrics: DownstreamMetrics, idleTtlMs: number, sweepIntervalMs: number) {
    this.#metrics = metrics;
    this.#idleTtlMs = idleTtlMs;
    this.#sweepTimer = setInterval(() => this.#sweep(), sweepIntervalMs);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Throws a {@link GatewayError} `unavailable` when the gateway shuts down or is full. */
  open(): Session {
    if (!this.#accepting) throw new GatewayError('unavailable', 'the gateway is shutting down');
    if (this.#sessions.size >= maxSessions)
      throw new GatewayError('unavailable', 'too many sessions; try again later');
    const session = new Session();
    this.#sessions.set(session.id, session);
    this.#metrics.sessionOpened();
    return session;
  }

  /** Counts a session that came to nothing: its `initialize` had to be refused. */
  refuse(): void {
    this.#metrics.sessionOpened();
    this.#metrics.sessionEnded('init_failed', 0);
  }

  /** The live session of that id, which counts as used now. */
  use(id: string): Session | undefined {
    const session = this.#sessions.get(id);
    if (session) session.lastSeenMs = performance.now();
    return session;
  }

  end(session: Session, reason: SessionEndReason): void {
    if (!this.#sessions.delete(session.id)) return;
    session.close();
    this.#metrics.sessionEnded(reason, (performance.now() - session.startMs) / 1000);
  }

  /** Tells all clients; the same notice within a moment is told once. */
  notice(notice: string): void {
    this.#notices.add(notice);
    this.#noticeTimer ??= setTimeout(() => {
      this.#noticeTimer = null;
      const pending = [...this.#notices];
      this.#notices.clear();
      void tellEach([...this.#sessions.values()], (session) => {
        for (const each of pending) session.notice(each);
      });
    }, noticeDelayMs);
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

  #sweep(): void {
    const before = performance.now() - this.#idleTtlMs;
    for (const session of [...this.#sessions.values()]) {
      if (!session.idle || session.lastSeenMs > before) continue;
      this.end(session, 'idle_timeout');
    }
  }
}
