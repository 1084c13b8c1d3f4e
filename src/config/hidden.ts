import type { YamlFile } from './document.ts';
import { type Path, plainKeyLength } from './problems.ts';
import { isKnown } from './reference.ts';
import type { Hidden, Source, Span } from './source.ts';

/** `${NAME}` says nothing about the value, and a message about it is clearer when it can be seen. */
const variable = /\$\{[A-Za-z_][A-Za-z0-9_]*\}/g;
/** What follows `${` and is no name may be anything, a secret that holds it included. */
const noVariable = /(?<=\$\{)(?![A-Za-z_][A-Za-z0-9_]*\})[^}]+/g;
/** In a URL, or what was meant to be one, blanks and line breaks included. */
const partsOfUrl = [
  // User info: up to the last "@".
  /(?<=:\/\/).*(?=@)|(?<=^["']?)(?!.*:\/\/).*(?=@)/gs,
  // A password whose "@" is missing, or behind what YAML takes for a comment: where a port would stand, but is no number.
  /(?<=:\/\/[^/?#@[]*:)(?!.*@)(?!\d*(?:[/?#"'\s]|$))[^/?#"']+/gs,
  // Query and fragment.
  /(?<=[?#]).+?(?=["']?$)/gs,
];
/** In double quotes any character may be escaped, also those that tell the parts of a URL. YAML 1.2.2, 5.7. */
const escapedText = /(?<=^").*\\[xuU/].*(?="$)/gs;
const partsOfText = [noVariable, escapedText, ...partsOfUrl];

/**
 * What an excerpt of the file must not show: header values, what stands below `auth` or an unknown key
 * (a misspelt one may hold a token), what was not read at all, and the user info and query of URLs.
 */
export function hiddenIn(file: YamlFile, source: Source): Hidden {
  let spans: readonly Span[] | undefined;
  // Gathered for the first message only: most files are good.
  return (line) => {
    spans ??= merged(gather(file, source));
    return within(spans, line);
  };
}

function gather(file: YamlFile, source: Source): Span[] {
  const hidden = [...file.unread];
  for (const { start, end } of file.keys) {
    const plain = plainKeyLength(source.text.slice(start, end));
    if (start + plain < end) hidden.push({ start: start + plain, end });
  }
  for (const { path, span } of file.scalars()) {
    const text = source.text.slice(span.start, span.end);
    const secrets = isSecretAt(path, text)
      ? [span]
      : partsOfText.flatMap((pattern) => matches(pattern, text, span));
    for (const secret of secrets) {
      const visible = matches(variable, source.text.slice(secret.start, secret.end), secret);
      hidden.push(...without(secret, visible));
    }
  }
  return hidden;
}

function isSecretAt(path: Path, text: string): boolean {
  if (path.length === 0 || !isKnown(path)) return true;
  const [top, , section, key] = path;
  if (top === 'mcp') return path[1] === 'auth' && path.length === 2 && !isWord(text);
  if (section === 'headers') return true;
  if (section !== 'auth' || key === 'type') return false;
  return key === 'token_env' ? !isCustomaryVariable(text) : !isWord(text);
}

/** What people write for `auth` when they know the word but not the form. */
const isWord = (text: string) => /^(?:none|bearer|basic|oauth|token)$/i.test(text);

/** Whether it is surely the name of a variable, and no token that was put into `token_env` by mistake. */
export function isCustomaryVariable(text: string): boolean {
  return /^[A-Z][A-Z0-9_]{0,63}$/.test(text);
}

/** Where `pattern` matches in `text`, which stands at `span`. */
function matches(pattern: RegExp, text: string, span: Span): Span[] {
  return [...text.matchAll(pattern)].map((match) => {
    const start = span.start + match.index;
    return { start, end: start + match[0].length };
  });
}

/** What is left of `span` without the `holes` in it. */
function without(span: Span, holes: readonly Span[]): Span[] {
  const edges = [span.start, ...holes.flatMap((hole) => [hole.start, hole.end]), span.end];
  const left: Span[] = [];
  for (let i = 0; i < edges.length; i += 2) left.push({ start: edges[i]!, end: edges[i + 1]! });
  return left.filter(({ start, end }) => end > start);
}

/** In order and without overlap: with aliases, one text can stand for several values. */
function merged(spans: Span[]): Span[] {
  const result: { start: number; end: number }[] = [];
  for (const span of spans.sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last && span.start < last.end) last.end = Math.max(last.end, span.end);
    else result.push({ ...span });
  }
  return result;
}

/** The spans that touch `line`. A file with many problems has many: they are searched for, not gone through. */
function within(spans: readonly Span[], line: Span): Span[] {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (spans[middle]!.end > line.start) high = middle;
    else low = middle + 1;
  }
  let end = low;
  while (end < spans.length && spans[end]!.start < line.end) end++;
  return spans.slice(low, end);
}
