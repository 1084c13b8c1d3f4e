import { GatewayError } from '../../errors.ts';
import type { ObjectText } from '../../json/object.ts';
import { elements, stringAt } from '../../json/scan.ts';
import { type Kind, kinds } from '../../protocol/kinds.ts';

/** The most resources, or tasks, of one stream. */
const maxNames = 1_000;
/** The members of a filter that ask for changes of lists, each with a kind whose notification they mean. */
const listMembers: Readonly<Record<string, Kind>> = {
  toolsListChanged: 'tools',
  promptsListChanged: 'prompts',
  resourcesListChanged: 'resources',
};

/** What a client wants to hear of. MCP 2026-07-28, Subscriptions, Notification Filter. */
export interface ListenFilter {
  /** The members that ask for changes of lists. */
  readonly lists: readonly string[];
  /** The URIs of resources, each once. */
  readonly resources: readonly string[];
  /** The ids of tasks, each once. MCP extension `io.modelcontextprotocol/tasks`, Task Status Notifications. */
  readonly tasks: readonly string[];
}

/** The filter in the params of `subscriptions/listen`. Throws `invalid_params`. */
export function listenFilterOf(params: ObjectText | undefined): ListenFilter {
  const notifications = params?.object('notifications');
  if (notifications === undefined) throw wrong('"notifications" must be an object');
  const lists = Object.keys(listMembers).filter((name) => isTrue(notifications, name));
  return {
    lists,
    resources: namesIn(notifications, 'resourceSubscriptions', 'URIs'),
    tasks: namesIn(notifications, 'taskIds', 'ids of tasks'),
  };
}

/** The notifications that a filter asks for when lists change. */
export function changeNotifications({ lists }: ListenFilter): string[] {
  return lists.map((name) => kinds[listMembers[name] as Kind].changedNotification);
}

/** The JSON text of a filter. */
export function filterText({ lists, resources, tasks }: ListenFilter): string {
  return JSON.stringify({
    ...Object.fromEntries(lists.map((name) => [name, true])),
    ...(resources.length > 0 && { resourceSubscriptions: resources }),
    ...(tasks.length > 0 && { taskIds: tasks }),
  });
}

function isTrue(notifications: ObjectText, name: string): boolean {
  const text = notifications.member(name) ?? 'false';
  if (text !== 'true' && text !== 'false' && text !== 'null') throw wrong(`"${name}" must be a boolean`);
  return text === 'true';
}

function namesIn(notifications: ObjectText, member: string, what: string): string[] {
  const text = notifications.member(member) ?? 'null';
  if (text === 'null') return [];
  const names = elements(text)?.map((element) => stringAt(element, 0, element.length));
  if (names === undefined || !names.every((name) => name !== undefined))
    throw wrong(`"${member}" must be a list of ${what}`);
  if (names.length > maxNames)
    throw wrong(`"${member}" has ${names.length} ${what}; at most ${maxNames} are allowed`);
  return [...new Set(names)];
}

function wrong(what: string): GatewayError {
  return new GatewayError('invalid_params', `subscriptions/listen: ${what}`);
}
