import { isMap, isScalar, type Node } from 'yaml';
import { keyEnd } from './add.ts';
import { blankEnd, blankStart, blockItems } from './block-items.ts';
import { contentEnd, type EditableFile, type FilePair } from './file.ts';
import { bracketsOf, flowServers, removeItem } from './flow-items.ts';
import { endsLine, indentBefore, isBlankLine, lineBreak, lineStart, nextLine, type Splice } from './lines.ts';

// Ways to remove a server, and to enable or disable it, best first.

/** The ways to remove the item `index`, with the comment directly above it in its column. */
export function* removals(file: EditableFile, index: number): Generator<readonly Splice[]> {
  const { text, list, servers } = file;
  const brackets = bracketsOf(list);
  const flow = flowServers(file);
  if (brackets !== null && flow !== null) {
    yield removeItem(text, brackets.close, flow, index);
    return;
  }
  const items = blockItems(file);
  const item = items?.[index];
  if (!items || !item || servers === null) return;
  const { commentStart: start, end } = item;
  if (items.length === 1) {
    const at = keyEnd(servers);
    if (at === null) return;
    yield [
      { at, remove: 0, insert: ' []' },
      { at: start, remove: end - start, insert: '' },
    ];
    return;
  }
  const isLast = index === items.length - 1;
  const isSpaced = index === 0 || (start > 0 && isBlankLine(text, lineStart(text, start - 1)));
  // The blank lines on one side of the item go with it, so that the others stay apart as before.
  const from = isLast ? blankStart(text, start) : start;
  const to = !isLast && isSpaced ? blankEnd(text, end) : end;
  yield [{ at: from, remove: to - from, insert: '' }];
  yield [{ at: start, remove: end - start, insert: '' }];
  // Blank lines that a block scalar above keeps must not become more.
  yield [{ at: start, remove: blankEnd(text, end) - start, insert: '' }];
}

/** The ways to set `enabled` of the item `index`: in its place, or after the name of the server. */
export function* switches(
  file: EditableFile,
  index: number,
  isEnabled: boolean,
): Generator<readonly Splice[]> {
  const { text, list, lineEnd } = file;
  const node = list?.items[index];
  if (!isMap<Node, Node | null>(node)) return;
  const pairOf = (name: string) => node.items.find(({ key }) => isScalar(key) && key.value === name);
  const present = pairOf('enabled');
  if (present !== undefined) {
    const [start, end] = present.value?.range ?? [0, 0];
    if (end > start) yield [{ at: start, remove: end - start, insert: `${isEnabled}` }];
    return;
  }
  const name = pairOf('name');
  const at = name?.key.range?.[0];
  const end = name?.value ? contentEnd(name.value) : undefined;
  if (name === undefined || at === undefined || end === undefined) return;
  const indent = indentBefore(text, at);
  const key = isScalar(name.key) && name.key.type === 'QUOTE_DOUBLE' ? '"enabled"' : 'enabled';
  const line = `${key}: ${isEnabled}`;
  if (node.flow) {
    const space = indent === null ? ' ' : `${lineEnd}${indent}`;
    yield [{ at: end, remove: 0, insert: `,${space}${line}` }];
    return;
  }
  yield belowName(text, name, end, line, lineEnd);
}

/** A line in the column of `name`, below it. */
function belowName(text: string, { key }: FilePair, end: number, line: string, lineEnd: string): Splice[] {
  const start = key.range?.[0] ?? 0;
  const column = ' '.repeat(start - lineStart(text, start));
  if (!endsLine(text, end)) return [];
  const at = lineBreak(text, end);
  return nextLine(text, end) > at
    ? [{ at: nextLine(text, end), remove: 0, insert: `${column}${line}${lineEnd}` }]
    : [{ at, remove: 0, insert: `${lineEnd}${column}${line}` }];
}
