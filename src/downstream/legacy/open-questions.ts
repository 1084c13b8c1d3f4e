import type { DownstreamMetrics, QuestionResult } from '../../observability/downstream-metrics.ts';
import { notificationText, type RequestId, requestText, serialOf } from '../../protocol/messages.ts';
import { type Question, type QuestionAnswer, questions, refusedQuestion } from '../../protocol/questions.ts';
import type { Signal } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import { LinkedList, LinkedNode } from '../../runtime/linked-list.ts';

/** The open questions of one session, and of one of its calls. */
const maxOpen = 1_000;
const maxOpenOfCall = 100;

/** The call that a question belongs to, and the way to its client. */
export interface Asker {
  /** Aborted when the client cancels the call. */
  readonly signal: Signal;
  /** The call's open questions. Only {@link OpenQuestions} changes it. */
  openQuestions: number;
  /** Sends a request to the client, ahead of the answer. Returns the number of its event, or null if the client cannot get it. */
  sendQuestion(message: string): number | null;
  /** Keeps a client that resumes its stream from getting a question that is over. @param event as {@link sendQuestion} returned it */
  forgetQuestion(event: number): void;
  /** Sends a notification to the client, unless the call has its answer. */
  sendNotice(message: string): void;
}

/** A request to the client that it has not answered. */
class ClientQuestion extends LinkedNode {
  readonly id: number;
  readonly question: Question;
  readonly asker: Asker;
  readonly done: Completion<QuestionAnswer>;
  /** The number of the event that carries it; null until it is sent. */
  event: number | null = null;
  readonly #onAbort: (question: ClientQuestion, reason: unknown) => void;

  constructor(
    id: number,
    question: Question,
    asker: Asker,
    done: Completion<QuestionAnswer>,
    onAbort: (question: ClientQuestion, reason: unknown) => void,
  ) {
    super();
    this.id = id;
    this.question = question;
    this.asker = asker;
    this.done = done;
    this.#onAbort = onAbort;
    asker.openQuestions++;
    asker.signal.addEventListener('abort', this);
    question.signal.addEventListener('abort', this);
  }

  /** The call or the question is aborted. */
  handleEvent(): void {
    const { signal } = this.question.signal.aborted ? this.question : this.asker;
    this.#onAbort(this, signal.reason);
  }

  /** Ends the wait. */
  close(): void {
    this.unlink();
    if (this.event !== null) this.asker.forgetQuestion(this.event);
    this.asker.openQuestions--;
    this.asker.signal.removeEventListener('abort', this);
    this.question.signal.removeEventListener('abort', this);
  }
}

/** The requests to the client of a session that it has not answered. Their ids are the session's own. */
export class OpenQuestions {
  readonly #metrics: DownstreamMetrics;
  readonly #open = new LinkedList<ClientQuestion>();
  #lastId: number;
  /** Why nothing is asked any more, or null. */
  #closedBecause: string | null = null;

  /** @param lastId the id before the first one */
  constructor(metrics: DownstreamMetrics, lastId: number) {
    this.#metrics = metrics;
    this.#lastId = lastId;
  }

  /**
   * Sends a question to the client. `done` resolves to its answer, or at once to a refusal; it rejects when the question or its
   * call is aborted before. MCP 2025-11-25, Transports, Sending Messages to the Server.
   */
  ask(question: Question, asker: Asker, done: Completion<QuestionAnswer>): void {
    const { method, paramsText, signal } = question;
    const aborted = signal.aborted ? signal : asker.signal;
    if (aborted.aborted) {
      this.#count(question, 'expired');
      done.reject(aborted.reason);
      return;
    }
    if (this.#closedBecause !== null) {
      this.#refuse(question, this.#closedBecause, done);
      return;
    }
    if (this.#open.size >= maxOpen || asker.openQuestions >= maxOpenOfCall) {
      this.#refuse(question, 'the client has too many unanswered requests', done);
      return;
    }
    const id = ++this.#lastId;
    const open = new ClientQuestion(id, question, asker, done, (...ended) => this.#withdraw(...ended));
    this.#open.add(open);
    open.event = asker.sendQuestion(requestText(String(id), JSON.stringify(method), paramsText));
    if (open.event !== null) return;
    open.close();
    this.#refuse(question, 'the client is disconnected', done);
  }

  /**
   * Passes the client's answer on.
   * @param id as the client sent it; null if it names none
   * @returns whether the question was open
   */
  answer(id: RequestId | null, answer: QuestionAnswer, result: QuestionResult): boolean {
    const serial = serialOf(id);
    for (let open = this.#open.first; open; open = open.next as ClientQuestion | null) {
      if (open.id !== serial) continue;
      open.close();
      this.#count(open.question, result);
      open.done.resolve(answer);
      return true;
    }
    return false;
  }

  /** Withdraws the questions of a call that has its answer. */
  endCall(asker: Asker): void {
    for (const open of this.#open)
      if (open.asker === asker)
        this.#withdraw(open, new Error('the request that caused the question has ended'));
  }

  /** Refuses all questions, open ones and others. @param why tells it to the servers' developers */
  close(why: string): void {
    this.#closedBecause = why;
    for (const open of this.#open) {
      open.close();
      this.#cancel(open);
      this.#refuse(open.question, why, open.done);
    }
  }

  #withdraw(open: ClientQuestion, reason: unknown): void {
    open.close();
    this.#count(open.question, 'expired');
    this.#cancel(open);
    open.done.reject(reason);
  }

  /** Tells the client that no answer is wanted. MCP 2025-11-25, Cancellation. */
  #cancel(open: ClientQuestion): void {
    const params = `{"requestId":${open.id},"reason":"no longer needed"}`;
    open.asker.sendNotice(notificationText('notifications/cancelled', params));
  }

  #refuse(question: Question, why: string, done: Completion<QuestionAnswer>): void {
    this.#count(question, 'refused');
    done.resolve(refusedQuestion(question.method, why));
  }

  #count({ method }: Question, result: QuestionResult): void {
    this.#metrics.questionEnded(questions[method].capability, result);
  }
}
