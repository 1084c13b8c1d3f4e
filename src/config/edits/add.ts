import { isMap, isScalar, type Node } from 'yaml';
import { blockItems, type ItemLines } from './block-items.ts';
import type { ServerEntry } from './entry.ts';
import { type FlowStyle, flowText, listLines } from './entry-text.ts';
import { contentEnd, documentEnd, type EditableFile, type FilePair } from './file.ts';
import { bracketsOf, flowItems, flowServers, insertItems } from './flow-items.ts';
import { emptyLineAt, endsLine, isBlankLine, lineBreak, lineStart, nextLine, type Splice } from './lines.ts';

// Ways to add servers, best first. Whether one is right shows when the result is read again.

/** The ways to add `entries` to the end of the list. */
export function* additions(
  file: EditableFile,
  entries: readonly ServerEntry[],
): Generator<readonly Splice[]> {
  const { root, servers, list } = file;
  if (servers === null) {
    if (root?.flow) yield [...intoRootBraces(file, entries)];
    else yield [newList(file, entries)];
    return;
  }
  if (list === null) {
    yield* asValue(file, servers, entries);
    return;
  }
  if (list.flow && list.items.length > 0) yield [...intoBrackets(file, entries)];
  else if (list.flow) {
    if (!root?.flow) yield* inPlaceOfBrackets(file, servers, entries);
    yield [...intoBrackets(file, entries)];
  } else yield* afterItems(file, entries);
}

/** The style of a mapping in braces; `sample` is one of the file. */
function styleOf({ text }: EditableFile, sample: Node | null | undefined): FlowStyle {
  if (!isMap<Node>(sample) || !sample.flow) return { isQuoted: false, isPadded: true };
  const key = sample.items[0]?.key;
  const inner = text[(sample.range?.[0] ?? 0) + 1] ?? '';
  return { isQuoted: isScalar(key) && key.type === 'QUOTE_DOUBLE', isPadded: /\s/.test(inner) };
}

function intoBrackets(file: EditableFile, entries: readonly ServerEntry[]): Splice[] {
  const { text, list, lineEnd, root } = file;
  const brackets = bracketsOf(list);
  const items = flowServers(file);
  if (list === null || brackets === null || items === null) return [];
  const style = styleOf(file, list.items.find((item) => isMap(item)) ?? root);
  const texts = entries.map((entry) => flowText(entry, style));
  return insertItems(text, brackets, items, texts, lineEnd);
}

/** `{ port: 1 }` becomes `{ port: 1, servers: […] }`. */
function intoRootBraces(file: EditableFile, entries: readonly ServerEntry[]): Splice[] {
  const { text, root, lineEnd } = file;
  const brackets = bracketsOf(root);
  if (root === null || brackets === null) return [];
  const nodes = root.items.map(({ key, value }) => ({
    start: key.range?.[0] ?? 0,
    end: Math.max(contentEnd(key), value ? contentEnd(value) : 0),
  }));
  const items = flowItems(text, brackets.open, brackets.close, nodes);
  const style = styleOf(file, root);
  const key = style.isQuoted ? '"servers"' : 'servers';
  return insertItems(text, brackets, items, [`${key}: ${flowText(entries, style)}`], lineEnd);
}

/** The key `servers` with its list, at the end of the file. */
function newList(file: EditableFile, entries: readonly ServerEntry[]): Splice {
  const { text, root, lineEnd } = file;
  const first = root?.items[0]?.key.range?.[0];
  const indent = first === undefined ? '' : text.slice(lineStart(text, first), first);
  const column = /^ *$/.test(indent) ? indent : '';
  const lines = [`${column}servers:`, ...listLines(entries, `${column}  `)];
  return linesAt(text, documentEnd(file), lines, lineEnd);
}

/** Whole lines at the start of a line, or after the last one that has no line break. */
function linesAt(text: string, at: number, lines: readonly string[], lineEnd: string): Splice {
  const isOpen = at > 0 && text[at - 1] !== '\n';
  const inner = lines.join(lineEnd);
  return { at, remove: 0, insert: isOpen ? `${lineEnd}${inner}` : `${inner}${lineEnd}` };
}

/** The end of a key with its colon and the anchor and tag of its value. */
export function keyEnd({ key, srcToken }: FilePair): number | null {
  let end: number | null = null;
  for (const token of srcToken?.sep ?? []) {
    if (['map-value-ind', 'anchor', 'tag'].includes(token.type)) end = token.offset + token.source.length;
  }
  return key.range && end !== null ? end : null;
}

