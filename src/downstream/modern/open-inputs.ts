import type { QuestionResult } from '../../observability/downstream-metrics.ts';
import { missingCapability } from '../../protocol/client-capabilities.ts';
import {
  type Question,
  type QuestionAnswer,
  type QuestionMethod,
  questions,
  refusedQuestion,
} from '../../protocol/questions.ts';
import type { Completion } from '../../runtime/completion.ts';
import { type InputQuestion, modernParams } from './input-required.ts';
import type { InputResponses } from './input-responses.ts';

/** The open questions of one call. */
const maxOpen = 100;

/** A question that the client has not answered. */
interface OpenInput {
  readonly key: string;
  readonly question: Question;
  /** The JSON of its params, as clients of the modern era know them. */
  readonly paramsText: string;
  readonly done: Completion<QuestionAnswer>;
  readonly onAbort: () => void;
}

/** The questions of one call that its client has not answered, in order, under keys of ours. */
export class OpenInputs {
  readonly #count: (method: QuestionMethod, result: QuestionResult) => void;
  #open: OpenInput[] = [];
  /** The number of questions so far. */
  #total = 0;

  /** @param count counts each question once, when it has ended */
  constructor(count: (method: QuestionMethod, result: QuestionResult) => void) {
    this.#count = count;
  }

  get isEmpty(): boolean {
    return this.#open.length === 0;
  }
  get isFull(): boolean {
    return this.#open.length >= maxOpen;
  }

  add(question: Question, done: Completion<QuestionAnswer>): void {
    const key = `${questions[question.method].capability}-${++this.#total}`;
    const input: OpenInput = {
      key,
      question,
      paramsText: modernParams(question.method, question.paramsText),
      done,
      onAbort: () => this.#withdraw(input, question.signal.reason),
    };
    this.#open.push(input);
    if (question.signal.aborted) input.onAbort();
    else question.signal.addEventListener('abort', input.onAbort, { once: true });
  }

  /** The questions for the client. */
  requests(): InputQuestion[] {
    return this.#open.map(({ key, question: { method }, paramsText }) => ({ key, method, paramsText }));
  }

  /** The open questions that are answered. Throws `invalid_params` if an answer is malformed. */
  answersIn(responses: InputResponses): { readonly input: OpenInput; readonly response: string }[] {
    return this.#open.flatMap((input) => {
      const response = responses.answerTo(input.key, input.question.method);
      return response === undefined ? [] : [{ input, response: response.toString() }];
    });
  }

  /** Passes a client's answer on, unless the question has ended. */
  resolve(input: OpenInput, response: string, responses: InputResponses): void {
    if (!this.#remove(input)) return;
    this.#count(input.question.method, responses.resultOf(input.key));
    input.done.resolve({ kind: 'result', text: response });
  }

  /** Refuses the questions that a client with these capabilities cannot answer. */
  refuseOthers(capabilities: string): void {
    for (const input of this.#open.slice()) {
      const { method, paramsText } = input.question;
      const missing = missingCapability(capabilities, method, paramsText);
      if (missing === null || !this.#remove(input)) continue;
      this.#count(method, 'refused');
      input.done.resolve(refusedQuestion(method, `the client did not declare the capability "${missing}"`));
    }
  }

  rejectAll(reason: unknown): void {
    for (const input of this.#open.slice()) this.#withdraw(input, reason);
  }

  #withdraw(input: OpenInput, reason: unknown): void {
    if (!this.#remove(input)) return;
    this.#count(input.question.method, 'expired');
    input.done.reject(reason);
  }

  /** Returns whether it was open. */
  #remove(input: OpenInput): boolean {
    if (!this.#open.includes(input)) return false;
    this.#open = this.#open.filter((one) => one !== input);
    input.question.signal.removeEventListener('abort', input.onAbort);
    return true;
  }
}
