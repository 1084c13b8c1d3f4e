/** The kinds of items that servers list. */
export type Kind = 'tools' | 'prompts' | 'resources' | 'resourceTemplates';

/** What the protocol says of one kind of items. MCP 2025-11-25, Server Features. */
interface KindRow {
  /** One item, and several, in messages to people. */
  readonly noun: string;
  readonly nouns: string;
  /** The method that lists the items, page by page. */
  readonly listMethod: string;
  /** The member of a list result that holds the items. */
  readonly itemsKey: string;
  /** The member that identifies an item, in the list and in requests. */
  readonly nameKey: string;
  /** Whether clients see the item under a name that begins with its server's. URIs pass unchanged. */
  readonly isQualified: boolean;
  /** The notification that the list has changed. */
  readonly changedNotification: string;
  /** The capability of servers that have such items. */
  readonly capability: string;
}

/** The kinds by their names. */
export const kinds: Readonly<Record<Kind, KindRow>> = {
  tools: {
    noun: 'tool',
    nouns: 'tools',
    listMethod: 'tools/list',
    itemsKey: 'tools',
    nameKey: 'name',
    isQualified: true,
    changedNotification: 'notifications/tools/list_changed',
    capability: 'tools',
  },
  prompts: {
    noun: 'prompt',
    nouns: 'prompts',
    listMethod: 'prompts/list',
    itemsKey: 'prompts',
    nameKey: 'name',
    isQualified: true,
    changedNotification: 'notifications/prompts/list_changed',
    capability: 'prompts',
  },
  resources: {
    noun: 'resource',
    nouns: 'resources',
    listMethod: 'resources/list',
    itemsKey: 'resources',
    nameKey: 'uri',
    isQualified: false,
    changedNotification: 'notifications/resources/list_changed',
    capability: 'resources',
  },
  resourceTemplates: {
    noun: 'resource template',
    nouns: 'resource templates',
    listMethod: 'resources/templates/list',
    itemsKey: 'resourceTemplates',
    nameKey: 'uriTemplate',
    isQualified: false,
    changedNotification: 'notifications/resources/list_changed',
    capability: 'resources',
  },
};

export const allKinds = Object.keys(kinds) as readonly Kind[];

/** A value for each kind. */
export function forEachKind<T>(make: (kind: Kind) => T): Record<Kind, T> {
  return Object.fromEntries(allKinds.map((kind) => [kind, make(kind)])) as Record<Kind, T>;
}
