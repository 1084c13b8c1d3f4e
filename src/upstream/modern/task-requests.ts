import { ObjectText } from '../../json/object.ts';
import type { Caller } from '../../protocol/caller.ts';
import { tasksExtension } from '../../protocol/extensions.ts';
import type { ResponseMessage } from '../../protocol/messages.ts';
import { Abort, type Signal } from '../../runtime/abort.ts';
import { deadlines } from '../../runtime/deadlines.ts';
import { freePayload } from '../../runtime/owned-bytes.ts';
import { UpstreamFailure } from '../failure.ts';
import type { UpstreamCall } from '../pending-request.ts';
import type { PendingRequests } from '../pending-requests.ts';

/** How long the server may take to accept that a task is cancelled. */
const cancelTimeoutMs = 10_000;

/** A request about one task. */
interface TaskRequest {
  readonly method: string;
  readonly params: ObjectText;
  readonly signal: Signal;
  readonly caller: Caller | null;
}

/**
 * Sends a request about a task that a server made of `call`. Resolves to the answer. Rejects with an `UpstreamFailure`, also if the
 * answer is an error.
 */
export async function askAboutTask(
  owner: Pick<PendingRequests, 'start'>,
  call: UpstreamCall,
  { method, params, signal, caller }: TaskRequest,
): Promise<ResponseMessage> {
  const answer = Promise.withResolvers<ResponseMessage>();
  const request: UpstreamCall = {
    methodText: JSON.stringify(method),
    params,
    meta: undefined,
    signal,
    notify: (name, paramsText) => call.notify(name, paramsText),
    ask: (question, done) => call.ask(question, done),
    caller,
  };
  owner.start(request, null, Number.POSITIVE_INFINITY, answer);
  const { error, ...looked } = await answer.promise;
  if (error === undefined) return { error, ...looked };
  freePayload(looked.payload);
  throw new UpstreamFailure('returned_error', `refused ${method} (error ${error.code})`);
}

/**
 * Tells the server that nobody waits for a task that it made of `call`, and does not wait for its answer. A failure does not matter:
 * the server forgets the task some time.
 */
export function cancelTask(owner: Pick<PendingRequests, 'start'>, call: UpstreamCall, taskId: string): void {
  const signal = new Abort();
  const deadline = deadlines.add(cancelTimeoutMs, () => signal.abort());
  const cancel = async () => {
    const params = new ObjectText(JSON.stringify({ taskId }));
    const caller = call.caller && declaring(call.caller);
    const { payload } = await askAboutTask(owner, call, { method: 'tasks/cancel', params, signal, caller });
    freePayload(payload);
  };
  cancel()
    .catch(() => {})
    .finally(() => deadline.clear());
}

/** Servers refuse requests about tasks whose clients have not declared the extension. SEP-2663, Protocol Errors. */
function declaring(caller: Caller): Caller {
  return { ...caller, capabilities: withTasks(caller.capabilities) };
}

/** The capabilities of a client together with the extension for tasks. */
export function withTasks(capabilities: string): string {
  const declared = new ObjectText(capabilities);
  const extensions = declared.object('extensions')?.toString() ?? '{}';
  const value = new ObjectText(extensions).with({ name: tasksExtension, value: '{}' });
  return declared.with({ name: 'extensions', value });
}
