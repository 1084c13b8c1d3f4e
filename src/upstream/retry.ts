import type { MemberEdit } from '../json/object.ts';
import type { ResponseMessage } from '../protocol/messages.ts';
import type { Signal } from '../runtime/abort.ts';
import type { Completion } from '../runtime/completion.ts';
import { settledOrAborted } from '../runtime/deadlines.ts';
import { cancelled, errorAnswered, toFailure, type UpstreamFailure } from './failure.ts';
import type { UpstreamCall } from './pending-request.ts';
import type { UpstreamSession } from './session.ts';

/** Where an attempt finds a session. */
export interface RetryOwner {
  readonly session: UpstreamSession | null;
  readonly requestTimeoutMs: number;
  /** The live session; waits for one that is being opened. Rejects with an {@link UpstreamFailure}. */
  usableSession(signal: Signal): Promise<UpstreamSession>;
  /** A call has failed in that session: resolves to whether the session is lost, once that is known. Does not reject. */
  judge(session: UpstreamSession, failure: UpstreamFailure): Promise<boolean>;
}

/** A client's request while it is with the upstream, which gets it a second time only where that does no harm. */
export class RetryableCall implements Completion<ResponseMessage> {
  readonly #owner: RetryOwner;
  readonly #call: UpstreamCall;
  readonly #target: MemberEdit;
  readonly #isRepeatable: boolean;
  readonly #done: Completion<ResponseMessage>;
  /** The session that it was sent in last. */
  #session: UpstreamSession | null = null;
  #isSecond = false;

  constructor(
    owner: RetryOwner,
    call: UpstreamCall,
    target: MemberEdit,
    isRepeatable: boolean,
    done: Completion<ResponseMessage>,
  ) {
    this.#owner = owner;
    this.#call = call;
    this.#target = target;
    this.#isRepeatable = isRepeatable;
    this.#done = done;
  }

  /** Sends it; waits for a session that is being opened. */
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

  /** Waits for the verdict on the session: until then nobody knows whether the failure is the session's or the tool's. */
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

  /** Whether it surely was not executed, or does no harm if it is executed twice. */
  #mayRepeat({ kind, loss }: UpstreamFailure, isLost: boolean): boolean {
    if (kind === 'refused') return true;
    if (kind === 'timeout') return false;
    if (isLost) return loss !== undefined || this.#isRepeatable;
    return kind === 'broken' && this.#isRepeatable;
  }

  #send(session: UpstreamSession): void {
    this.#session = session;
    session.call(this.#call, this.#target, this.#owner.requestTimeoutMs, this);
  }
}
