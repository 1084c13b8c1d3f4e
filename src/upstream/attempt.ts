import type { ResponseMessage } from '../protocol/jsonrpc.ts';
import { toFailure, type UpstreamFailure } from './failure.ts';
import type { LegacySession, UpstreamCall } from './legacy-session.ts';
import type { AnswerTaker } from './transport/transport.ts';

/** Decides what becomes of an attempt that failed. */
export interface AttemptOwner {
  attemptFailed(attempt: Attempt, session: LegacySession, failure: UpstreamFailure): void;
}

/** A client's request while it is with the upstream. */
export class Attempt implements AnswerTaker {
  readonly call: UpstreamCall;
  readonly paramsText: string;
  readonly repeatable: boolean;
  readonly taker: AnswerTaker;
  readonly #owner: AttemptOwner;
  /** The session that it was sent in last. */
  session: LegacySession | null = null;
  isSecond = false;
  /** Whether the session was made anew because of this call. */
  renewed = false;

  constructor(
    owner: AttemptOwner,
    call: UpstreamCall,
    paramsText: string,
    repeatable: boolean,
    taker: AnswerTaker,
  ) {
    this.#owner = owner;
    this.call = call;
    this.paramsText = paramsText;
    this.repeatable = repeatable;
    this.taker = taker;
  }

  onAnswer(answer: ResponseMessage): void {
    this.taker.onAnswer(answer);
  }

  onFailure(reason: unknown): void {
    this.#owner.attemptFailed(this, this.session as LegacySession, toFailure(reason));
  }
}
