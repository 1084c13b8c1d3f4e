import type { Node } from 'yaml';
import type { EditableFile } from './file.ts';
import { firstContent, indentBefore, lineBreak, lineStart, nextLine, type Splice } from './lines.ts';

// Items between brackets or braces, as `[a, b]`.

/** An item, with its anchor, and the comma after it, if there is one. */
interface FlowItem {
  readonly start: number;
  readonly end: number;
  readonly comma: number | null;
}

/** The items of a collection between the brackets at `open` and `close`. @param nodes where their contents begin and end */
export function flowItems(
  text: string,
  open: number,
  close: number,
  nodes: readonly { readonly start: number; readonly end: number }[],
): FlowItem[] {
  let from = open + 1;
  return nodes.map((node, index) => {
    const start = firstContent(text, from, node.start);
    const to = nodes[index + 1]?.start ?? close;
    const after = firstContent(text, node.end, to);
    const comma = text[after] === ',' && after < to ? after : null;
    from = comma === null ? node.end : comma + 1;
    return { start, end: node.end, comma };
  });
}

/** The items of the list of servers, or null if it is not in brackets. */
export function flowServers({ text, list }: EditableFile): FlowItem[] | null {
  const brackets = bracketsOf(list);
  if (list === null || brackets === null) return null;
  const nodes = list.items.map(({ range }) => ({ start: range?.[0] ?? 0, end: range?.[1] ?? 0 }));
  return flowItems(text, brackets.open, brackets.close, nodes);
}

/** The offsets of the brackets of a collection, or null if it has none. */
export function bracketsOf(node: Node | null): { open: number; close: number } | null {
  if (node === null || !('flow' in node) || node.flow !== true || !node.range) return null;
  return { open: node.range[0], close: node.range[1] - 1 };
}

/** Inserts `texts` after the last item, or between the brackets if there is none: on lines of their own if that one is. */
export function insertItems(
  text: string,
  { open, close }: { readonly open: number; readonly close: number },
  items: readonly FlowItem[],
  texts: readonly string[],
  lineEnd: string,
): Splice[] {
  const last = items.at(-1);
  if (last === undefined) return [{ at: open + 1, remove: 0, insert: texts.join(', ') }];
  const { start, end, comma } = last;
  const indent = indentBefore(text, start);
  const closing = comma === null ? '' : ',';
  if (indent === null) {
    const at = comma === null ? end : comma + 1;
    const insert = comma === null ? `, ${texts.join(', ')}` : ` ${texts.join(', ')},`;
    return [{ at, remove: 0, insert }];
  }
  const lines = texts.map((line) => `${lineEnd}${indent}${line}`).join(',') + closing;
  const at = comma === null ? end : comma + 1;
  const lineAt = lineBreak(text, at);
  if (lineAt >= close) return [{ at, remove: 0, insert: `${comma === null ? ',' : ''}${lines}` }];
  const splices = [{ at: lineAt, remove: 0, insert: lines }];
  // A comment may stand between the item and the end of its line.
  if (comma === null) splices.unshift({ at: end, remove: 0, insert: ',' });
  return comma === null && lineAt === end ? [{ at, remove: 0, insert: `,${lines}` }] : splices;
}

/** Removes an item and one comma: with its lines and the comment directly above if it has lines of its own. */
export function removeItem(text: string, close: number, items: readonly FlowItem[], index: number): Splice[] {
  const { start, end, comma } = items[index] as FlowItem;
  const next = items[index + 1];
  const previous = items[index - 1];
  // The comma before the last item goes, unless the list has one after it: JSON has none there.
  const extra =
    next === undefined && comma === null && previous?.comma != null
      ? [{ at: previous.comma, remove: 1, insert: '' }]
      : [];
  const after = comma === null ? end : comma + 1;
  const indent = indentBefore(text, start);
  const lineIsOwn =
    firstContent(text, after, Math.min(nextLine(text, after), close)) >= lineBreak(text, after);
  if (indent !== null && lineIsOwn && nextLine(text, after) <= close) {
    const from = commentAbove(text, start, indent.length);
    return [...extra, { at: from, remove: nextLine(text, after) - from, insert: '' }];
  }
  if (next !== undefined) {
    const to = /^\s*$/.test(text.slice(after, next.start)) ? next.start : after;
    return [{ at: start, remove: to - start, insert: '' }];
  }
  if (previous === undefined) return [{ at: start, remove: after - start, insert: '' }];
  const before = previous.comma === null ? previous.end : previous.comma + 1;
  const from = /^\s*$/.test(text.slice(before, start)) ? before : start;
  return [...extra, { at: from, remove: after - from, insert: '' }];
}

function commentAbove(text: string, at: number, column: number): number {
  let from = lineStart(text, at);
  while (from > 0) {
    const above = lineStart(text, from - 1);
    const line = text.slice(above, from);
    if (line.search(/\S/) !== column || line[column] !== '#') break;
    from = above;
  }
  return from;
}
