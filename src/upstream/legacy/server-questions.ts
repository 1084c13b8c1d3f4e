import type { ObjectText } from '../../json/object.ts';
import { errorCodes } from '../../protocol/error-codes.ts';
import { errorText, type RequestMessage, resultText } from '../../protocol/messages.ts';
import {
  type Question,
  type QuestionAnswer,
  type QuestionMethod,
  refusedQuestion,
} from '../../protocol/questions.ts';
import { Abort } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import type { HeldQuestion, PendingRequest } from '../pending-request.ts';

/** The most open questions of one session. */
const maxQuestions = 10_000;

/** The request that a message belongs to, or why that is unknown. */
type Concerned = PendingRequest | 'none' | 'several';

interface QuestionsOwner {
  /** Whether many clients share the session. */
  readonly isShared: boolean;
  /** A question has no client to be asked. */
  onRefused(method: QuestionMethod): void;
  /** Sends the answer to a question. */
  send(body: string): void;
}

/**
 * The questions that the server of a session asks while it works on a call. Each goes to the client of that call, and what it
 * answers goes back under the server's own id. MCP 2025-11-25, Client Features.
 */
export class ServerQuestions {
  readonly #owner: QuestionsOwner;
  readonly #open = new Set<AskedQuestion>();

  constructor(owner: QuestionsOwner) {
    this.#owner = owner;
  }

  /**
   * @param concerned the request that the question belongs to, or why that is unknown
   * @param others the request that it may belong to as well, of those not ruled out because they are over
   */
  take(
    { idText, params }: RequestMessage,
    method: QuestionMethod,
    concerned: Concerned,
    others: (ruledOut: ReadonlySet<PendingRequest>) => Concerned = () => 'none',
  ): void {
    const problem = this.#problem(concerned);
    if (typeof concerned === 'string' || problem !== null) {
      this.#owner.onRefused(method);
      this.#owner.send(answerText(idText, refusedQuestion(method, problem ?? '')));
      return;
    }
    const isSampling = method === 'sampling/createMessage';
    const paramsText = params === undefined ? '{}' : isSampling ? this.#sampling(params) : params.toString();
    const ruledOut = new Set<PendingRequest>();
    const ask = (request: PendingRequest) => {
      const question = new AskedQuestion(idText, method, paramsText, request, (answer, isRequestOver) => {
        this.#open.delete(question);
        request.release(question);
        const next = isRequestOver ? others(ruledOut.add(request)) : 'none';
        if (typeof next !== 'string') ask(next);
        else if (answer) this.#owner.send(answerText(idText, answer));
      });
      this.#open.add(question);
      request.hold(question);
      try {
        request.call.ask(question, question);
      } catch {
        // A question that cannot be read must not end the stream that it came on.
        question.fail();
      }
    };
    ask(concerned);
  }

  /**
   * The server no longer wants an answer. MCP 2025-11-25, Cancellation.
   * @param streamId the id of the request on whose stream it says so; null: a shared stream
   */
  withdraw(idText: string | undefined, streamId: number | null): void {
    for (const question of this.#open)
      if (question.idText === idText && (streamId === null || streamId === question.requestId))
        question.withdraw();
  }

  /** Why the question cannot be asked, in words for the server's developer; null: it can. */
  #problem(concerned: Concerned): string | null {
    if (concerned === 'none') return 'No call of a client is running that the request could belong to';
    if (concerned === 'several')
      return (
        'Several calls of clients are running, or were given up lately, and on a shared stream nothing tells which of them ' +
        'the request belongs to. ' +
        'Send it on the stream of its call, or set "isolation: session" for this server in the configuration of mcpstead'
      );
    return this.#open.size < maxQuestions ? null : `More than ${maxQuestions} requests are open`;
  }

  /** A client must not see the context of others. MCP 2025-11-25, Sampling, `includeContext`. */
  #sampling(params: ObjectText): string {
    const hasContext = this.#owner.isShared && params.member('includeContext') !== undefined;
    return hasContext ? params.with({ name: 'includeContext', value: '"none"' }) : params.toString();
  }
}

/** A question that a client has been asked, and the completion for its answer. */
class AskedQuestion implements Question, HeldQuestion, Completion<QuestionAnswer> {
  readonly idText: string;
  readonly method: QuestionMethod;
  readonly paramsText: string;
  readonly signal = new Abort();
  readonly requestId: number;
  /** Null once it is over. */
  #onOver: ((answer: QuestionAnswer | null, isRequestOver: boolean) => void) | null;

  /** @param onOver called once, with the answer for the server, or null if it wants none, and whether the request is over */
  constructor(
    idText: string,
    method: QuestionMethod,
    paramsText: string,
    { id }: PendingRequest,
    onOver: (answer: QuestionAnswer | null, isRequestOver: boolean) => void,
  ) {
    this.idText = idText;
    this.method = method;
    this.paramsText = paramsText;
    this.requestId = id;
    this.#onOver = onOver;
  }

  resolve(answer: QuestionAnswer): void {
    this.#end(answer);
  }

  reject(_reason: unknown): void {
    this.#end(failed('The client has not answered'), true);
  }

  fail(): void {
    this.#end(failed('The client cannot be asked this'));
  }

  withdraw(): void {
    this.#end(null);
    this.signal.abort();
  }

  onRequestOver(): void {
    this.#end(failed('The call that the request belongs to is over'), true);
    this.signal.abort();
  }

  #end(answer: QuestionAnswer | null, isRequestOver = false): void {
    const onOver = this.#onOver;
    this.#onOver = null;
    onOver?.(answer, isRequestOver);
  }
}

function failed(message: string): QuestionAnswer {
  return { kind: 'error', text: JSON.stringify({ code: errorCodes.internalError, message }) };
}

function answerText(idText: string, { kind, text }: QuestionAnswer): string {
  return kind === 'result' ? resultText(idText, text) : errorText(idText, text);
}
