import type { ObjectText } from '../../json/object.ts';
import { serialOf } from '../../protocol/messages.ts';
import type { Signal } from '../../runtime/abort.ts';
import { RecentValues } from '../../runtime/recent-values.ts';
import type { PendingRequest } from '../pending-request.ts';
import type { PendingRequests } from '../pending-requests.ts';

/** Half of the most tokens. */
const maxTokens = 2_500;
const resultMethod = '"tasks/result"';

/** A client's own progress token, as JSON, and the call that had it. */
interface TaskToken {
  readonly token: string;
  readonly sessionId: string | null;
  readonly signal: Signal;
}

/**
 * The progress tokens of calls that have made tasks: they stay valid for the lifetime of the task, whose progress comes while its
 * result is waited for. Of the latest calls. MCP 2025-11-25, Tasks, Task Progress Notifications.
 */
export class TaskTokens {
  readonly #requests: PendingRequests;
  /** By our own tokens. Null until there is one. */
  #tokens: RecentValues<TaskToken> | null = null;

  constructor(requests: PendingRequests) {
    this.#requests = requests;
  }

  /** A call that makes a task has its answer. */
  answered({ id, progressToken, call: { caller, signal } }: PendingRequest): void {
    if (progressToken === undefined || caller === null) return;
    this.#tokens ??= new RecentValues(maxTokens);
    this.#tokens.set(String(id), { token: progressToken, sessionId: caller.sessionId, signal });
  }

  /**
   * Passes the progress of a task on to the request that waits for its result.
   * @param streamId the id of the request on whose stream it came; null: a shared stream
   */
  take(method: string, params: ObjectText | undefined, streamId: number | null): Promise<void> | undefined {
    if (params === undefined || this.#tokens === null) return undefined;
    const id = serialOf(params.number('progressToken') ?? params.string('progressToken'));
    const known = this.#tokens.get(String(id));
    if (known === undefined) return undefined;
    const waiting = streamId === null ? this.#waiting(known) : this.#requests.find(streamId);
    return waiting?.call.notify(method, params.with({ name: 'progressToken', value: known.token }));
  }

  /** A request for the result of a task, on behalf of the same call, or in the same session. */
  #waiting({ sessionId, signal }: TaskToken): PendingRequest | undefined {
    const requests = this.#requests.ofMethod(resultMethod);
    return requests.find(
      ({ call }) => call.signal === signal || (sessionId !== null && call.caller?.sessionId === sessionId),
    );
  }
}
