import { LineCounter } from 'yaml';

/** A stretch of the file, in offsets of UTF-16 code units; `end` is not part of it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Finds what must not be shown in the line that runs from `start` to `end`. */
export type Hidden = (line: Span) => readonly Span[];

/** As much of a line as an excerpt shows. */
const maxColumns = 100;

/** The text of a configuration file, with its lines. */
export class Source {
  readonly path: string;
  readonly text: string;
  readonly lines = new LineCounter();

  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
    this.lines.addNewLine(0);
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.lines.addNewLine(at + 1);
  }

  /** `file:line:column`, both counted from 1. */
  where(span: Span): string {
    const { line, col } = this.lines.linePos(span.start);
    return `${this.path}:${line}:${col}`;
  }

  lineNumber(span: Span): number {
    return this.lines.linePos(span.start).line;
  }

  lineOf(span: Span): Span {
    const start = this.lines.lineStarts[this.lineNumber(span) - 1] ?? 0;
    const end = this.text.indexOf('\n', start);
    return { start, end: end < 0 ? this.text.length : end };
  }

  /** The text of `span` on one line, hidden stretches as `***`. */
  shown({ start, end }: Span, hidden: readonly Span[]): string {
    let shown = '';
    let at = start;
    for (const stretch of hidden) {
      if (stretch.end <= at || stretch.start >= end) continue;
      shown += `${this.text.slice(at, Math.max(at, stretch.start))}***`;
      at = Math.min(end, stretch.end);
    }
    // Control characters could rewrite the terminal; a tab would move the caret.
    return (shown + this.text.slice(at, end)).replace(/[\t\n]/g, ' ').replace(/\p{Cc}/gu, '');
  }

  /** The line of `span` with carets below it; hidden stretches show as `***`, comments are left out. */
  excerpt(span: Span, hidden: Hidden): string {
    const line = this.lineOf(span);
    const stretches = hidden(line);
    const end = Math.max(span.start, Math.min(span.end, line.end));
    const marked = widen({ start: span.start, end }, stretches);
    const before = this.shown({ start: line.start, end: marked.start }, stretches);
    const value = this.shown(marked, stretches);
    // A comment may hold what the user took out of the file a moment ago: a token, for example.
    const after = this.shown({ start: marked.end, end: line.end }, stretches).replace(/(?:^|\s)#.*$/, '');

    const long = before.length + value.length + after.length > maxColumns;
    const cut = long ? Math.max(0, before.length - maxColumns / 2) : 0;
    const head = (cut > 0 ? '…' : '') + before.slice(cut);
    const text = (head + value + after).trimEnd();
    const clipped = text.length > maxColumns ? `${text.slice(0, maxColumns)}…` : text;
    const carets = '^'.repeat(Math.max(1, Math.min(value.trimEnd().length, maxColumns - head.length)));
    const number = String(this.lineNumber(span));
    return `  ${number} | ${clipped}\n  ${' '.repeat(number.length)} | ${' '.repeat(head.length)}${carets}`;
  }
}

/** A stretch that is hidden in part is marked as a whole, so that it shows as one `***`. */
function widen(span: Span, hidden: readonly Span[]): Span {
  let { start, end } = span;
  for (const stretch of hidden) {
    if (stretch.end <= start || stretch.start >= end) continue;
    start = Math.min(start, stretch.start);
    end = Math.max(end, stretch.end);
  }
  return { start, end };
}
