import { type Document, isCollection, isPair, isScalar, type YAMLError } from 'yaml';
import { layoutAdvice } from './layout.ts';
import { invalidConfig, type Problem } from './problems.ts';
import { allKeys } from './reference.ts';
import type { HiddenSpans, Source, Span } from './source.ts';

/** Messages in place of the parser's, which would not explain the error. */
const statements: Partial<Record<YAMLError['code'], string>> = {
  MULTIPLE_DOCS: 'a configuration is one document; remove this line and the rest, or the document before it',
  NON_STRING_KEY: 'a key must be plain text; put text with { } in quotes',
  RESOURCE_EXHAUSTION: 'the file is nested too deeply',
};
const unexpected = 'a value with one of { } [ ] , & * # ! | > % @ ` may need quotes';
const hints: Partial<Record<YAMLError['code'], string>> = {
  BAD_DQ_ESCAPE: 'in single quotes a backslash is a backslash',
  BAD_SCALAR_START: 'put the value in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'put a value with ": " in quotes, and each key on a line of its own',
  BAD_INDENT: 'check the indentation, and whether every bracket is closed',
  MULTILINE_IMPLICIT_KEY: 'a key needs a colon and a space after it',
  TAB_AS_INDENT: 'use spaces',
  UNEXPECTED_TOKEN: unexpected,
};

/** Errors of the parser that a line at the wrong column causes; `valueGoesOn` if a value continues on the next line. */
const wrongColumn = /same column|without - indicator|compact mappings|implicit map key|single line/;
const valueGoesOn = /compact mappings/;
const isToml = /^\s*\[[\w."-]+\]\s*\n\s*[\w-]+ *=/;
/** The parser has left the document: an earlier error has caused this one. */
const isConsequence = /in YAML stream$/;
/** Layout advice takes time and is limited to the first problems. */
const maxAdvised = 20;

/**
 * Throws if the text is not one YAML 1.2 document. Only the first error of each line is reported, because one mistake often
 * causes several.
 */
export function throwOnSyntaxErrors(source: Source, document: Document.Parsed): void {
  const byLine = new Map<number, Problem>();
  for (const error of [...document.errors, ...document.warnings.filter((w) => w.code === 'BAD_DIRECTIVE')]) {
    if (byLine.size > 0 && isConsequence.test(error.message.replace(/: .*$/s, ''))) continue;
    const problem = syntaxProblem(source, document, error, byLine.size < maxAdvised);
    const line = source.lineNumber(problem.span);
    if (!byLine.has(line)) byLine.set(line, problem);
  }
  const version = document.directives.yaml;
  if (version.explicit && version.version !== '1.2') {
    byLine.set(1, {
      span: { start: 0, end: 0 },
      message: 'a configuration is YAML 1.2; remove the %YAML directive',
    });
  }
  if (byLine.size > 0) throw invalidConfig(source, [...byLine.values()], hiddenWords(source.text));
}

function syntaxProblem(
  source: Source,
  document: Document.Parsed,
  error: YAMLError,
  advised: boolean,
): Problem {
  // An error at the end of the file belongs after its last word.
  const start = Math.max(0, Math.min(error.pos[0], source.text.trimEnd().length - 1));
  const end = Math.max(start, error.pos[1]);
  const open = error.code === 'MISSING_CHAR' ? openQuote(document, error.pos[0]) : null;
  if (open !== null) {
    return { span: { start: open, end: open + 1 }, message: 'not valid YAML: this quote is not closed' };
  }
  const statement = statements[error.code];
  if (statement) return { span: { start, end }, message: statement };
  // The text after a colon in this message comes from the file.
  const what = error.code === 'UNEXPECTED_TOKEN' ? error.message.replace(/: .*$/s, '') : error.message;
  const line = source.lineNumber({ start, end });
  const layout =
    advised && wrongColumn.test(what) ? layoutAdvice(source, line, valueGoesOn.test(what)) : null;
  const hint = isToml.test(source.text)
    ? 'this looks like TOML; a configuration is YAML'
    : (layout ??
      mistakeAt(source, start) ??
      (/block-seq-ind/.test(what) ? 'begin the list on the next line' : hints[error.code]));
  const reason = what.charAt(0).toLowerCase() + what.slice(1);
  return { span: { start, end }, message: `not valid YAML: ${reason}${hint ? `; ${hint}` : ''}` };
}

/** Advice on a mistake that the parser does not recognize, or null. */
function mistakeAt({ text }: Source, start: number): string | null {
  if (/^\s*\/[/*]/.test(text.slice(start, start + 100))) return 'a comment begins with "#"';
  if (text.startsWith('${', start - 1)) return `within { } and [ ] a value with "\${NAME}" needs quotes`;
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  return /^ *-\w+: /.test(text.slice(lineStart, start + 1)) ? 'add a space after "-"' : null;
}

/** The start of the quoted text that runs to `end` because its closing quote is missing, or null. */
function openQuote(document: Document.Parsed, end: number): number | null {
  // It is the last node of the document.
  let node: unknown = document.contents;
  while (isCollection(node)) {
    const last = node.items.at(-1);
    node = isPair(last) ? (last.value ?? last.key) : last;
  }
  if (!isScalar(node) || !node.type?.startsWith('QUOTE_') || node.range?.[1] !== end) return null;
  return node.range[0];
}

/**
 * Hides every word that may be a secret, for lack of a syntax tree: punctuation, the first key of a line and words of the
 * schema stay visible.
 */
export function hiddenWords(text: string): HiddenSpans {
  const words = new Set(
    allKeys().flatMap(({ key, schema }) => [key.replace(/^.*\./, ''), ...(schema.enum ?? [])]),
  );
  return (line: Span) => {
    const shown = text.slice(line.start, line.end);
    const firstKey = /^[\s?-]*["']?[\w.-]+["']?(?=:(?:\s|$))/.exec(shown)?.[0].length ?? 0;
    return [...shown.matchAll(/[^\s{}[\],:"'|>]+/g)]
      .map((match) => ({ word: match[0], start: match.index }))
      .filter(
        ({ word, start }) =>
          start >= firstKey && !words.has(word) && !/^(?:[\W_]+|[\d.]{1,5}|%YAML)$/.test(word),
      )
      .map(({ word, start }) => ({ start: line.start + start, end: line.start + start + word.length }));
  };
}
