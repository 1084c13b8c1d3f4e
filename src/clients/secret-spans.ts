import { isRandomWord, isUuid, secretShapesIn } from '../observability/secret-shapes.ts';
import {
  isPath,
  isPlainValue,
  namedSecret,
  namesSecret,
  type SecretSpan,
  secretsNamedIn,
} from './named-secrets.ts';

const reference = /\$\$\{|\$\{[^}]*\}/g;

/**
 * The secrets in a text of a server, in the syntax of the configuration.
 * @param name what names the text: a variable, a header or an option; null if nothing does
 */
export function secretSpans(name: string | null, text: string): SecretSpan[] {
  const found = [
    ...namedSecret(name, text),
    ...urlSecrets(text),
    ...secretShapesIn(text).map((span) => ({ ...span, word: 'TOKEN' })),
    ...randomWords(text),
    ...outsideUrls(text, secretsNamedIn(text)),
  ];
  return disjoint(
    found,
    [...text.matchAll(reference)]
      .filter(([ref]) => ref !== '$${')
      .map(({ index, 0: ref }) => ({ start: index, end: index + ref.length })),
  );
}

const userInfo = /\b[a-z][a-z0-9+.-]*:\/\/([^\s/?#]*)@/gi;
/** `user:password@tcp(host)/name`, the form of Go's MySQL driver. */
const mysqlAddress = /(?<![^\s"'=])[^\s:@/"']+:([^\s@"']+)@(?=(?:tcp|unix)?\()/g;
const query = /[?&#]([^=&#\s]+)=([^&#\s]+)/g;

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
  for (const { 0: whole, 1: password = '', index } of text.matchAll(mysqlAddress)) {
    const end = index + whole.length - 1;
    found.push({ start: end - password.length, end, word: 'PASSWORD' });
  }
  for (const [, start = 0, end = 0] of urlRanges(text)) {
    const url = text.slice(start, end);
    for (const { 0: whole, 1: name = '', 2: value = '', index } of url.matchAll(query)) {
      const at = start + index + whole.length - value.length;
      const isSecret = (namesSecret(name) && !isPlainValue(value)) || isRandomWord(value);
      if (isSecret) found.push({ start: at, end: at + value.length, word: name });
    }
    for (const { 0: segment, index } of pathOf(url).matchAll(/(?<=\/)[^/]+/g)) {
      if (!isRandomWord(segment) && !isUuid(segment)) continue;
      found.push({ start: start + index, end: start + index + segment.length, word: 'TOKEN' });
    }
  }
  return found;
}

/** The parameters of URLs have rules of their own. */
function outsideUrls(text: string, spans: readonly SecretSpan[]): SecretSpan[] {
  const urls = [...urlRanges(text)];
  return spans.filter(({ start, end }) => urls.every(([, from, to]) => end <= from || start >= to));
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
  const whole = isRandomWord(text) && !isPath(text) ? [{ start: 0, end: text.length, word: 'TOKEN' }] : [];
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
