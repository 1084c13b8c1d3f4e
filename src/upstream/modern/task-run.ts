import { Members, ObjectText } from '../../json/object.ts';
import { errorCodes } from '../../protocol/error-codes.ts';
import type { ResponseMessage } from '../../protocol/messages.ts';
import { isQuestionMethod, type QuestionAnswer, type QuestionMethod } from '../../protocol/questions.ts';
import { Abort } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import { type Deadline, deadlines, sleep } from '../../runtime/deadlines.ts';
import { freePayload, textOf } from '../../runtime/owned-bytes.ts';
import { cancelled, failureIn, UpstreamFailure } from '../failure.ts';
import type { UpstreamCall } from '../pending-request.ts';
import type { PendingRequests } from '../pending-requests.ts';
import { readResult } from './result.ts';
import { askAboutTask, cancelTask } from './task-requests.ts';

/** The wait between two looks at a task: by default, at least and at most. */
const defaultPollMs = 1_000;
const minPollMs = 50;
const maxPollMs = 60_000;
/** How often in a row a look may fail because of the connection. */
const maxFailures = 5;
/** How long the deadline of a call rests while its client is asked. */
const maxHoldMs = 600_000;
/** The most questions of a task. */
const maxQuestions = 1_000;

/**
 * A task that a server made of a call, for a client that knows no such tasks: the call waits for its end. MCP extension
 * `io.modelcontextprotocol/tasks`, Task Polling.
 */
export class TaskRun {
  readonly #owner: Pick<PendingRequests, 'start'>;
  readonly #call: UpstreamCall;
  readonly #done: Completion<ResponseMessage>;
  readonly #timeoutMs: number;
  readonly #abort = new Abort();
  #deadline: Deadline | null = null;
  #deadlineMs = 0;
  /** The keys of the questions that were asked. */
  readonly #asked = new Set<string>();
  /** The time for the server's own work that was left when the client was asked; null: nothing is being asked. */
  #restMs: number | null = null;
  /** The rounds of questions that the client has not answered yet. */
  #openRounds = 0;
  #taskId = '';

  constructor(
    owner: Pick<PendingRequests, 'start'>,
    call: UpstreamCall,
    timeoutMs: number,
    done: Completion<ResponseMessage>,
  ) {
    this.#owner = owner;
    this.#call = call;
    this.#timeoutMs = timeoutMs;
    this.#done = done;
  }

  /** Follows the task in `created` to its end. Does not reject. */
  async follow(created: ResponseMessage): Promise<void> {
    const { signal } = this.#call;
    const stop = () => this.#abort.abort(cancelled());
    this.#startDeadline(this.#timeoutMs, this.#lateMessage);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    let answer: ResponseMessage;
    try {
      const task = new ObjectText(textOf(created.payload));
      freePayload(created.payload);
      this.#taskId = task.string('taskId') ?? '';
      if (this.#taskId === '')
        throw new UpstreamFailure('protocol', 'answered with a task that has no taskId');
      answer = await this.#end(task);
    } catch (error) {
      // Its client no longer waits.
      if (this.#taskId !== '') cancelTask(this.#owner, this.#call, this.#taskId);
      // Withdraws what its client is being asked.
      this.#abort.abort(error);
      this.#done.reject(this.#abort.reason);
      return;
    } finally {
      this.#deadline?.clear();
      signal.removeEventListener('abort', stop);
    }
    // Withdraws what its client is still being asked.
    this.#abort.abort(cancelled());
    this.#done.resolve(answer);
  }

  #startDeadline(ms: number, message: string): void {
    this.#deadline?.clear();
    this.#deadlineMs = performance.now() + ms;
    this.#deadline = deadlines.add(ms, () => this.#abort.abort(new UpstreamFailure('timeout', message)));
  }

  /** Looks at the task until it ends. Resolves to the answer of the call. */
  async #end(created: ObjectText): Promise<ResponseMessage> {
    let task = created;
    let failures = 0;
    for (;;) {
      if (task.string('status') === 'input_required') this.#askQuestions(task);
      await this.#pause(task.number('pollIntervalMs') ?? defaultPollMs);
      try {
        const looked = await this.#ask('tasks/get', this.#params());
        failures = 0;
        task = new ObjectText(textOf(looked.payload));
        let answer: ResponseMessage | null = null;
        try {
          answer = this.#answerIn(task, looked);
        } finally {
          if (answer === null) freePayload(looked.payload);
        }
        if (answer) return answer;
      } catch (error) {
        const kind = failureIn(error)?.kind;
        if (this.#abort.aborted || (kind !== 'broken' && kind !== 'refused') || ++failures > maxFailures)
          throw error;
      }
    }
  }

  /** The answer of the call if the task has ended. */
  #answerIn(task: ObjectText, looked: ResponseMessage): ResponseMessage | null {
    const status = task.string('status');
    if (status === 'working' || status === 'input_required') return null;
    const member = status === 'completed' ? 'result' : 'error';
    const object = task.object(member);
    if (status === 'cancelled') throw new UpstreamFailure('returned_error', 'cancelled the task of the call');
    if (object === undefined)
      throw new UpstreamFailure(
        'protocol',
        `ended a task with status ${JSON.stringify(status)} and no ${member}`,
      );
    const text = object.toString();
    const payload = typeof looked.payload === 'string' ? text : looked.payload.replaced(text);
    const { id, start } = looked;
    const base = { kind: 'response', id, payload, start } as const;
    if (member === 'result') {
      const isError = object.isText('isError', 'true');
      const answer = { ...base, error: undefined, isError, result: new ObjectText(text) };
      return readResult(
        typeof payload === 'string' ? answer : { ...answer, place: placeIn(text) },
        this.#call.methodText,
      );
    }
    const error = {
      code: object.number('code') ?? errorCodes.internalError,
      message: object.string('message') ?? '',
    };
    return { ...base, error, isError: false };
  }

