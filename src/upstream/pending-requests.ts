import type { MemberEdit } from '../json/object.ts';
import { type RequestId, type ResponseMessage, serialOf } from '../protocol/messages.ts';
import type { Completion } from '../runtime/completion.ts';
import { deadlines } from '../runtime/deadlines.ts';
import { AbandonedCalls } from './abandoned-calls.ts';
import { cancelled, UpstreamFailure } from './failure.ts';
import { PendingRequest, type RequestForm, type RequestOwner, type UpstreamCall } from './pending-request.ts';
import { maxRequestsInFlight, RequestTable } from './request-table.ts';
import type { Transport } from './transport/transport.ts';

/** The session of the requests. */
export interface PendingRequestsOwner {
  readonly transport: Transport;
  readonly form: RequestForm;
  onAnswered(request: PendingRequest, answer: ResponseMessage): void;
  /** A request was given up, so that the upstream need not answer it. */
  onGivenUp(request: PendingRequest, reason: UpstreamFailure): void;
}

/** The requests of a session that wait for their responses, by ids of the gateway's own. */
export class PendingRequests implements RequestOwner {
  readonly #owner: PendingRequestsOwner;
  readonly #table: RequestTable<PendingRequest>;
  /** Null until a call ends without its answer. */
  #abandoned: AbandonedCalls | null = null;
  #onIdle: (() => void) | null = null;

  /** @param firstId the id of the first request */
  constructor(owner: PendingRequestsOwner, firstId = 1) {
    this.#owner = owner;
    this.#table = new RequestTable(firstId);
  }

  /** Sends a request, unless its caller has aborted or too many are in flight. */
  start(
    call: UpstreamCall,
    target: MemberEdit | null,
    timeoutMs: number,
    done: Completion<ResponseMessage>,
  ): void {
    const id = call.signal.aborted ? null : this.#table.nextId();
    if (id === null) {
      done.reject(call.signal.aborted ? cancelled() : tooManyRequests());
      return;
    }
    const request = new PendingRequest(this, this.#owner.form, id, call, target, timeoutMs, done);
    this.#table.add(request);
    request.start(this.#owner.transport);
  }

  /** The request with that id, which a server may have made a string of. */
  find(id: RequestId | null | undefined): PendingRequest | undefined {
    const serial = serialOf(id);
    return serial === undefined ? undefined : this.#table.get(serial);
  }

  /**
   * The request that a message of the server belongs to: the one on whose stream it came. On a shared stream nothing tells, so
   * that it is the only request of a client, or the newest one if the session has only one client. A request counts, too, that
   * the server may still work on although nobody waits for it.
   * @param streamId the id of the request on whose stream the message came; null: a shared stream
   * @param ruledOut requests that it does not belong to
   */
  concerned(
    streamId: number | null,
    hasOneClient: boolean,
    ruledOut?: ReadonlySet<PendingRequest>,
  ): PendingRequest | 'none' | 'several' {
    if (streamId !== null) return this.find(streamId) ?? 'none';
    let newest: PendingRequest | null = null;
    for (const request of this.#table.values()) {
      if (request.call.caller === null || ruledOut?.has(request)) continue;
      if (newest !== null && !hasOneClient) return 'several';
      if (newest === null || newest.id < request.id) newest = request;
    }
    if (newest === null) return 'none';
    const isSure = hasOneClient || !this.#abandoned?.hasOthers(newest.call.caller, deadlines.clock.nowMs());
    return isSure ? newest : 'several';
  }

  /** A response belongs to no request that waits. */
  answeredLate(id: RequestId | null | undefined): void {
    const serial = serialOf(id);
    if (serial !== undefined) this.#abandoned?.answered(serial);
  }

  rejectAll(reason: unknown): void {
    for (const request of this.#table.values()) request.reject(reason);
  }

  /** Rejects the requests that the upstream has accepted, whose responses come on another stream. */
  rejectDeferred(reason: unknown): void {
    for (const request of this.#table.values()) if (request.isDeferred) request.reject(reason);
  }

  /** The requests of a method that wait. @param methodText its JSON text */
  ofMethod(methodText: string): PendingRequest[] {
    return [...this.#table.values()].filter(({ call }) => call.methodText === methodText);
  }

  /** Whether requests of clients wait. */
  get hasCalls(): boolean {
    for (const request of this.#table.values()) if (request.call.caller !== null) return true;
    return false;
  }

  /** Resolves when no request is left. */
  async idle(): Promise<void> {
    if (this.#table.size > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  onAnswered(request: PendingRequest, answer: ResponseMessage): void {
    this.#remove(request);
    this.#owner.onAnswered(request, answer);
    request.done.resolve(answer);
  }

  onFailed(request: PendingRequest, reason: unknown, isGivenUp: boolean): void {
    this.#remove(request);
    const { caller } = request.call;
    if (caller !== null && request.hasBegun) {
      this.#abandoned ??= new AbandonedCalls();
      this.#abandoned.add(request.id, caller, deadlines.clock.nowMs());
    }
    if (!isGivenUp) {
      request.done.reject(reason);
      return;
    }
    const given = request.aborted ? request.reason : reason;
    const failure = given instanceof UpstreamFailure ? given : cancelled();
    this.#owner.onGivenUp(request, failure);
    request.done.reject(failure);
  }

  #remove({ id }: PendingRequest): void {
    this.#table.delete(id);
    if (this.#table.size === 0) this.#onIdle?.();
  }
}

function tooManyRequests(): UpstreamFailure {
  return new UpstreamFailure('busy', `has ${maxRequestsInFlight} requests in flight, which is the limit`);
}
