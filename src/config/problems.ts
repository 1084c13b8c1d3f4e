import { GatewayError } from '../errors.ts';
import type { HiddenSpans, Source, Span } from './source.ts';
import type { Path } from './values.ts';

/** One problem of a configuration file. */
export interface Problem {
  readonly span: Span;
  /** The value found and the value expected, on one line, without secrets. */
  readonly message: string;
  /** A second location that belongs to the problem. */
  readonly related?: { readonly span: Span; readonly message: string };
}

/** Further problems of a file are only counted. */
const maxProblems = 50;
/** Longer texts of the user are truncated in messages. */
const maxShownChars = 60;

/** A path in messages: `servers[0].url`. */
export function dotted(path: Path): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${shownKey(part)}`));
  return parts.join('').replace(/^\./, '');
}

/** Text of the user for a message: short and without control characters. */
export function clip(text: string): string {
  const safe = text.replace(/\p{Cc}/gu, ' ');
  return safe.length > maxShownChars ? `${safe.slice(0, maxShownChars)}…` : safe;
}

/** A key for a message. Only a plain word is shown in full: without a space after the colon, `token:secret` is a key, too. */
export function shownKey(key: string): string {
  const shown = key.slice(0, plainKeyLength(key));
  return shown === key ? clip(key) : `${clip(shown)}***`;
}

/** The length of the plain word at the start of a key, with quotes and a final colon. */
export function plainKeyLength(key: string): number {
  return /^["']?[\w.-]*["':]?/.exec(key)?.[0].length ?? 0;
}

/** The end of a message about a key that contains a value, for lack of a space after its colon. */
export const missingSpaceHint = (key: string) =>
  /^[\w.-]+:./.test(key) ? '; add a space after the colon' : '';

/** Text of the user in double quotes, clipped. */
export const quote = (text: string) => `"${clip(text)}"`;

/** Characters from web pages and word processors that only look like YAML's, with advice. */
const lookalikes: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [/[\u00a0\u2007\u202f\u3000]/, 'is a no-break space; write a plain one'],
  [/[\u200b-\u200f\u2060\ufeff]/, 'is an invisible character; remove it'],
  [/[“”„‟‘’‚«»]/, 'is a typographic quote; write a straight one'],
  [/：/, 'is a wide colon; write ":" and a space'],
  [/^[\s-]*[–—−•‣●]/, 'is not the dash of a list; write "-"'],
];

/** The end of a message: advice on the first such character in the line. */
function lookalikeHint(line: string): string {
  const code = line.replace(/(?:^|\s)#.*$/, '');
  for (const [pattern, advice] of lookalikes) {
    const match = pattern.exec(code);
    if (match) return `; column ${match.index + match[0].length} ${advice}`;
  }
  return '';
}

/** An error of kind `config_invalid` that lists the problems in the order of the file. */
export function invalidConfig(
  source: Source,
  problems: readonly Problem[],
  hidden: HiddenSpans,
): GatewayError {
  const sorted = problems.toSorted((a, b) => a.span.start - b.span.start);
  const shown = sorted.slice(0, maxProblems).map((problem) => describe(source, problem, hidden));
  const more = sorted.length - shown.length;
  if (more > 0) shown.push(`and ${more} more`);
  const count = sorted.length === 1 ? '1 problem' : `${sorted.length} problems`;
  return new GatewayError('config_invalid', `invalid configuration, ${count}\n\n${shown.join('\n\n')}`);
}

/** An error about the file as a whole. */
export function unusableFile(path: string, reason: string): GatewayError {
  return new GatewayError('config_invalid', `invalid configuration: ${path} ${reason}`);
}

function describe(source: Source, { span, message, related }: Problem, hidden: HiddenSpans): string {
  const { start, end } = source.lineOf(span);
  const what = message + lookalikeHint(source.text.slice(start, end));
  const text = `${source.locationOf(span)}: ${what}\n${source.excerpt(span, hidden)}`;
  if (!related) return text;
  return `${text}\n${source.locationOf(related.span)}: ${related.message}\n${source.excerpt(related.span, hidden)}`;
}