  /** Asks the client what the task needs. Meanwhile the task may end, because its server has given up. */
  #askQuestions(task: ObjectText): void {
    const requests = task.object('inputRequests');
    if (requests === undefined) return;
    const fresh = [...membersOf(requests)].filter(([key]) => !this.#asked.has(key));
    if (fresh.length === 0) return;
    for (const [key] of fresh) this.#asked.add(key);
    if (this.#asked.size > maxQuestions)
      throw new UpstreamFailure('protocol', `asks more than ${maxQuestions} questions for one task`);
    this.#holdDeadline();
    this.#answerQuestions(fresh).catch((error: unknown) => this.#abort.abort(error));
  }

  /** Passes the client's answers on to the server, once it has given all of them. */
  async #answerQuestions(fresh: readonly [string, ObjectText | undefined][]): Promise<void> {
    const answers = await Promise.all(
      fresh.map(async ([key, request]) => `${JSON.stringify(key)}:${await this.#question(request)}`),
    );
    if (this.#abort.aborted) return;
    this.#releaseDeadline();
    const updated = await this.#ask('tasks/update', this.#params(`,"inputResponses":{${answers.join(',')}}`));
    freePayload(updated.payload);
  }

  /** The client may take longer than the server's own work. */
  #holdDeadline(): void {
    this.#openRounds++;
    this.#restMs ??= Math.max(0, this.#deadlineMs - performance.now());
    this.#startDeadline(maxHoldMs, 'asked its client something for a task, which was not answered in time');
  }

  #releaseDeadline(): void {
    if (--this.#openRounds > 0 || this.#restMs === null) return;
    this.#startDeadline(this.#restMs, this.#lateMessage);
    this.#restMs = null;
  }

  get #lateMessage(): string {
    return `did not finish its task within ${Math.ceil(this.#timeoutMs / 1000)} s`;
  }

  /** Resolves to the JSON text of the client's answer. */
  async #question(request: ObjectText | undefined): Promise<string> {
    const method = request?.string('method') ?? '';
    if (!isQuestionMethod(method))
      throw new UpstreamFailure('protocol', 'asks for something unknown in a task');
    const paramsText = request?.object('params')?.toString() ?? '{}';
    const answer = Promise.withResolvers<QuestionAnswer>();
    this.#call.ask({ method, paramsText, signal: this.#abort }, answer);
    const { kind, text } = await answer.promise;
    return kind === 'result' ? text : refusal(method, text);
  }

  #params(more = ''): ObjectText {
    return new ObjectText(`{"taskId":${JSON.stringify(this.#taskId)}${more}}`);
  }

  async #pause(ms: number): Promise<void> {
    await sleep(Math.min(Math.max(ms, minPollMs), maxPollMs), this.#abort);
    if (this.#abort.aborted) throw this.#abort.reason;
  }

  /** Sends a request about the task for the same client. Rejects if it is answered with an error. */
  #ask(method: string, params: ObjectText): Promise<ResponseMessage> {
    const { caller } = this.#call;
    return askAboutTask(this.#owner, this.#call, { method, params, signal: this.#abort, caller });
  }
}

/** A refusal has no shape in an answer: a question to the user counts as dismissed, another one ends the call. */
function refusal(method: QuestionMethod, errorText: string): string {
  if (method === 'elicitation/create') return '{"action":"cancel"}';
  const message = new ObjectText(errorText).string('message') ?? 'it was refused';
  throw new UpstreamFailure(
    'returned_error',
    `asked its client (${method}), which did not answer: ${message}`,
  );
}

function* membersOf(object: ObjectText): Generator<[string, ObjectText | undefined]> {
  const member = new Members(object.toString());
  while (member.next()) {
    const value = member.value();
    yield [member.key(), typeof value === 'string' ? undefined : value];
  }
}

function placeIn(text: string): (index: number) => number {
  return (index) => Buffer.byteLength(text.slice(0, index));
}
