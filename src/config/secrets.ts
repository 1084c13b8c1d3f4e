import type { YamlFile } from './document.ts';
import type { Expansion } from './expand.ts';
import type { Path } from './problems.ts';
import { isKnown } from './reference.ts';
import type { Config } from './schema.ts';
import type { Hidden, Source, Span } from './source.ts';

/** `${NAME}` says nothing about the value, and a message about it is clearer when it can be seen. */
const variable = /\$\{[A-Za-z_][A-Za-z0-9_]*\}/g;
/** In a URL, or what was meant to be one: user info (up to the last "@"), query and fragment. */
const partsOfUrl = /(?<=:\/\/)\S*(?=@)|(?<=^["']?)(?!.*:\/\/)\S*(?=@)|(?<=[?#])[^\s'"]+/g;

/**
 * What an excerpt of the file must not show: header values, what stands below `auth` or an unknown key
 * (a misspelt one may hold a token), and the user info and query of URLs.
 */
export function hiddenIn(file: YamlFile, source: Source): Hidden {
  const hidden: Span[] = [];
  for (const { path, span, scalar } of file.places()) {
    if (!scalar) continue;
    const text = source.text.slice(span.start, span.end);
    if (isSecretAt(path, text)) hidden.push(...outside(variable, text, span));
    else
      for (const match of text.matchAll(partsOfUrl))
        hidden.push(...outside(variable, match[0], at(span, match)));
  }
  hidden.sort((a, b) => a.start - b.start);
  return (line) => {
    const found: Span[] = [];
    for (
      let i = firstEndingAfter(hidden, line.start);
      i < hidden.length && hidden[i]!.start < line.end;
      i++
    ) {
      found.push(hidden[i]!);
    }
    return found;
  };
}

/** A file with many problems has many spans: they are searched for, not gone through. */
function firstEndingAfter(spans: readonly Span[], offset: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (spans[middle]!.end > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Whether it is surely the name of a variable, and no token that was put into `token_env` by mistake. */
export function isCustomaryVariable(text: string): boolean {
  return /^[A-Z][A-Z0-9_]{0,63}$/.test(text);
}

function isSecretAt(path: Path, text: string): boolean {
  if (path.length === 0 || !isKnown(path)) return true;
  const [top, , section, key] = path;
  if (top === 'servers') {
    if (section === 'headers') return true;
    if (section === 'auth')
      return key === 'token_env' ? !isCustomaryVariable(text) : key !== 'type' && !isWord(text);
    return false;
  }
  return top === 'mcp' && path[1] === 'auth' && path.length === 2 && !isWord(text);
}

/** What people write for `auth` when they know the word but not the form. */
const isWord = (text: string) => /^(?:none|bearer|basic|oauth|token)$/i.test(text);

function at(span: Span, match: RegExpMatchArray): Span {
  const start = span.start + (match.index ?? 0);
  return { start, end: start + match[0].length };
}

/** The stretches of `span` that `pattern` does not match in `text`. */
function outside(pattern: RegExp, text: string, span: Span): Span[] {
  const found: Span[] = [];
  let start = span.start;
  for (const match of text.matchAll(pattern)) {
    const visible = at(span, match);
    if (visible.start > start) found.push({ start, end: visible.start });
    start = visible.end;
  }
  if (span.end > start) found.push({ start, end: span.end });
  return found;
}

/**
 * Every value that must never be shown: tokens, header values, the query values of URLs, and what came from
 * the environment, except where it became something public: a server's name, protocol or address.
 */
export function secretsOf(
  config: Config,
  tokens: Iterable<string>,
  expansions: readonly Expansion[],
): string[] {
  const secrets = new Set(tokens);
  for (const server of config.servers) {
    for (const value of Object.values(server.headers)) {
      secrets.add(value);
      // `Authorization: Bearer TOKEN`: the token is a secret without the scheme, too.
      const credentials = /^[A-Za-z]+ +(\S+)$/.exec(value)?.[1];
      if (credentials) secrets.add(credentials);
    }
    const url = new URL(server.url);
    for (const value of url.searchParams.values()) secrets.add(value).add(encodeURIComponent(value));
    for (const pair of url.search.slice(1).split('&')) secrets.add(pair.slice(pair.indexOf('=') + 1));
  }
  for (const { path, value } of expansions) {
    if (!isPublic(config, path, value)) secrets.add(value);
  }
  secrets.delete('');
  return [...secrets];
}

function isPublic(config: Config, path: Path, value: string): boolean {
  const [, index, key] = path;
  if (key === 'name' || key === 'protocol') return true;
  const server = config.servers[Number(index)];
  return key === 'url' && server !== undefined && new URL(server.url).origin.includes(value.toLowerCase());
}
