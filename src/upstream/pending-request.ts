import { type MemberEdit, ObjectText } from '../json/object.ts';
import type { ResponseMessage } from '../protocol/messages.ts';
import type { Abort, Signal } from '../runtime/abort.ts';
import type { Completion } from '../runtime/completion.ts';
import { Deadline } from '../runtime/deadlines.ts';
import { UpstreamFailure } from './failure.ts';
import type { Sending } from './transport/sending.ts';
import type { RequestCompletion, Transport } from './transport/transport.ts';

/** Sent in place of absent params, which some servers refuse. */
const noParams = new ObjectText('{}');

/** A request to send upstream: what of an exchange concerns the session. */
export interface UpstreamCall {
  /** The JSON text of the method. */
  readonly methodText: string;
  readonly params: ObjectText | undefined;
  /** The `_meta` of the params. */
  readonly meta: ObjectText | undefined;
  /** Aborted when its client gives it up, and when its time is over. */
  readonly abort: Abort;
  /** Takes a notification's text, for the client whose call this is. */
  notify(message: string): Promise<void> | undefined;
}

/** The session in which a call runs. */
export interface CallOwner {
  /** The answer to `running` has come. */
  answered(running: PendingRequest, answer: ResponseMessage): void;
  /** No answer to `running` will come. */
  failed(running: PendingRequest, reason: unknown): void;
}

/** A request that was sent and has no answer yet. */
export class PendingRequest extends Deadline implements RequestCompletion {
  readonly id: number;
  readonly call: UpstreamCall;
  readonly timeoutMs: number;
  /** The JSON text of the params, with our id in place of the client's progress token. */
  readonly paramsText: string;
  /** The JSON text of the client's own progress token, where it sent one. */
  readonly progressToken: string | undefined;
  readonly done: Completion<ResponseMessage>;
  readonly #owner: CallOwner;
  /** What carries it, until that has told what became of it. */
  #sending: Sending | null = null;
  #over = false;
  /** Set while its answer is awaited on another stream than its own: fails it when it is given up. */
  #onAbort: (() => void) | null = null;

  /** @param target the member of the params that names the target, as the upstream knows it; null: the params stay */
  constructor(
    owner: CallOwner,
    id: number,
    call: UpstreamCall,
    target: MemberEdit | null,
    timeoutMs: number,
    done: Completion<ResponseMessage>,
  ) {
    super();
    this.done = done;
    this.#owner = owner;
    this.id = id;
    this.call = call;
    this.timeoutMs = timeoutMs;
    const { params = noParams, meta } = call;
    const token = meta?.member('progressToken');
    // A null token means none; an upstream may refuse it.
    const hasToken = token !== undefined && token !== 'null';
    this.progressToken = hasToken ? token : undefined;
    if (meta === undefined || token === undefined)
      this.paramsText = target === null ? params.toString() : params.with(target);
    else {
      const ownToken = { name: 'progressToken', value: String(id) };
      const value = hasToken ? meta.with(ownToken) : meta.without('progressToken');
      const edit = { name: '_meta', value };
      this.paramsText = target === null ? params.with(edit) : params.with(target, edit);
    }
  }

  expire(): void {
    this.call.abort.abort(new UpstreamFailure('timeout', `did not answer within ${this.timeoutMs / 1000} s`));
  }

  /** Has `transport` carry it, as `body`: the JSON text of the request. */
  send(transport: Transport, body: string): void {
    const sending = transport.request(this.id, body, this.call.abort, this);
    if (!this.#over) this.#sending = sending;
  }

  /** Whether its answer is awaited on another stream than its own. */
  get accepted(): boolean {
    return this.#onAbort !== null;
  }

  resolve(answer: ResponseMessage): void {
    if (this.#over) return;
    this.#end();
    this.#owner.answered(this, answer);
  }

  reject(reason: unknown): void {
    if (this.#over) return;
    this.#end();
    this.#owner.failed(this, reason);
  }

  defer(): void {
    if (this.#over) return;
    this.#sending = null;
    const { abort } = this.call;
    if (abort.aborted) {
      this.reject(abort.reason);
      return;
    }
    this.#onAbort = () => this.reject(abort.reason);
    abort.addEventListener('abort', this.#onAbort);
  }

  /** Lets go of its POST: it ends by what came on another stream than its own. */
  drop(): void {
    this.#sending?.drop();
  }

  #end(): void {
    this.#over = true;
    this.#sending = null;
    if (this.#onAbort) this.call.abort.removeEventListener('abort', this.#onAbort);
  }
}

/** The `initialize` that is under way. */
export class Opening implements RequestCompletion {
  readonly answer: Promise<ResponseMessage>;
  readonly resolve: (answer: ResponseMessage) => void;
  readonly reject: (reason: unknown) => void;
  readonly #signal: Signal;

  constructor(signal: Signal) {
    const { promise, resolve, reject } = Promise.withResolvers<ResponseMessage>();
    this.#signal = signal;
    this.answer = promise;
    this.resolve = resolve;
    this.reject = reject;
  }

  defer(): void {
    const give = () => this.reject(this.#signal.reason);
    if (this.#signal.aborted) give();
    else this.#signal.addEventListener('abort', give, { once: true });
  }

  drop(): void {
    // Its POST is given up with its signal.
  }
}
