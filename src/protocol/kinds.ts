/** The kinds of items that servers list. */
export type Kind = 'tools';

/** What the protocol says of one kind of items. MCP 2025-11-25, Server Features. */
interface KindRow {
  /** One item, in messages to people. */
  readonly noun: string;
  /** The method that lists the items, page by page. */
  readonly listMethod: string;
  /** The member of a list result that holds the items. */
  readonly itemsKey: string;
  /** The member that names an item, in the list and in requests. It tells which server owns the item. */
  readonly nameKey: string;
  /** The notification that the list has changed. */
  readonly changedNotification: string;
  /** The capability of servers that have such items. */
  readonly capability: string;
}

/** The kinds by their names. */
export const kinds: Readonly<Record<Kind, KindRow>> = {
  tools: {
    noun: 'tool',
    listMethod: 'tools/list',
    itemsKey: 'tools',
    nameKey: 'name',
    changedNotification: 'notifications/tools/list_changed',
    capability: 'tools',
  },
};
