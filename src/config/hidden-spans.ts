import type { YamlFile } from './document.ts';
import { plainKeyLength } from './problems.ts';
import { isKnown } from './reference.ts';
import type { HiddenSpans, Source, Span } from './source.ts';
import type { Path } from './values.ts';

/** `${NAME}` does not reveal the value, and a message is clearer if it shows the reference. */
const variable = /\$\{[A-Za-z_][A-Za-z0-9_]*\}/g;
/** The text after `${` if it is not a name: it may be a secret. */
const noVariable = /(?<=\$\{)(?![A-Za-z_][A-Za-z0-9_]*\})[^}]+/g;
/** Parts of a URL, or of a malformed one, spaces and line breaks included. */
const partsOfUrl = [
  // User info: up to the last "@".
  /(?<=:\/\/).*(?=@)|(?<=^["']?)(?!.*:\/\/).*(?=@)/gs,
  // A password whose "@" is missing or in a YAML comment: it is in the place of the port, but is not a number.
  /(?<=:\/\/[^/?#@[]*:)(?!.*@)(?!\d*(?:[/?#"'\s]|$))[^/?#"']+/gs,
  // Query and fragment.
  /(?<=[?#]).+?(?=["']?$)/gs,
];
/** In double quotes any character may be escaped, delimiters of a URL included. YAML 1.2.2, 5.7. */
const escapedText = /(?<=^").*\\[xuU/].*(?="$)/gs;
const partsOfText = [noVariable, escapedText, ...partsOfUrl];

/**
 * The spans that an excerpt of the file must not show: values of headers, arguments and variables of processes, values below `auth` and below unknown keys (which may
 * be misspelt), skipped values, and the user info and query of URLs.
 */
export function hiddenSpans(file: YamlFile, source: Source): HiddenSpans {
  let spans: readonly Span[] | undefined;
  // Collected for the first message only: most files are valid.
  return (line) => {
    spans ??= merged(collect(file, source));
    return within(spans, line);
  };
}

function collect(file: YamlFile, source: Source): Span[] {
  const hidden = [...file.skipped];
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
  if (section === 'headers' || section === 'env' || section === 'args') return true;
  if (section !== 'auth' || key === 'type') return false;
  return key === 'token_env' ? !isCustomaryVariable(text) : !isWord(text);
}

/** Words that people write as the value of `auth`. */
const isWord = (text: string) => /^(?:none|bearer|basic|oauth|token)$/i.test(text);

/** Whether `text` is certainly the name of a variable, and not a token in `token_env` by mistake. */
export function isCustomaryVariable(text: string): boolean {
  return /^[A-Z][A-Z0-9_]{0,63}$/.test(text);
}

/** The spans of the matches of `pattern` in `text`, which is the text of `span`. */
function matches(pattern: RegExp, text: string, span: Span): Span[] {
  return [...text.matchAll(pattern)].map((match) => {
    const start = span.start + match.index;
    return { start, end: start + match[0].length };
  });
}

/** The parts of `span` outside the `holes` in it. */
function without(span: Span, holes: readonly Span[]): Span[] {
  const edges = [span.start, ...holes.flatMap((hole) => [hole.start, hole.end]), span.end];
  const left: Span[] = [];
  for (let i = 0; i < edges.length; i += 2) left.push({ start: edges[i]!, end: edges[i + 1]! });
  return left.filter(({ start, end }) => end > start);
}

/** Sorts the spans and merges overlapping ones: with aliases, one text can be several values. */
function merged(spans: Span[]): Span[] {
  const result: { start: number; end: number }[] = [];
  for (const span of spans.sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last && span.start < last.end) last.end = Math.max(last.end, span.end);
    else result.push({ ...span });
  }
  return result;
}

/** The spans that touch `line`, by binary search: a file may have many spans and many problems. */
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
