import { ObjectText } from '../../json/object.ts';
import { errorCodes } from '../../protocol/error-codes.ts';
import { type Message, type ResponseMessage, serialOf } from '../../protocol/messages.ts';
import { Abort, type Signal } from '../../runtime/abort.ts';
import { sleep } from '../../runtime/deadlines.ts';
import { LegacyServerFailure, verdictOnAnswer } from '../era-verdict.ts';
import { cancelled, UpstreamFailure } from '../failure.ts';
import { LegacySession } from '../legacy/session.ts';
import { ModernSession } from '../modern/session.ts';
import type { SessionEvents, UpstreamSession } from '../session.ts';
import { type MessageProcess, StdioTransport, type WriteCompletion } from '../transport/stdio.ts';
import type { Transport, TransportEvents } from '../transport/transport.ts';

/** How long the answer to that `initialize` is awaited once the server has turned out to be modern. */
const settleMs = 1_000;
/** The ids of the session that sends `initialize`: those of the other one begin at 1. */
const firstLegacyId = 1_000_001;

/** The process to probe. */
interface ProbedProcess extends MessageProcess {
  attach(events: TransportEvents): void;
}

/**
 * Opens a session with a process whose era is unknown. MCP 2026-07-28, stdio, Backward Compatibility: `server/discover` comes first;
 * if the server is silent on it, because it drops what it does not know or because it is still starting, `initialize` follows. Both
 * sessions share the process until one of them is open: a modern answer wins, however late it comes.
 */
export class EraProbe implements TransportEvents {
  readonly #process: ProbedProcess;
  readonly #modern: Contender;
  readonly #legacy: Contender;
  readonly #modernSession: ModernSession;
  readonly #legacySession: LegacySession;
  readonly #events: SessionEvents;
  readonly #silenceMs: number;
  /** Whether the server has answered `server/discover` like one of the modern era. */
  #isModern = false;

