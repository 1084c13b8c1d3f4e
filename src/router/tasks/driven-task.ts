import { ObjectText } from '../../json/object.ts';
import type { Exchange } from '../../protocol/exchange.ts';
import type { ResponseMessage } from '../../protocol/messages.ts';
import { isQuestionMethod, type QuestionAnswer } from '../../protocol/questions.ts';
import { Abort } from '../../runtime/abort.ts';
import { sleep } from '../../runtime/deadlines.ts';
import { textOf } from '../../runtime/owned-bytes.ts';
import { cancelled, errorAnswered, UpstreamFailure } from '../../upstream/failure.ts';
import type { Upstream } from '../../upstream/upstream.ts';
import { askUpstream } from '../inner-call.ts';

/** The pause between two looks at a task: as its server suggests, within these bounds. */
const defaultPollMs = 1_000;
const minPollMs = 50;
const maxPollMs = 30_000;
/** The longest life of a task, however much it changes. */
const maxTaskMs = 24 * 3_600_000;
/** How long its server may take to accept that a task is cancelled. */
const cancelTimeoutMs = 10_000;

/** Drives a task of an upstream to its end for a client that knows no tasks: SEP-2663, Polymorphic Results. */
export class DrivenTask {
  readonly #upstream: Upstream;
  readonly #exchange: Exchange;
  readonly #idText: string;
  /** The keys of the questions that the client has been asked. */
  readonly #asked = new Set<string>();
  /** When the task must end, unless it changes before. */
  #deadlineMs = 0;
  #lastChange = '';
  readonly #endMs = performance.now() + maxTaskMs;

  constructor(upstream: Upstream, exchange: Exchange, id: string) {
    this.#upstream = upstream;
    this.#exchange = exchange;
    this.#idText = JSON.stringify(id);
  }

  /**
   * Resolves to the response to the request that made the task. Rejects with an `UpstreamFailure`; then the task is cancelled.
   * @param created the result that announced it
   */
  async response(created: ObjectText): Promise<ResponseMessage> {
    try {
      for (let task = created; ; task = await this.#next(task)) {
        const end = endOf(task);
        if (end) return end;
        await this.#answerQuestions(task);
      }
    } catch (error) {
      this.#cancel();
      throw this.#exchange.signal.aborted ? cancelled() : error;
    }
  }

  async #next(task: ObjectText): Promise<ObjectText> {
    const pollMs = task.number('pollIntervalMs') ?? defaultPollMs;
    this.#checkDeadline(task);
    if (!(await sleep(Math.min(Math.max(pollMs, minPollMs), maxPollMs), this.#exchange.signal)))
      throw cancelled();
    return this.#ask('tasks/get', `{"taskId":${this.#idText}}`);
  }

  #checkDeadline(task: ObjectText): void {
    const { request_seconds } = this.#upstream.config.timeouts;
    const nowMs = performance.now();
    const change = `${task.member('status')} ${task.member('lastUpdatedAt')} ${task.member('statusMessage')}`;
    if (change !== this.#lastChange) {
      this.#lastChange = change;
      this.#deadlineMs = nowMs + request_seconds * 1000;
      this.#tellProgress(task);
    }
    if (nowMs > Math.min(this.#deadlineMs, this.#endMs))
      throw new UpstreamFailure('timeout', `did not go on with its task within ${request_seconds} s`);
  }

  /** Tells a client that wants progress that the task has changed. */
  #tellProgress(task: ObjectText): void {
    const progressToken = this.#exchange.meta?.member('progressToken');
    const message = task.member('statusMessage');
    if (progressToken === undefined || progressToken === 'null' || message === undefined) return;
    const progress = Math.round(performance.now() - this.#exchange.startMs);
    const params = `{"progressToken":${progressToken},"progress":${progress},"message":${message}}`;
    void this.#exchange.notify('notifications/progress', params);
  }

  /** Asks the client what the task's server wants to know, each question once and all at a time. */
  async #answerQuestions(task: ObjectText): Promise<void> {
    const requests = Object.entries(
      JSON.parse(task.object('inputRequests')?.toString() ?? '{}') as Record<string, unknown>,
    );
    const fresh = requests.filter(([key]) => !this.#asked.has(key));
    if (task.string('status') !== 'input_required' || fresh.length === 0) return;
    for (const [key] of fresh) this.#asked.add(key);
    const answers = await Promise.all(
      fresh.map(async ([key, request]) => `${JSON.stringify(key)}:${await this.#answerTo(request)}`),
    );
    await this.#ask('tasks/update', `{"taskId":${this.#idText},"inputResponses":{${answers.join(',')}}}`);
  }

  async #answerTo(request: unknown): Promise<string> {
    const { method, params = {} } = request as { method?: unknown; params?: object };
    if (typeof method !== 'string' || !isQuestionMethod(method))
      throw new UpstreamFailure('protocol', 'its task asks the client something that is no question');
    const { promise, resolve, reject } = Promise.withResolvers<QuestionAnswer>();
    const question = { method, paramsText: JSON.stringify(params), signal: new Abort() };
    this.#exchange.ask(question, { resolve, reject });
    const { kind, text } = await promise;
    if (kind === 'result') return text;
    // Only an elicitation has an answer that is a refusal.
    if (method === 'elicitation/create') return '{"action":"cancel"}';
    const message = new ObjectText(text).string('message') ?? 'without a reason';
    throw new UpstreamFailure('returned_error', `the client does not answer ${method}: ${message}`);
  }

  async #ask(method: string, paramsText: string): Promise<ObjectText> {
    const response = await askUpstream(this.#upstream, this.#exchange, method, paramsText);
    if (response.error) throw errorAnswered(response, response.error);
    return new ObjectText(textOf(response.payload));
  }

  /** Nobody will ask for the task any more. */
  #cancel(): void {
    const params = `{"taskId":${this.#idText}}`;
    const signal = new Abort();
    const timer = setTimeout(() => signal.abort(), cancelTimeoutMs);
    askUpstream(this.#upstream, this.#exchange, 'tasks/cancel', params, signal)
      .catch(() => {})
      .finally(() => clearTimeout(timer));
  }
}

/** The response that a task has ended with; null while it goes on. */
function endOf(task: ObjectText): ResponseMessage | null {
  switch (task.string('status')) {
    case 'completed': {
      const result = task.object('result');
      if (result === undefined) throw new UpstreamFailure('protocol', 'its task ended without a result');
      const isError = result.isText('isError', 'true');
      const payload = result.toString();
      return { kind: 'response', id: null, error: undefined, isError, payload, start: 0 };
    }
    case 'failed': {
      const error = task.object('error');
      const code = error?.number('code');
      const message = error?.string('message');
      if (error === undefined || code === undefined || message === undefined)
        throw new UpstreamFailure('protocol', 'its task failed without an error');
      const payload = error.toString();
      return { kind: 'response', id: null, error: { code, message }, isError: false, payload, start: 0 };
    }
    case 'cancelled':
      throw new UpstreamFailure('returned_error', 'cancelled the task of the request');
    default:
      return null;
  }
}
