import type { MemberEdit } from '../json/object.ts';
import type { ResponseMessage } from '../protocol/messages.ts';
import type { Signal } from '../runtime/abort.ts';
import type { Completion } from '../runtime/completion.ts';
import { settledOrAborted } from '../runtime/deadlines.ts';
import { cancelled, errorAnswered, toFailure, type UpstreamFailure } from './failure.ts';
import type { UpstreamCall } from './pending-request.ts';
import type { UpstreamSession } from './session.ts';

/** The source of sessions for calls. */
export interface RetryOwner {
  readonly session: UpstreamSession | null;
  readonly requestTimeoutMs: number;
  /** The live session. Waits for one that is being opened, within the time of a call. Rejects with an {@link UpstreamFailure}. */
  usableSession(signal: Signal): Promise<UpstreamSession>;
  /** A call has failed in `session`. Resolves to whether the session is lost, once that is known. Does not reject. */
  judge(session: UpstreamSession, failure: UpstreamFailure): Promise<boolean>;
}

/** A client's request, which is sent to the upstream a second time only if that does no harm. */
export class RetryableCall implements Completion<ResponseMessage> {
  readonly #owner: RetryOwner;
  readonly #call: UpstreamCall;
  readonly #target: MemberEdit | null;
  readonly #isRepeatable: boolean;
  readonly #done: Completion<ResponseMessage>;
  /** The session in which it was last sent. */
  #session: UpstreamSession | null = null;
  #isSecond = false;

  constructor(
    owner: RetryOwner,
    call: UpstreamCall,
    target: MemberEdit | null,
    isRepeatable: boolean,
    done: Completion<ResponseMessage>,
  ) {
    this.#owner = owner;
    this.#call = call;
    this.#target = target;
    this.#isRepeatable = isRepeatable;
    this.#done = done;
  }

  /** Sends the request, once there is a session. */
  start(): void {
    const { session } = this.#owner;
    if (session) this.#send(session);
    else {
      this.#owner.usableSession(this.#call.signal).then(
        (opened) => this.#send(opened),
        (reason) => this.#done.reject(reason),
      );
    }
  }

  resolve(answer: ResponseMessage): void {
    if (answer.error) {
      void this.#failed(errorAnswered(answer, answer.error));
      return;
    }
    (this.#session as UpstreamSession).hasServed = true;
    this.#done.resolve(answer);
  }

  reject(reason: unknown): void {
    const failure = toFailure(reason);
    if (failure.saysNothing) this.#end(failure);
    else void this.#failed(failure);
  }

  /** Waits for the verdict on the session, which tells whether the failure is the session's or the tool's. */
  async #failed(failure: UpstreamFailure): Promise<void> {
    const { signal } = this.#call;
    let isLost = false;
    const verdict = this.#owner.judge(this.#session as UpstreamSession, failure).then((lost) => {
      isLost = lost;
    });
    // A call that timed out waits, too, so that its client's next call finds a session that works.
    await settledOrAborted(verdict, signal);
    if (signal.aborted) this.#done.reject(cancelled());
    else if (!this.#isSecond && this.#mayRepeat(failure, isLost)) {
      this.#isSecond = true;
      this.start();
    } else this.#end(failure);
  }

  #end(failure: UpstreamFailure): void {
    if (failure.answer) this.#done.resolve(failure.answer);
    else this.#done.reject(failure);
  }

  /** Whether the request was certainly not executed, or may be executed twice. */
  #mayRepeat({ kind, loss }: UpstreamFailure, isLost: boolean): boolean {
    if (kind === 'refused') return true;
    if (kind === 'timeout' || kind === 'ended') return false;
    if (isLost) return loss !== undefined || this.#isRepeatable;
    return kind === 'broken' && this.#isRepeatable;
  }

  #send(session: UpstreamSession): void {
    this.#session = session;
    session.call(this.#call, this.#target, this.#owner.requestTimeoutMs, this);
  }
}
