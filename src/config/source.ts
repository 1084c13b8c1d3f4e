import { LineCounter } from 'yaml';

/** A range of the file in UTF-16 code units; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Returns the spans in a line that must not be shown, in order. */
export type HiddenSpans = (line: Span) => readonly Span[];

/** Longer lines are truncated in excerpts. */
const maxColumns = 100;

/** The text of a configuration file, split into lines. */
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

  /** `file:line:column`; lines and columns count from 1. */
  locationOf(span: Span): string {
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

  /** The text of a span on one line, with hidden spans as `***`. */
  render({ start, end }: Span, hidden: readonly Span[]): string {
    let shown = '';
    let at = start;
    for (const span of hidden) {
      if (span.end <= at || span.start >= end) continue;
      shown += `${this.text.slice(at, Math.max(at, span.start))}***`;
      at = Math.min(end, span.end);
    }
    // Control characters could rewrite the terminal; a tab would move the caret.
    return (shown + this.text.slice(at, end)).replace(/[\t\n]/g, ' ').replace(/\p{Cc}/gu, '');
  }

  /** The line of a span with carets below it, with hidden spans as `***` and without comments. */
  excerpt(span: Span, hidden: HiddenSpans): string {
    const line = this.lineOf(span);
    const hiddenInLine = hidden(line);
    const end = Math.max(span.start, Math.min(span.end, line.end));
    const marked = widen({ start: span.start, end }, hiddenInLine);
    const before = this.render({ start: line.start, end: marked.start }, hiddenInLine);
    const value = this.render(marked, hiddenInLine);
    // A comment may contain what the user has just removed: a token, for example.
    const after = this.render({ start: marked.end, end: line.end }, hiddenInLine).replace(/(?:^|\s)#.*$/, '');

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

/** Widens a span by the hidden spans that it touches, so that each is marked as one `***`. */
function widen(span: Span, hidden: readonly Span[]): Span {
  let { start, end } = span;
  for (const other of hidden) {
    if (other.end <= start || other.start >= end) continue;
    start = Math.min(start, other.start);
    end = Math.max(end, other.end);
  }
  return { start, end };
}
