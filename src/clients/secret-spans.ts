import { isCredentialName, isOrdinary } from '../config/secrets.ts';
import { isRandomWord, isUuid, secretShapesIn } from '../observability/secret-shapes.ts';
import { literalOf } from './references.ts';

/** A part of a text that is a secret, and a word for it. */
interface SecretSpan {
  readonly start: number;
  readonly end: number;
  /** `PASSWORD`, `TOKEN`, or the name of the parameter that it is the value of. */
  readonly word: string;
}

/** Names whose values are secrets however they look. */
const surelySecret =
  /passw|passphrase|pwd|secret|token|credential|bearer|authorization|api_?-?key|access_?-?key|private_?-?key|(?:^|_)(?:key|pass|pat|pin)$/i;
/** Values that are none, whatever their name: `MAX_TOKENS=4096`, `AUTH=true`, a path, an address. */
const plainValue = /^(?:true|false|yes|no|on|off|none|null|auto|\d{1,7}|)$/i;
const pathValue = /^(?:~?\/|\.{1,2}\/|[A-Za-z]:[\\/]).*$/s;
const reference = /\$\$\{|\$\{[^}]*\}/g;

/**
 * The secrets in a text of a server, in the syntax of the configuration.
 * @param name what names the text: a variable, a header or an option; null if nothing does
 */
export function secretSpans(name: string | null, text: string): SecretSpan[] {
  const found = [
    ...wholeSecret(name, text),
    ...urlSecrets(text),
    ...secretShapesIn(text).map((span) => ({ ...span, word: 'TOKEN' })),
    ...randomWords(text),
  ];
  return disjoint(
    found,
    [...text.matchAll(reference)]
      .filter(([ref]) => ref !== '$${')
      .map(({ index, 0: ref }) => ({ start: index, end: index + ref.length })),
  );
}

function wholeSecret(name: string | null, text: string): SecretSpan[] {
  if (name === null || !isCredentialName(name) || literalOf(text) === null) return [];
  const value = text.replace(/^(?:Bearer|Basic|Token|ApiKey)\s+/i, '');
  if (plainValue.test(value) || pathValue.test(value) || /^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return [];
  // `AUTH_MODE: oauth` is none, `PASSWORD: hunter` is one.
  if (!surelySecret.test(name) && (value.length < 8 || isOrdinary(value))) return [];
  return [{ start: text.length - value.length, end: text.length, word: name }];
}

const userInfo = /\b[a-z][a-z0-9+.-]*:\/\/([^\s/?#]*)@/gi;
const query = /[?&]([^=&#\s]+)=([^&#\s]+)/g;

/** The parts of URLs that are secrets: passwords, values of parameters, segments of a path that nobody could guess. */
function urlSecrets(text: string): SecretSpan[] {
  const found: SecretSpan[] = [];
  for (const { 0: whole, 1: info = '', index } of text.matchAll(userInfo)) {
    const end = index + whole.length - 1;
    const colon = info.indexOf(':');
    const start = end - info.length + (colon < 0 ? 0 : colon + 1);
    // A user name without a password is often a token, and `git@` is none.
    const isSecret = colon >= 0 ? end > start : info.length >= 16;
    if (isSecret) found.push({ start, end, word: 'PASSWORD' });
  }
  for (const [, start = 0, end = 0] of urlRanges(text)) {
    const url = text.slice(start, end);
    for (const { 0: whole, 1: name = '', 2: value = '', index } of url.matchAll(query)) {
      const at = start + index + whole.length - value.length;
      const isSecret = (isCredentialName(name) && !plainValue.test(value)) || isRandomWord(value);
      if (isSecret) found.push({ start: at, end: at + value.length, word: name });
    }
    for (const { 0: segment, index } of pathOf(url).matchAll(/(?<=\/)[^/]+/g)) {
      if (!isRandomWord(segment) && !isUuid(segment)) continue;
      found.push({ start: start + index, end: start + index + segment.length, word: 'TOKEN' });
    }
  }
  return found;
}

function* urlRanges(text: string): Generator<[url: string, start: number, end: number]> {
  for (const { 0: url, index } of text.matchAll(/https?:\/\/[^\s"'<>]+/gi))
    yield [url, index, index + url.length];
}

/** The URL up to its query; host and scheme are blank, so that offsets stay. */
function pathOf(url: string): string {
  const path = url.replace(/[?#].*$/s, '');
  return path.replace(/^[a-z]+:\/\/[^/]*/i, (origin) => ' '.repeat(origin.length));
}

/** A word between quotes, spaces and the like; one within a path is none. */
const word = /(?<![^\s"'=:,;()[\]{}])[A-Za-z0-9_+-]{20,}={0,2}(?![^\s"',;()[\]{}])/g;

/** Words that are keys by their look. */
function randomWords(text: string): SecretSpan[] {
  const whole =
    isRandomWord(text) && !pathValue.test(text) ? [{ start: 0, end: text.length, word: 'TOKEN' }] : [];
  const parts = [...text.matchAll(word)].flatMap(({ 0: found, index }) => {
    const before = text.slice(0, index);
    if (!isRandomWord(found) || /\bsha\d+[=:-]$/i.test(before)) return [];
    const [, name = 'TOKEN'] = /([\w-]+)["']?\s*[=:]\s*["']?$/.exec(before) ?? [];
    return [{ start: index, end: index + found.length, word: name.replace(/^-+/, '') }];
  });
  return [...whole, ...parts];
}

/** The spans in their order; of overlapping ones the longest, and none that touches a hole. */
function disjoint(
  spans: readonly SecretSpan[],
  holes: readonly { start: number; end: number }[],
): SecretSpan[] {
  const kept: SecretSpan[] = [];
  const touches = (span: SecretSpan) => (other: { start: number; end: number }) =>
    span.start < other.end && other.start < span.end;
  for (const span of [...spans].sort((a, b) => b.end - b.start - (a.end - a.start))) {
    if (!holes.some(touches(span)) && !kept.some(touches(span))) kept.push(span);
  }
  return kept.sort((a, b) => a.start - b.start);
}
