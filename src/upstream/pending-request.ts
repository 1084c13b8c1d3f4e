import { ObjectText } from '../json/object.ts';
import type { ResponseMessage } from '../protocol/messages.ts';
import type { Abort, Signal } from '../runtime/abort.ts';
import { Deadline } from '../runtime/deadlines.ts';
import { UpstreamFailure } from './failure.ts';
import type { Sending } from './transport/sending.ts';
import type { AnswerTaker, RequestTaker, Transport } from './transport/transport.ts';

/** A request to send upstream: what of an exchange concerns the session. */
export interface UpstreamCall {
  /** The JSON text of the method. */
  readonly methodText: string;
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
export class PendingRequest extends Deadline implements RequestTaker {
  readonly id: number;
  readonly call: UpstreamCall;
  readonly timeoutMs: number;
  /** The JSON text of the params, with our id in place of the client's progress token. */
  readonly paramsText: string;
  /** The JSON text of the client's own progress token, where it sent one. */
  readonly progressToken: string | undefined;
  readonly taker: AnswerTaker;
  readonly #owner: CallOwner;
  /** What carries it, until that has told what became of it. */
  #sending: Sending | null = null;
  #over = false;
  /** Set while its answer is awaited on another stream than its own: fails it when it is given up. */
  #onAbort: (() => void) | null = null;

  /** @param paramsText the params as the upstream is to see them but for the progress token, as JSON text */
  constructor(
    owner: CallOwner,
    id: number,
    call: UpstreamCall,
    paramsText: string,
    timeoutMs: number,
    taker: AnswerTaker,
  ) {
    super();
    this.taker = taker;
    this.#owner = owner;
    this.id = id;
    this.call = call;
    this.timeoutMs = timeoutMs;
    const { meta } = call;
    const token = meta?.member('progressToken');
    this.progressToken = token;
    if (meta === undefined || token === undefined) this.paramsText = paramsText;
    else if (token === 'null') {
      // It means absent, and an upstream may refuse it.
      this.progressToken = undefined;
      this.paramsText = new ObjectText(paramsText).with('_meta', meta.without('progressToken'));
    } else {
      this.paramsText = new ObjectText(paramsText).with('_meta', meta.with('progressToken', String(id)));
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

  onAnswer(answer: ResponseMessage): void {
    if (this.#over) return;
    this.#end();
    this.#owner.answered(this, answer);
  }

  onFailure(reason: unknown): void {
    if (this.#over) return;
    this.#end();
    this.#owner.failed(this, reason);
  }

  onAccepted(): void {
    if (this.#over) return;
    this.#sending = null;
    const { abort } = this.call;
    if (abort.aborted) {
      this.onFailure(abort.reason);
      return;
    }
    this.#onAbort = () => this.onFailure(abort.reason);
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
export class Opening implements RequestTaker {
  readonly answer: Promise<ResponseMessage>;
  readonly onAnswer: (answer: ResponseMessage) => void;
  readonly onFailure: (reason: unknown) => void;
  readonly #signal: Signal;

  constructor(signal: Signal) {
    const { promise, resolve, reject } = Promise.withResolvers<ResponseMessage>();
    this.#signal = signal;
    this.answer = promise;
    this.onAnswer = resolve;
    this.onFailure = reject;
  }

  onAccepted(): void {
    const give = () => this.onFailure(this.#signal.reason);
    if (this.#signal.aborted) give();
    else this.#signal.addEventListener('abort', give, { once: true });
  }

  drop(): void {
    // Its POST is given up with its signal.
  }
}
