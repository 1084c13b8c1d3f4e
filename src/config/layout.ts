import { shownKey } from './problems.ts';
import type { Source } from './source.ts';

/** A key of a block mapping, or the dash of a list item, with its position; lines and columns count from 1. */
interface Mark {
  readonly line: number;
  readonly column: number;
  /** Null for a dash. */
  readonly key: string | null;
}

const keyLine = /^( *)((?:- +)*)(?:(["']?)([^\s"'#:,{}[\]-][^"':]*)\3:(?=\s|$)(.*))?/;

/** The marks of one line, from left to right. */
function marksOf(text: string, line: number): Mark[] {
  const [, indent = '', dashes = '', , key, value = ''] = keyLine.exec(text) ?? [];
  const dashColumns = [...dashes.matchAll(/-/g)].map(({ index }) => indent.length + index + 1);
  const marks: Mark[] = dashColumns.map((column) => ({ line, column, key: null }));
  // `http://b` is not a key; `name: a: b` is more than one.
  const isKey = key !== undefined && !/^\s*#/.test(text);
  if (isKey && !/:\s/.test(value)) marks.push({ line, column: indent.length + dashes.length + 1, key });
  return marks;
}

/**
 * Advice on the right column of a line at which the parser failed, judged by the lines above it, or null. The usual mistakes
 * are keys of a list item, or dashes of a list, that are not aligned.
 *
 * @param valueGoesOn whether the value of a key in this line goes on in the next line, which contains a key
 */
export function layoutAdvice(source: Source, line: number, valueGoesOn: boolean): string | null {
  const lines = source.text.split('\n', line + 1).map((text, index) => marksOf(text, index + 1));
  const open: Mark[] = [];
  for (const marks of lines.slice(0, line - 1)) {
    for (const mark of marks) {
      while (open.length > 0 && open.at(-1)!.column >= mark.column) open.pop();
      open.push(mark);
    }
  }
  const own = lines[line - 1]?.[0];
  const next = lines.slice(line).find((marks) => marks.length > 0)?.[0];
  const last = lines[line - 1]?.at(-1);
  if (valueGoesOn && last?.key && next && next.column > last.column)
    return `begin line ${next.line} in ${below(last)}`;
  if (own === undefined || open.length === 0) return null;
  const places = open.filter((mark) => (mark.key === null) === (own.key === null));
  const item = open.findIndex((mark) => mark.key === null && mark.column === own.column);
  // A key in the column of the dashes belongs to the item before, or begins the next one.
  const beside = item < 0 ? undefined : open[item + 1];
  if (own.key !== null && beside) {
    const ofItem = lines.slice(open[item]!.line - 1, line - 1).flat();
    return ofItem.some(({ key, column }) => key === own.key && column === beside.column)
      ? `put "- " in front of "${shownKey(own.key)}"`
      : `begin this line in ${below(beside)}`;
  }
  // A key of an item in the column of its dash has ended the list.
  if (own.key === null) {
    const above = lines.slice(0, line - 1).flat();
    const dash = above.findLastIndex((mark) => mark.key === null && mark.column === own.column);
    const [first, ...others] = dash < 0 ? [] : above.slice(dash + 1);
    const stray = others.find((mark) => mark.key !== null && mark.column === own.column);
    if (first?.key && stray) return `begin line ${stray.line} in ${below(first)}`;
  }
  const distance = (mark: Mark) => Math.abs(mark.column - own.column);
  const least = Math.min(...places.map(distance));
  const nearest = places.filter((mark) => distance(mark) === least);
  if (nearest.length === 0 || least === 0) return null;
  return `begin this line in ${nearest.map(below).join(', or in ')}`;
}

const below = ({ line, column, key }: Mark) =>
  `column ${column}, below ${key === null ? `the "-" of line ${line}` : `"${shownKey(key)}"`}`;
