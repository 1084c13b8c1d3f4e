import type { Signal } from '../abort.ts';
import type { ResponseMessage } from '../protocol/jsonrpc.ts';
import { toFailure, type UpstreamFailure } from './failure.ts';
import type { LegacySession } from './legacy-session.ts';
import type { UpstreamCall } from './running-call.ts';
import type { AnswerTaker } from './transport/transport.ts';

/** Where an attempt finds a session. */
export interface AttemptOwner {
  readonly session: LegacySession | null;
  readonly requestTimeoutMs: number;
  /** The live session; waits for one that is being re-initialized. Rejects with an {@link UpstreamFailure}. */
  usableSession(signal: Signal): Promise<LegacySession>;
  /** A call has failed in that session. */
  failedOn(session: LegacySession, failure: UpstreamFailure): void;
}

/** A client's request while it is with the upstream, which gets it a second time only where that does no harm. */
export class Attempt implements AnswerTaker {
  readonly #owner: AttemptOwner;
  readonly #call: UpstreamCall;
  readonly #paramsText: string;
  readonly #repeatable: boolean;
  readonly #taker: AnswerTaker;
  /** The session that it was sent in last. */
  #session: LegacySession | null = null;
  #isSecond = false;
  /** Whether the session was made anew because of this call. */
  #renewed = false;

  constructor(
    owner: AttemptOwner,
    call: UpstreamCall,
    paramsText: string,
    repeatable: boolean,
    taker: AnswerTaker,
  ) {
    this.#owner = owner;
    this.#call = call;
    this.#paramsText = paramsText;
    this.#repeatable = repeatable;
    this.#taker = taker;
  }

  /** Sends it; waits for a session that is being re-initialized. */
  start(): void {
    const { session } = this.#owner;
    if (session) this.#send(session);
    else {
      this.#owner.usableSession(this.#call.abort).then(
        (renewed) => this.#send(renewed),
        (reason) => this.#taker.onFailure(reason),
      );
    }
  }

  onAnswer(answer: ResponseMessage): void {
    this.#taker.onAnswer(answer);
  }

  onFailure(reason: unknown): void {
    const failure = toFailure(reason);
    // About a session that was made for this very call, the error cannot be.
    if (this.#renewed && failure.answer) {
      this.#taker.onAnswer(failure.answer);
      return;
    }
    this.#owner.failedOn(this.#session as LegacySession, failure);
    const renewed = failure.kind === 'session_lost';
    const mayRepeat = renewed || (failure.kind === 'broken' && this.#repeatable);
    if (this.#isSecond || !mayRepeat || this.#call.abort.aborted) {
      this.#taker.onFailure(failure);
      return;
    }
    this.#isSecond = true;
    this.#renewed = renewed;
    this.start();
  }

  #send(session: LegacySession): void {
    this.#session = session;
    session.call(this.#call, this.#paramsText, this.#owner.requestTimeoutMs, this);
  }
}
