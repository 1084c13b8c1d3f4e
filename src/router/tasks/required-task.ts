import { type MemberEdit, ObjectText } from '../../json/object.ts';
import type { Exchange } from '../../protocol/exchange.ts';
import type { ResponseMessage } from '../../protocol/messages.ts';
import { Abort } from '../../runtime/abort.ts';
import { deadlines } from '../../runtime/deadlines.ts';
import { freePayload, textOf } from '../../runtime/owned-bytes.ts';
import type { Upstream } from '../../upstream/upstream.ts';
import { askUpstream, callUpstream } from '../inner-call.ts';
import { withoutRelatedId } from './task-texts.ts';

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
  const { params = new ObjectText('{}'), signal } = exchange;
  // A token would end with the request that makes the task.
  const paramsText = new ObjectText(params.without('_meta')).with(target, { name: 'task', value: '{}' });
  const made = await callUpstream(upstream, exchange, 'tools/call', paramsText, signal, false);
  const id = made.error ? undefined : new ObjectText(textOf(made.payload)).object('task')?.string('taskId');
  if (id === undefined) return made;
  freePayload(made.payload);
  const taskParams = JSON.stringify({ taskId: id });
  try {
    const ended = await callUpstream(upstream, exchange, 'tasks/result', taskParams, signal, true);
    if (ended.error || typeof ended.payload !== 'string') return ended;
    return { ...ended, payload: withoutRelatedId(new ObjectText(ended.payload)), result: undefined };
  } catch (error) {
    cancel(upstream, exchange, taskParams);
    throw error;
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
