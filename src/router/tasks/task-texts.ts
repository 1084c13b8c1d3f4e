import type { ObjectText } from '../../json/object.ts';
import { elements } from '../../json/scan.ts';
import type { ResponseMessage } from '../../protocol/messages.ts';
import { payloadWithout } from '../../protocol/result-cuts.ts';

/** The member of `_meta` by which messages name the task that they belong to. MCP 2025-11-25, Tasks. */
const relatedTaskKey = 'io.modelcontextprotocol/related-task';

/** Returns another id in place of one; null leaves it as it is. */
export type IdMap = (id: string) => string | null;

/** The text of an object with a mapped `taskId`. */
export function withTaskId(object: ObjectText, map: IdMap): string {
  const id = object.string('taskId');
  const mapped = id === undefined ? null : map(id);
  return mapped === null ? object.toString() : object.with({ name: 'taskId', value: JSON.stringify(mapped) });
}

/** The result that a task was made, with the id mapped. MCP 2025-11-25, CreateTaskResult. */
export function withCreatedId(result: ObjectText, map: IdMap): string {
  const task = result.object('task');
  return task === undefined ? result.toString() : result.with({ name: 'task', value: withTaskId(task, map) });
}

/** Params or a result with the id in `_meta` mapped. MCP 2025-11-25, Tasks, Related Task Metadata. */
export function withRelatedId(object: ObjectText, map: IdMap): string {
  const meta = object.object('_meta');
  const related = meta?.object(relatedTaskKey);
  if (meta === undefined || related === undefined) return object.toString();
  const value = meta.with({ name: relatedTaskKey, value: withTaskId(related, map) });
  return object.with({ name: '_meta', value });
}

/** Params or a result without the id of their task in `_meta`. */
export function withoutRelatedId(object: ObjectText): string {
  const meta = object.object('_meta');
  if (meta?.member(relatedTaskKey) === undefined) return object.toString();
  const rest = meta.without(relatedTaskKey);
  return /^\{\s*\}$/.test(rest) ? object.without('_meta') : object.with({ name: '_meta', value: rest });
}

/** A response without the id of its task in `_meta`. Throws a `TooManyError` if that has too many members. */
export function withoutRelatedTask(response: ResponseMessage): ResponseMessage {
  const { result } = response;
  const meta = result?.object('_meta');
  const related = meta?.spans([relatedTaskKey]) ?? [];
  if (result === undefined || meta === undefined || related.length === 0) return response;
  const payload = payloadWithout(response, meta.size === 1 ? result.spans(['_meta']) : related);
  return { ...response, payload, result: undefined };
}

/** The JSON texts of the tasks in a result of `tasks/list`. */
export function listedTasks(result: ObjectText): readonly string[] {
  return elements(result.member('tasks') ?? '[]') ?? [];
}

/** Whether the state of a task tells of an error: the task failed, or its result is one. */
export function tellsOfError(task: ObjectText): boolean {
  return task.string('status') === 'failed' || task.object('result')?.isText('isError', 'true') === true;
}

/** Whether a text may name a task in its `_meta`. */
export function mayHaveRelatedId(text: string): boolean {
  return text.includes(relatedTaskKey);
}