  /** @param silenceMs how long the server may be silent on `server/discover` before it is sent `initialize`, too */
  constructor(process: ProbedProcess, events: SessionEvents, silenceMs: number) {
    this.#process = process;
    this.#silenceMs = silenceMs;
    this.#events = events;
    this.#modern = new Contender(process);
    this.#legacy = new Contender(process);
    this.#modernSession = new ModernSession((receiver) => this.#modern.attach(receiver), events);
    this.#legacySession = new LegacySession(
      (receiver) => this.#legacy.attach(receiver),
      events,
      firstLegacyId,
    );
    process.attach(this);
  }

  /**
   * Resolves to null if the server is modern, but `initialize` may have made its process a legacy one. Rejects with an
   * {@link UpstreamFailure}, or the reason of the signal. The process is the caller's to end.
   */
  async open(signal: Signal): Promise<UpstreamSession | null> {
    const modern = this.#modern.open(this.#modernSession, signal);
    const silence = new Abort();
    const early = await Promise.race([modern, sleep(this.#silenceMs, silence).then(() => null)]);
    silence.abort();
    // A modern server may have answered, and only its stream of notifications takes a while.
    const first = early ?? (this.#isModern ? await modern : null);
    if (first !== null) return first.isOpen ? this.#won(this.#modern) : this.#openLegacy(first.error, signal);
    const legacy = this.#legacy.open(this.#legacySession, signal);
    const second = await Promise.race([modern, legacy]);
    if (second.by === this.#modern) {
      if (second.isOpen) return this.#modernWon(legacy);
      return second.error instanceof LegacyServerFailure
        ? this.#legacyOf(await legacy)
        : failed(second.error);
    }
    if (this.#isModern && second.isOpen) return this.#bothOpen();
    // A modern server refuses to initialize. Its answer to what came first may be late.
    if (!second.isOpen && (this.#isModern || isVersionRefused(second.error))) {
      const late = await modern;
      return late.isOpen ? this.#won(this.#modern) : failed(late.error);
    }
    return this.#legacyOf(second);
  }

  /** The server has answered like one of the legacy era. */
  async #openLegacy(error: unknown, signal: Signal): Promise<UpstreamSession> {
    if (!(error instanceof LegacyServerFailure)) return failed(error);
    return this.#legacyOf(await this.#legacy.open(this.#legacySession, signal));
  }

  #legacyOf(result: ContenderResult): UpstreamSession {
    return result.isOpen ? this.#won(this.#legacy) : failed(result.error);
  }

  /** A server of both eras, to which both were sent, takes its client for a legacy one. */
  async #modernWon(legacy: Promise<ContenderResult>): Promise<UpstreamSession | null> {
    const abort = new Abort();
    const answer = await Promise.race([legacy, sleep(settleMs, abort).then(() => null)]);
    abort.abort();
    return answer?.isOpen === true ? this.#bothOpen() : this.#won(this.#modern);
  }

  #bothOpen(): null {
    this.#modern.mute();
    this.#legacy.mute();
    return null;
  }

  #won(winner: Contender): UpstreamSession {
    const [session, loser] =
      winner === this.#modern
        ? ([this.#modernSession, this.#legacy] as const)
        : ([this.#legacySession, this.#modern] as const);
    loser.mute();
    // Its requests would wait for ever.
    loser.receiver?.onClosed(cancelled());
    if (winner.receiver) this.#process.attach(winner.receiver);
    return session;
  }

  onMessage(message: Message, requestId: number | null): Promise<void> | undefined {
    if (message.kind === 'response' && Number(serialOf(message.id)) < firstLegacyId)
      this.#takeAnswer(message);
    return this.#receiverOf(message)?.onMessage(message, requestId);
  }

  onClosed(error: Error): void {
    this.#modern.receiver?.onClosed(error);
    this.#legacy.receiver?.onClosed(error);
  }

  onSuspect(): void {}
  onDeaf(): void {}

  #takeAnswer({ error, payload }: ResponseMessage): void {
    if (typeof payload !== 'string') return;
    const { era } = verdictOnAnswer(error, new ObjectText(payload), (text) => this.#events.quote(text));
    this.#isModern ||= era === 'modern';
  }

  /** Responses go to the session that asked; other messages to the one that has more to expect, if it has begun. */
  #receiverOf(message: Message): TransportEvents | null {
    const id = message.kind === 'response' ? message.id : message.kind === 'invalid' ? message.answers : null;
    const serial = serialOf(id);
    if (serial !== undefined) return (serial < firstLegacyId ? this.#modern : this.#legacy).receiver;
    return (this.#legacy.hasBegun ? this.#legacy : this.#modern).receiver;
  }
}

type ContenderResult =
  | { readonly by: Contender; readonly isOpen: true }
  | { readonly by: Contender; readonly isOpen: false; readonly error: unknown };

/** One of the two sessions that want the process. */
class Contender implements MessageProcess {
  readonly #process: MessageProcess;
  receiver: TransportEvents | null = null;
  hasBegun = false;
  #isMuted = false;

  constructor(process: MessageProcess) {
    this.#process = process;
  }

  get closedBy(): UpstreamFailure | null {
    return this.#process.closedBy;
  }

  attach(receiver: TransportEvents): Transport {
    this.receiver = receiver;
    return new StdioTransport(this);
  }

  /** Does not reject. */
  async open(session: ModernSession | LegacySession, signal: Signal): Promise<ContenderResult> {
    this.hasBegun = true;
    try {
      await session.open(signal);
      return { by: this, isOpen: true };
    } catch (error) {
      return { by: this, isOpen: false, error };
    }
  }

  /** Writes nothing any more: the session has lost. */
  mute(): void {
    this.#isMuted = true;
  }

  write(body: string, done: WriteCompletion, signal: Signal): void {
    if (this.#isMuted) done.onUnwritten(cancelled());
    else this.#process.write(body, done, signal);
  }

  async end(): Promise<void> {
    if (!this.#isMuted) await this.#process.end();
  }
}

function failed(error: unknown): never {
  throw error;
}

/** Whether a server refuses to initialize because it speaks the modern era only. */
function isVersionRefused(error: unknown): boolean {
  return (
    error instanceof UpstreamFailure && error.message.includes(`(error ${errorCodes.unsupportedVersion})`)
  );
}
