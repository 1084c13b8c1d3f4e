// Lines of a text, found from an offset.

/** A change of a text: `remove` characters at `at` give way to `insert`. */
export interface Splice {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

/** The text after these changes, which do not overlap. */
export function spliced(text: string, splices: readonly Splice[]): string {
  let result = text;
  for (const { at, remove, insert } of splices.toSorted((a, b) => b.at - a.at)) {
    result = result.slice(0, at) + insert + result.slice(at + remove);
  }
  return result;
}

/** The offset of the first character of the line that `at` is in. */
export const lineStart = (text: string, at: number): number =>
  at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1;

/** The offset of the line break that ends the line of `at`, `\r` included, or the length of the text. */
export function lineBreak(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  if (end < 0) return text.length;
  return end > at && text[end - 1] === '\r' ? end - 1 : end;
}

/** The offset of the line after that of `at`, or the length of the text. */
export function nextLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}

/** What a line without content is, by the offset of its start. */
type EmptyLine = { readonly kind: 'blank' } | { readonly kind: 'comment'; readonly column: number };

/** Null if the line has content. */
export function emptyLineAt(text: string, start: number): EmptyLine | null {
  const line = text.slice(start, lineBreak(text, start));
  const column = /^[ \t]*/.exec(line)?.[0].length ?? 0;
  if (column === line.length) return { kind: 'blank' };
  return line[column] === '#' ? { kind: 'comment', column } : null;
}

export const isBlankLine = (text: string, start: number): boolean =>
  emptyLineAt(text, start)?.kind === 'blank';

/** Whether nothing but white space and a comment stand between `at` and the end of its line. */
export const endsLine = (text: string, at: number): boolean =>
  /^[ \t]*(?:(?<=[ \t])#.*)?$/.test(text.slice(at, lineBreak(text, at)));

/** The white space before `at`, if there is nothing else before it on its line, else null. */
export function indentBefore(text: string, at: number): string | null {
  const before = text.slice(lineStart(text, at), at);
  return /^[ \t]*$/.test(before) ? before : null;
}

/** The first offset in a range that is neither white space nor in a comment nor one of `skipped`; `to` if there is none. */
export function firstContent(text: string, from: number, to: number, skipped = ''): number {
  let at = from;
  while (at < to) {
    const character = text[at] as string;
    if (character === '#') at = Math.min(to, lineBreak(text, at));
    else if (/\s/.test(character) || skipped.includes(character)) at++;
    else return at;
  }
  return to;
}
