import { ObjectText } from '../../json/object.ts';
import { errorCodes } from '../../protocol/error-codes.ts';
import type { ResponseMessage, RpcError } from '../../protocol/messages.ts';
import { type Question, type QuestionAnswer, refusedQuestion } from '../../protocol/questions.ts';
import type { Signal } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import { freePayload } from '../../runtime/owned-bytes.ts';
import { type FailureKind, failureIn, sessionLossIn, UpstreamFailure } from '../failure.ts';
import type { PendingRequests } from '../pending-requests.ts';

/** The failures that an answer of the upstream means. */
const refusalKinds: readonly FailureKind[] = ['returned_error', 'unsupported', 'protocol'];

/** The gateway's own requests in a session. */
export class OwnRequests {
  readonly #requests: Pick<PendingRequests, 'start'>;
  readonly #quote: (text: string) => string;
  readonly #pingMethod: string;

  /** @param pingMethod what every server of the era answers */
  constructor(
    requests: Pick<PendingRequests, 'start'>,
    quote: (text: string) => string,
    pingMethod = 'ping',
  ) {
    this.#requests = requests;
    this.#quote = quote;
    this.#pingMethod = pingMethod;
  }

  /**
   * Sends a request that changes nothing. It is sent a second time if its connection breaks, which may be one that the server
   * closes while it is used again.
   */
  async ask(method: string, paramsText: string, timeoutMs: number, signal: Signal): Promise<ResponseMessage> {
    try {
      return await this.askOnce(method, paramsText, timeoutMs, signal);
    } catch (error) {
      if (failureIn(error)?.kind !== 'broken') throw error;
      return this.askOnce(method, paramsText, timeoutMs, signal);
    }
  }

  /** @param timeoutMs infinite: until the signal is aborted */
  askOnce(method: string, paramsText: string, timeoutMs: number, signal: Signal): Promise<ResponseMessage> {
    const call = {
      methodText: JSON.stringify(method),
      params: new ObjectText(paramsText),
      meta: undefined,
      signal,
      notify: () => undefined,
      ask: ({ method }: Question, done: Completion<QuestionAnswer>) =>
        done.resolve(refusedQuestion(method, 'no client waits for this request')),
      caller: null,
    };
    const answer = Promise.withResolvers<ResponseMessage>();
    this.#requests.start(call, null, timeoutMs, answer);
    return answer.promise;
  }

  /**
   * MCP 2025-11-25, Ping, or 2026-07-28, Discovery. A server that does not know `ping` knows the session; all modern ones know the
   * other method.
   */
  async ping(timeoutMs: number, signal: Signal): Promise<void> {
    const { error, payload } = await this.ask(this.#pingMethod, '{}', timeoutMs, signal);
    freePayload(payload);
    const isUnknown = error?.code === errorCodes.methodNotFound && this.#pingMethod === 'ping';
    if (error && !isUnknown) throw this.refusal('a ping', error);
  }

  /** The failure of a request that the upstream answered with an error. */
  refusal(what: string, { code, message }: RpcError): UpstreamFailure {
    const reason = this.#quote(message);
    return new UpstreamFailure(
      'returned_error',
      `refused ${what}: ${reason === '' ? '' : `${reason} `}(error ${code})`,
      sessionLossIn({ code, message }) ?? undefined,
    );
  }
}

/** Whether an error means that the upstream has answered, though not well. */
export function isRefusal(error: unknown, ...more: FailureKind[]): boolean {
  const failure = failureIn(error);
  return failure !== null && [...refusalKinds, ...more].includes(failure.kind);
}
