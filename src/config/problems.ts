import { GatewayError } from '../errors.ts';
import type { Hidden, Source, Span } from './source.ts';

/** One thing that is wrong with a configuration file. */
export interface Problem {
  readonly span: Span;
  /** What was found and what was expected, on one line, free of secrets. */
  readonly message: string;
  /** Another place that belongs to the problem. */
  readonly related?: { readonly span: Span; readonly message: string };
}

/** Where a value stands in the configuration: `['servers', 0, 'url']`. */
export type Path = readonly (string | number)[];

/** As many problems as are told of one file. */
const maxProblems = 50;
/** As much of a user's text as a message repeats. */
const maxShownChars = 60;

/** `servers[0].url`, to name a value in a message. */
export function dotted(path: Path): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${shownKey(part)}`));
  return parts.join('').replace(/^\./, '');
}

/** Text of the user, short and without control characters, to stand in a message. */
export function clip(text: string): string {
  const safe = text.replace(/\p{Cc}/gu, ' ');
  return safe.length > maxShownChars ? `${safe.slice(0, maxShownChars)}…` : safe;
}

/**
 * A key to stand in a message. Only a plain word shows as a whole: without the space after its colon,
 * `token:secret` is a key, too.
 */
export function shownKey(key: string): string {
  const shown = key.slice(0, plainKeyLength(key));
  return shown === key ? clip(key) : `${clip(shown)}***`;
}

/** How much of a key, which may stand in quotes, is a plain word with at most a colon behind it. */
export function plainKeyLength(key: string): number {
  return /^["']?[\w.-]*["':]?/.exec(key)?.[0].length ?? 0;
}

/** Ends a message about a key that would be a good one if it were not for the value in it. */
export const missedSpace = (key: string) =>
  /^[\w.-]+:./.test(key) ? '; after the colon a space is missing' : '';

/** Text of the user in double quotes, clipped. */
export const quote = (text: string) => `"${clip(text)}"`;

/** What comes with text from web pages and word processors, and only looks like what YAML knows; what to do about it. */
const lookalikes: readonly (readonly [last: RegExp, advice: string])[] = [
  [/[\u00a0\u2007\u202f\u3000]/, 'is a no-break space; write a plain one'],
  [/[\u200b-\u200f\u2060\ufeff]/, 'is an invisible character; remove it'],
  [/[“”„‟‘’‚«»]/, 'is a typographic quote; write a straight one'],
  [/：/, 'is a wide colon; write ":" and a space'],
  [/^[\s-]*[–—−•‣●]/, 'is no dash of a list; write "-"'],
];

/** Names the first such character in the line of a problem, to end its message with. */
function lookalikeIn(line: string): string {
  const code = line.replace(/(?:^|\s)#.*$/, '');
  for (const [last, advice] of lookalikes) {
    const match = last.exec(code);
    if (match) return `; column ${match.index + match[0].length} ${advice}`;
  }
  return '';
}

/** All problems of a file as one error of kind `config_invalid`, in the order of the file. */
export function invalidConfig(source: Source, problems: readonly Problem[], hidden: Hidden): GatewayError {
  const sorted = problems.toSorted((a, b) => a.span.start - b.span.start);
  const shown = sorted.slice(0, maxProblems).map((problem) => describe(source, problem, hidden));
  const more = sorted.length - shown.length;
  if (more > 0) shown.push(`and ${more} more`);
  const count = sorted.length === 1 ? '1 problem' : `${sorted.length} problems`;
  return new GatewayError('config_invalid', `invalid configuration, ${count}\n\n${shown.join('\n\n')}`);
}

/** A file that cannot be used as a whole. */
export function unusableFile(path: string, reason: string): GatewayError {
  return new GatewayError('config_invalid', `invalid configuration: ${path} ${reason}`);
}

function describe(source: Source, { span, message, related }: Problem, hidden: Hidden): string {
  const { start, end } = source.lineOf(span);
  const what = message + lookalikeIn(source.text.slice(start, end));
  const text = `${source.where(span)}: ${what}\n${source.excerpt(span, hidden)}`;
  if (!related) return text;
  return `${text}\n${source.where(related.span)}: ${related.message}\n${source.excerpt(related.span, hidden)}`;
}
