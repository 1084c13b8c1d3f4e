import type { CST, Node } from 'yaml';
import { contentEnd, documentEnd, type EditableFile } from './file.ts';
import { emptyLineAt, endsLine, indentBefore, isBlankLine, lineStart, nextLine } from './lines.ts';

// The items of a block list as lines of the file.

/** The lines of an item, from the one with its dash. Offsets of line starts; `end` is exclusive. */
export interface ItemLines {
  /** The white space before the dash. */
  readonly indent: string;
  readonly dash: number;
  /** The first line of the comment directly above, in the column of the dash; else that of the dash. */
  readonly commentStart: number;
  readonly start: number;
  /** After the content, and the comments directly below it that are indented deeper than the dash. */
  readonly end: number;
  /** After all comments below that are indented deeper, even if blank lines stand before them. */
  readonly paddedEnd: number;
  /** The start of the next item, of the next key of the file, or of its end. */
  readonly regionEnd: number;
}

/** The items of the list of servers, or null if other content shares lines with them. */
export function blockItems(file: EditableFile): ItemLines[] | null {
  const { text, list } = file;
  const token = list?.srcToken as CST.BlockSequence | undefined;
  if (list === null || token?.type !== 'block-seq') return null;
  const dashes = token.items
    .map(({ start }) => start.find(({ type }) => type === 'seq-item-ind'))
    .filter((dash) => dash !== undefined);
  if (dashes.length !== list.items.length) return null;
  const items: ItemLines[] = [];
  for (const [index, { offset: dash }] of dashes.entries()) {
    const indent = indentBefore(text, dash);
    if (indent === null || /\t/.test(indent)) return null;
    const next = dashes[index + 1]?.offset;
    const regionEnd = next === undefined ? listEnd(file) : lineStart(text, next);
    const item = itemLines(text, { dash, indent, node: list.items[index] as Node, regionEnd });
    if (item === null) return null;
    items.push(item);
  }
  return items;
}

interface ItemPlace {
  readonly dash: number;
  readonly indent: string;
  readonly node: Node;
  readonly regionEnd: number;
}

function itemLines(text: string, { dash, indent, node, regionEnd }: ItemPlace): ItemLines | null {
  const column = indent.length;
  const start = lineStart(text, dash);
  let content = Math.max(dash + 1, contentEnd(node));
  // A block scalar ends with its line breaks.
  while (content > dash + 1 && /\s/.test(text[content - 1] as string)) content--;
  if (!endsLine(text, content)) return null;
  const isOwnComment = (at: number) => {
    const line = at < regionEnd ? emptyLineAt(text, at) : null;
    return line?.kind === 'comment' && line.column > column;
  };
  let end = nextLine(text, content);
  while (isOwnComment(end)) end = nextLine(text, end);
  let paddedEnd = end;
  for (let at = end; at < regionEnd && emptyLineAt(text, at) !== null; at = nextLine(text, at)) {
    if (isOwnComment(at)) paddedEnd = nextLine(text, at);
  }
  let commentStart = start;
  while (commentStart > 0) {
    const above = lineStart(text, commentStart - 1);
    const line = emptyLineAt(text, above);
    if (line?.kind !== 'comment' || line.column !== column) break;
    commentStart = above;
  }
  return { indent, dash, commentStart, start, end, paddedEnd, regionEnd };
}

/** The start of the line with the key after `servers`, or the end of the document if that is the last one. */
function listEnd(file: EditableFile): number {
  const pairs = file.root?.items ?? [];
  const next = file.servers === null ? undefined : pairs[pairs.indexOf(file.servers) + 1];
  const offset = next?.key.range?.[0];
  return offset === undefined ? documentEnd(file) : lineStart(file.text, offset);
}

/** The start of the blank lines that end at `at`. */
export function blankStart(text: string, at: number): number {
  let start = at;
  while (start > 0 && isBlankLine(text, lineStart(text, start - 1))) start = lineStart(text, start - 1);
  return start;
}

/** The end of the blank lines that begin at `at`. */
export function blankEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length && isBlankLine(text, end)) end = nextLine(text, end);
  return end;
}