/** The first item of a block list below its key, in place of the range from `from` to `to` on the line of the key. */
function* belowKey(
  file: EditableFile,
  servers: FilePair,
  entries: readonly ServerEntry[],
  from: number,
  to: number,
): Generator<readonly Splice[]> {
  const { text, lineEnd } = file;
  const key = servers.key.range?.[0] ?? 0;
  const column = ' '.repeat(key - lineStart(text, key));
  if (!endsLine(text, to) || lineStart(text, to) !== lineStart(text, key)) return;
  // Comments below an empty list that are indented deeper were written for its items.
  let at = nextLine(text, to);
  for (let line = emptyLineAt(text, at); at < text.length; line = emptyLineAt(text, at)) {
    if (line?.kind !== 'comment' || line.column <= column.length) break;
    at = nextLine(text, at);
  }
  const taken = from < to ? [{ at: from, remove: to - from, insert: '' }] : [];
  const added = linesAt(text, at, listLines(entries, `${column}  `), lineEnd);
  yield at > to || taken.length === 0 ? [...taken, added] : [{ ...added, at: from, remove: to - from }];
}

/** `servers:` without a value, `servers: null`. */
function* asValue(
  file: EditableFile,
  servers: FilePair,
  entries: readonly ServerEntry[],
): Generator<readonly Splice[]> {
  const { value } = servers;
  const from = keyEnd(servers);
  if (from === null || !isScalar(value) || value.value !== null) return;
  const [start, end] = value.range ?? [0, 0];
  const isWritten = end > start;
  const to = isWritten ? end : from;
  if (!file.root?.flow) yield* belowKey(file, servers, entries, from, to);
  const list = flowText(entries, styleOf(file, file.root));
  yield [
    isWritten
      ? { at: start, remove: end - start, insert: list }
      : { at: from, remove: 0, insert: ` ${list}` },
  ];
}

/** `servers: []` becomes a block list. */
function* inPlaceOfBrackets(
  file: EditableFile,
  servers: FilePair,
  entries: readonly ServerEntry[],
): Generator<readonly Splice[]> {
  const brackets = bracketsOf(file.list);
  const from = keyEnd(servers);
  if (brackets === null || from === null) return;
  // A comment within the brackets stays there.
  if (!/^\s*$/.test(file.text.slice(brackets.open + 1, brackets.close))) return;
  if (!/^[ \t]*$/.test(file.text.slice(from, brackets.open))) return;
  yield* belowKey(file, servers, entries, from, brackets.close + 1);
}

/** After the last item of a block list, in its style. */
function* afterItems(file: EditableFile, entries: readonly ServerEntry[]): Generator<readonly Splice[]> {
  const { text, list, lineEnd } = file;
  const items = blockItems(file);
  const last = items?.at(-1);
  const node = list?.items.at(-1);
  if (!items || !last || !node) return;
  const lines = itemTexts(file, last, node, entries);
  const previous = items.at(-2);
  const isSpaced =
    previous !== undefined &&
    last.commentStart > 0 &&
    isBlankLine(text, lineStart(text, last.commentStart - 1));
  const spaced = isSpaced ? lines.flatMap((item) => ['', ...item]) : lines.flat();
  yield [linesAt(text, last.paddedEnd, spaced, lineEnd)];
  // The blank lines below a block scalar with `+` are part of it.
  const raw = contentEnd(node);
  const at = text[raw - 1] === '\n' ? raw : nextLine(text, lineBreak(text, raw));
  if (at > last.paddedEnd) yield [linesAt(text, at, lines.flat(), lineEnd)];
}

/** The lines of each new item, like those of the item `node`. */
function itemTexts(
  file: EditableFile,
  { indent, dash }: ItemLines,
  node: Node,
  entries: readonly ServerEntry[],
): string[][] {
  const { text } = file;
  const start = node.range?.[0] ?? 0;
  const between = text.slice(dash + 1, start);
  if (isMap(node) && node.flow && /^ +$/.test(between)) {
    const style = styleOf(file, node);
    return entries.map((entry) => [`${indent}-${between}${flowText(entry, style)}`]);
  }
  const isLike = isMap(node) && !node.flow && /^(?: +|[^\S\n]*\r?\n *)$/.test(between);
  const offset = isLike ? start - lineStart(text, start) - indent.length : 2;
  return entries.map((entry) => listLines([entry], indent, Math.max(2, offset)));
}
