import { type MemberEdit, ObjectText } from '../../json/object.ts';
import type { TraceSpan } from '../../observability/tracing.ts';
import type { Caller } from '../../protocol/caller.ts';
import type { Exchange } from '../../protocol/exchange.ts';
import type { ResponseMessage } from '../../protocol/messages.ts';
import type { Question, QuestionAnswer } from '../../protocol/questions.ts';
import { Abort, type Signal } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import { deadlines } from '../../runtime/deadlines.ts';
import { freePayload, textOf } from '../../runtime/owned-bytes.ts';
import { toFailure } from '../../upstream/failure.ts';
import type { UpstreamCall } from '../../upstream/pending-request.ts';
import type { Upstream } from '../../upstream/upstream.ts';
import { askUpstream } from '../inner-call.ts';
import { withoutRelatedId, withoutRelatedTask } from './task-texts.ts';

/** How long the upstream may take to accept that a task is cancelled. */
const cancelTimeoutMs = 10_000;

/**
 * Calls a tool of a legacy server that runs as a task only, for a client whose era has no such calls: makes the task and waits for
 * its result. Resolves to the response to the call. Rejects with an `UpstreamFailure`; then the task is cancelled.
 * MCP 2025-11-25, Tasks, Tool-Level Negotiation.
 * @param target the member of the params that names the tool to its upstream
 */
export async function callAsTask(
  upstream: Upstream,
  exchange: Exchange,
  target: MemberEdit,
): Promise<ResponseMessage> {
  const { params = new ObjectText('{}'), meta } = exchange;
  const call = new ObjectText(params.with(target, { name: 'task', value: '{}' }));
  const made = await sent(upstream, new TaskStep(exchange, 'tools/call', call, meta));
  const id = readOf(made, madeId);
  if (id === undefined) return made;
  freePayload(made.payload);
  const taskParams = JSON.stringify({ taskId: id });
  try {
    const ended = await sent(upstream, new TaskStep(exchange, 'tasks/result', new ObjectText(taskParams)));
    return readOf(ended, withoutRelatedTask);
  } catch (error) {
    cancel(upstream, exchange, taskParams);
    throw error;
  }
}

function madeId({ error, payload }: ResponseMessage): string | undefined {
  return error ? undefined : new ObjectText(textOf(payload)).object('task')?.string('taskId');
}

/** What `read` finds in an answer. One that cannot be read is freed; then it throws an `UpstreamFailure`. */
function readOf<T>(answer: ResponseMessage, read: (answer: ResponseMessage) => T): T {
  try {
    return read(answer);
  } catch (error) {
    freePayload(answer.payload);
    throw toFailure(error);
  }
}

function sent(upstream: Upstream, step: TaskStep): Promise<ResponseMessage> {
  const answer = Promise.withResolvers<ResponseMessage>();
  upstream.call(step, null, !step.makesTask, answer);
  return answer.promise;
}

/** A request by which the gateway makes a task of a client's call, or waits for its result. Its messages go to the client. */
class TaskStep implements UpstreamCall {
  readonly methodText: string;
  readonly params: ObjectText;
  readonly meta: ObjectText | undefined;
  readonly makesTask: boolean;
  readonly #exchange: Exchange;

  /** @param meta of the params of the call that makes the task */
  constructor(exchange: Exchange, method: string, params: ObjectText, meta?: ObjectText) {
    this.methodText = JSON.stringify(method);
    this.params = params;
    this.meta = meta;
    this.makesTask = method === 'tools/call';
    this.#exchange = exchange;
  }

  get signal(): Signal {
    return this.#exchange.signal;
  }
  get caller(): Caller {
    return this.#exchange.caller;
  }
  get trace(): TraceSpan | undefined {
    return this.#exchange.trace;
  }

  notify(method: string, paramsText?: string): Promise<void> | undefined {
    return this.#exchange.notify(method, paramsText && withoutRelatedId(new ObjectText(paramsText)));
  }

  ask(question: Question, done: Completion<QuestionAnswer>): void {
    this.#exchange.ask(question, done);
  }
}

/** Nobody will ask for the task any more. */
function cancel(upstream: Upstream, exchange: Exchange, taskParams: string): void {
  const signal = new Abort();
  const deadline = deadlines.add(cancelTimeoutMs, () => signal.abort());
  askUpstream(upstream, exchange, 'tasks/cancel', taskParams, signal)
    .catch(() => {})
    .finally(() => deadline.clear());
}
