import { lineBreak, lineStart, type Splice } from '../../config/edits/lines.ts';
import { isBlank, lineEndBefore, lineEndOf } from './layout.ts';
import { cut, put, SpliceRefusal, swap } from './splice.ts';
import { isPrefix, scanToml, type TomlStatement } from './toml-scan.ts';

/** Marks a table that `connect` has appended. */
const mark = '# Written by "mcpstead connect", removed by "mcpstead disconnect".';

/** Statements that belong together: a header with its pairs, or one pair. */
interface Block {
  readonly statements: readonly TomlStatement[];
  readonly start: number;
  readonly end: number;
}

/**
 * The splices that set the table at `path` and `name`: an existing one is replaced where it begins, with all of its sub-tables;
 * a new one is appended, below a comment that marks it. Throws a SpliceRefusal.
 */
export function setInToml(text: string, path: readonly string[], name: string, value: unknown): Splice[] {
  const whole = [...path, name];
  const lineEnd = lineEndOf(text);
  const [first, ...others] = blocksOf(scanToml(text), whole);
  if (first === undefined) return [append(text, tableText(whole, value, lineEnd), lineEnd)];
  const [head] = first.statements as [TomlStatement];
  const written =
    head.kind === 'table'
      ? tableText(whole, value, lineEnd)
      : `${keyText(whole.slice(head.path.length - head.ownKeys))} = ${valueText(value)}`;
  return [swap(first.start, first.end, written), ...others.map((block) => cutLines(text, block))];
}

/** The splices that remove what {@link setInToml} sets, with the comment that marks it. None if it is absent. */
export function removeFromToml(text: string, path: readonly string[]): Splice[] {
  return blocksOf(scanToml(text), path).map((block) => cutLines(text, block));
}

/** The blocks that say something of the table at `path`. */
function blocksOf(statements: readonly TomlStatement[], path: readonly string[]): Block[] {
  const blocks: TomlStatement[][] = [];
  let isOpen = false;
  for (const statement of statements) {
    const isInside = isPrefix(path, statement.path);
    if (isInside && statement.isInArray)
      throw new SpliceRefusal('it has an array of tables in the place of a server');
    if (!isInside && statement.kind === 'pair' && isPrefix(statement.path, path)) {
      throw new SpliceRefusal(`"${statement.path.join('.')}" is written as an inline table`);
    }
    if (isInside && isOpen && statement.kind === 'pair') blocks.at(-1)!.push(statement);
    else if (isInside) blocks.push([statement]);
    isOpen = isInside && (statement.kind === 'table' || isOpen);
  }
  return blocks.map((block) => ({ statements: block, start: block[0]!.start, end: block.at(-1)!.end }));
}

/** Cuts whole lines: with the mark of a block that was appended, and the blank line before that; else with all blank lines. */
function cutLines(text: string, { start, end }: Block): Splice {
  const above = lineAbove(text, start);
  const isMarked = above !== null && text.slice(above, start).trim() === mark;
  let from = isMarked ? above : start;
  for (let before = lineAbove(text, from); before !== null; before = lineAbove(text, from)) {
    if (!isBlank(text, before, from)) break;
    from = before;
    if (isMarked) break;
  }
  const stop = lineBreak(text, end);
  if (from > 0) return cut(lineEndBefore(text, from), stop);
  // A byte order mark stays.
  return cut(text.startsWith('\uFEFF') ? 1 : 0, stop === text.length ? stop : text.indexOf('\n', stop) + 1);
}

/** The start of the line above the one that starts at `start`; null if there is none. */
function lineAbove(text: string, start: number): number | null {
  return start === 0 ? null : lineStart(text, lineEndBefore(text, start));
}

/** Like the text before it, the block ends with a line end or not, so that nothing is left of it when it is cut out. */
function append(text: string, table: string, lineEnd: string): Splice {
  const isEmpty = isBlank(text, 0, text.length);
  const isEnded = text.endsWith('\n');
  const begin = isEmpty ? '' : isEnded ? lineEnd : `${lineEnd}${lineEnd}`;
  const end = isEmpty || isEnded ? lineEnd : '';
  return put(text.length, `${begin}${mark}${lineEnd}${table}${end}`);
}

function tableText(path: readonly string[], value: unknown, lineEnd: string): string {
  const pairs = Object.entries(value as object).map(
    ([key, item]) => `${keyText([key])} = ${valueText(item)}`,
  );
  return [`[${keyText(path)}]`, ...pairs].join(lineEnd);
}

function keyText(path: readonly string[]): string {
  return path.map((key) => (/^[A-Za-z0-9_-]+$/.test(key) ? key : stringText(key))).join('.');
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return stringText(value);
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([key, item]) => `${keyText([key])} = ${valueText(item)}`);
    return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
  }
  if (typeof value === 'number' && Number.isNaN(value)) return 'nan';
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
    return value > 0 ? 'inf' : '-inf';
  return String(value);
}

/** A basic string: TOML takes the escapes of JSON, and wants DEL escaped. */
function stringText(value: string): string {
  return JSON.stringify(value).replaceAll('\u007F', '\\u007F');
}
