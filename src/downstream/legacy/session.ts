import type { DownstreamMetrics } from '../../observability/downstream-metrics.ts';
import type { Caller, Channel } from '../../protocol/caller.ts';
import { notificationText } from '../../protocol/messages.ts';
import type { Severity } from '../../protocol/severity.ts';
import type { Clock } from '../../runtime/deadlines.ts';
import { LinkedList, LinkedNode } from '../../runtime/linked-list.ts';
import type { EventStream } from '../event-stream.ts';
import type { RunningCall } from '../in-flight.ts';
import type { KeepAlive } from '../keep-alive.ts';
import { isWantedLog, logNotification } from '../log-filter.ts';
import type { ResumableStream } from '../resumable-stream.ts';
import { SessionStreams } from '../session-streams.ts';
import type { StreamStore } from '../stream-store.ts';
import { MissedNotices } from './missed-notices.ts';
import { OpenQuestions } from './open-questions.ts';
import type { SessionFacts } from './session-ids.ts';

/** The open streams of one session. */
const maxStreams = 8;

/** Shared by all sessions. */
export interface SessionParts {
  /** Holds the sessions without a call and a stream, in order of last use. */
  readonly idleSessions: LinkedList<Session>;
  readonly metrics: DownstreamMetrics;
  readonly streamStore: StreamStore;
  readonly clock: Clock;
  /** Whether the gateway stops, so that clients are asked nothing any more. */
  isStopping: boolean;
}

/** A client's session. MCP 2025-11-25, Transports, Session Management. */
export class Session extends LinkedNode implements Channel {
  readonly id: string;
  readonly caller: Caller & { logLevel: Severity | null };
  readonly openedSeconds: number;
  lastSeenMs: number;
  readonly #parts: SessionParts;
  readonly #protocolVersion: string;
  readonly #calls = new LinkedList<RunningCall>();
  /** The streams of server messages that are connected, the newest last. */
  readonly #streams: ResumableStream[] = [];
  /** Null until the client misses a notice. */
  #missed: MissedNotices | null = null;
  /** Whether an earlier process opened the session. */
  readonly #isResumed: boolean;
  #questions: OpenQuestions | null = null;
  #eventStreams: SessionStreams | null = null;
  #isClosed = false;

  constructor(id: string, facts: SessionFacts, parts: SessionParts, isResumed = false) {
    super();
    this.id = id;
    this.#parts = parts;
    this.#protocolVersion = facts.protocolVersion;
    this.#isResumed = isResumed;
    const { principal, clientInfo, capabilities, view } = facts;
    this.caller = {
      principal,
      era: 'legacy',
      sessionId: id,
      clientInfo,
      capabilities,
      view,
      logLevel: null,
      channel: this,
    };
    this.openedSeconds = facts.openedSeconds;
    this.lastSeenMs = parts.clock.nowMs();
    parts.idleSessions.add(this);
  }

  /** The requests to the client that it has not answered. */
  get questions(): OpenQuestions {
    this.#questions ??= new OpenQuestions(this.#parts.metrics, this.#lastNumber);
    if (this.#parts.isStopping) this.refuseQuestions();
    return this.#questions;
  }

  /** Refuses what servers ask the client, because the gateway stops: their calls can still end in good order. */
  refuseQuestions(): void {
    this.#questions?.close('the gateway is shutting down');
  }

  /** The streams that the client can resume. */
  get eventStreams(): SessionStreams {
    // Others take an event without data for a broken one.
    const isPrimed = this.#protocolVersion >= '2025-11-25';
    this.#eventStreams ??= new SessionStreams(this.#parts.streamStore, isPrimed, this.#lastNumber);
    return this.#eventStreams;
  }

  /** The number before the first one. What the client has of an earlier process must not be taken for something else. */
  get #lastNumber(): number {
    return this.#isResumed ? Date.now() : 0;
  }

  get hasQuestions(): boolean {
    return this.#questions !== null;
  }

  /** Records that the client uses the session. */
  touch(nowMs = this.#parts.clock.nowMs()): void {
    this.lastSeenMs = nowMs;
    this.unlink();
    const isIdle = this.#streams.length === 0 && this.#calls.size === 0;
    if (isIdle && !this.#isClosed) this.#parts.idleSessions.add(this);
  }

  /** Opens a stream of server messages. If there are too many, the oldest is closed. Returns its connection. */
  listen(keepAlive: KeepAlive): EventStream {
    const stream: ResumableStream = this.eventStreams.open('g', keepAlive, {
      onLost: () => {
        this.#disconnected(stream);
        this.touch();
      },
    });
    return this.#connected(stream);
  }

  /** Goes on with a stream after the event `serial`. Returns the new connection. */
  resume(stream: ResumableStream, serial: number, isListening: boolean, keepAlive: KeepAlive): EventStream {
    this.#disconnected(stream);
    const connection = stream.resume(keepAlive, serial);
    if (isListening) this.#connected(stream);
    else this.touch();
    return connection;
  }

  #disconnected(stream: ResumableStream): void {
    const at = this.#streams.indexOf(stream);
    if (at >= 0) this.#streams.splice(at, 1);
  }

  #connected(stream: ResumableStream): EventStream {
    if (this.#streams.length >= maxStreams) this.#streams[0]?.close();
    this.#streams.push(stream);
    this.touch();
    for (const notice of this.#missed?.take() ?? []) void stream.send(notice, 'notification');
    return stream.connection as EventStream;
  }

  /** Sets the least severe log messages that the client gets. */
  setLogLevel(level: Severity): void {
    this.caller.logLevel = level;
  }

  /**
   * Sends a notice on one stream only (MCP 2025-11-25, Transports, Multiple Connections): the newest, because an older one may
   * be broken without anyone knowing. Without a stream, a useful notice waits for one.
   */
  notify(method: string, paramsText?: string): void {
    const { logLevel } = this.caller;
    if (method === logNotification && logLevel !== null && !isWantedLog(paramsText, logLevel)) return;
    const notice = notificationText(method, paramsText);
    const newest = this.#streams.at(-1);
    if (newest) void newest.send(notice, 'notification');
    else if (!this.#isClosed) {
      this.#missed ??= new MissedNotices();
      this.#missed.add(method, notice);
    }
  }

  /** Adds a running call. The session is not idle until {@link removeCall}. A batch may go on after the end of the session. */
  addCall(call: RunningCall): void {
    this.#calls.add(call);
    this.unlink();
    if (this.#isClosed) call.cancel();
  }

  removeCall(call: RunningCall, nowMs: number): void {
    this.#calls.remove(call);
    this.touch(nowMs);
  }

  /** Cancels the calls whose id has this JSON text. There may be several, because clients can reuse an id. */
  cancel(idText: string): void {
    for (const call of this.#calls) if (call.idText === idText) call.cancel();
  }

  close(): void {
    this.#isClosed = true;
    this.unlink();
    for (const call of this.#calls) call.cancel();
    for (const stream of [...this.#streams]) stream.close();
    this.#eventStreams?.close();
    this.#missed?.take();
  }
}
