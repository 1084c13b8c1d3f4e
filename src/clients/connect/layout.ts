import { lineBreak, lineStart } from '../../config/edits/lines.ts';

/** The end of a line that a text uses: that of its first line. */
export function lineEndOf(text: string): '\n' | '\r\n' {
  const at = text.indexOf('\n');
  return at > 0 && text[at - 1] === '\r' ? '\r\n' : '\n';
}

/** The index of the line end before the line that starts at `start`; 0 for the first line. */
export function lineEndBefore(text: string, start: number): number {
  if (start === 0) return 0;
  return text[start - 2] === '\r' ? start - 2 : start - 1;
}

/** The blanks at the beginning of the line that `at` is in. */
export function indentationAt(text: string, at: number): string {
  const start = lineStart(text, at);
  let end = start;
  while (text[end] === ' ' || text[end] === '\t') end++;
  return text.slice(start, Math.min(end, Math.max(at, start)));
}

/** Whether only blanks precede `at` in its line. */
export function isFirstInLine(text: string, at: number): boolean {
  return isBlank(text, lineStart(text, at), at);
}

/** Whether only blanks follow `at` in its line. */
export function isLastInLine(text: string, at: number): boolean {
  return isBlank(text, at, lineBreak(text, at));
}

/** Whether the text between two indexes has blanks only: spaces, tabs, line ends and a byte order mark. */
export function isBlank(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (!' \t\r\n\uFEFF'.includes(text.charAt(i))) return false;
  return true;
}

/** What one more level is indented by in a text: the first indentation in it, else two spaces. */
export function indentUnitOf(text: string): string {
  return /\n([ \t]+)[^\s]/.exec(text)?.[1] ?? '  ';
}
