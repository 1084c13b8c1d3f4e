import { lineStart } from '../../config/edits/lines.ts';
import { SpliceRefusal } from './splice.ts';

/** A line, or several, that says something: the header of a table, or a key with its value. TOML 1.0. */
export interface TomlStatement {
  readonly kind: 'table' | 'pair';
  /** The path from the root: for a pair, with the path of its table. */
  readonly path: readonly string[];
  /** The number of keys of the path that the statement itself names. */
  readonly ownKeys: number;
  /** The start of its first line. */
  readonly start: number;
  /** The end of its last line, before the line end. */
  readonly end: number;
  /** Whether it is below the header of an array of tables, whose path stands for the last one of several. */
  readonly isInArray: boolean;
}

const bareKey = /[A-Za-z0-9_-]+/y;
/** More than a person writes; the scan ends with the text in any case. */
const maxDepth = 100;

/**
 * The statements of a TOML text, in their order. The text is valid TOML: whatever it says, the scan ends, and where it notices
 * a fault it throws a SpliceRefusal.
 */
export function scanToml(text: string): TomlStatement[] {
  const statements: TomlStatement[] = [];
  /** The paths of arrays of tables: what is below one belongs to the last of several tables. */
  const arrays: (readonly string[])[] = [];
  let table: readonly string[] = [];
  let begin = skipBlankLines(text, text.startsWith('\uFEFF') ? 1 : 0);
  while (begin < text.length) {
    const brackets = text.startsWith('[[', begin) ? 2 : text[begin] === '[' ? 1 : 0;
    const { path: own, end: keyEnd } = scanKey(text, begin + brackets);
    if (!text.startsWith(']'.repeat(brackets), keyEnd)) throw malformed(text, keyEnd);
    if (brackets > 0) table = own;
    if (brackets === 2) arrays.push(own);
    const path = brackets > 0 ? own : [...table, ...own];
    const valueEnd = brackets > 0 ? keyEnd + brackets : skipTomlValue(text, afterEquals(text, keyEnd), 0);
    const end = endOfLine(text, valueEnd);
    statements.push({
      kind: brackets > 0 ? 'table' : 'pair',
      path,
      ownKeys: own.length,
      start: lineStart(text, begin),
      end,
      isInArray: arrays.some((array) => isPrefix(array, path)),
    });
    begin = skipBlankLines(text, end);
  }
  return statements;
}

/** Whether `path` begins with `prefix`, or is it. */
export function isPrefix(prefix: readonly string[], path: readonly string[]): boolean {
  return prefix.length <= path.length && prefix.every((key, index) => path[index] === key);
}

function skipBlankLines(text: string, from: number): number {
  let at = from;
  for (;;) {
    while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at++;
    if (text[at] !== '#') return at;
    at = lineEndFrom(text, at);
  }
}

function skipSpaces(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t') at++;
  return at;
}

function lineEndFrom(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

/** The end of the line after a value, with its comment; nothing else may follow. */
function endOfLine(text: string, from: number): number {
  const at = skipSpaces(text, from);
  const next = text[at];
  if (next !== undefined && next !== '\n' && next !== '\r' && next !== '#') throw malformed(text, at);
  const end = lineEndFrom(text, at);
  return text[end - 1] === '\r' && end > at ? end - 1 : end;
}

function scanKey(text: string, from: number): { path: string[]; end: number } {
  const path: string[] = [];
  let at = skipSpaces(text, from);
  for (;;) {
    const start = at;
    if (text[at] === '"' || text[at] === "'") {
      at = skipTomlString(text, at);
      path.push(decoded(text.slice(start, at)));
    } else {
      bareKey.lastIndex = at;
      const found = bareKey.exec(text)?.[0];
      if (found === undefined) throw malformed(text, at);
      path.push(found);
      at += found.length;
    }
    at = skipSpaces(text, at);
    if (text[at] !== '.') return { path, end: at };
    at = skipSpaces(text, at + 1);
  }
}

function decoded(quoted: string): string {
  return (Bun.TOML.parse(`key = ${quoted}`) as { key: string }).key;
}

function afterEquals(text: string, at: number): number {
  if (text[at] !== '=') throw malformed(text, at);
  return skipSpaces(text, at + 1);
}

function skipTomlValue(text: string, at: number, depth: number): number {
  if (depth > maxDepth) throw new SpliceRefusal(`it is nested more than ${maxDepth} levels deep`);
  const first = text[at];
  if (first === '"' || first === "'") return skipTomlString(text, at);
  if (first === '[' || first === '{') return skipTomlCollection(text, at, depth);
  let end = at;
  while (end < text.length && !',]}#\r\n'.includes(text.charAt(end))) end++;
  if (end === at) throw malformed(text, at);
  return end;
}

function skipTomlCollection(text: string, start: number, depth: number): number {
  const close = text[start] === '[' ? ']' : '}';
  let at = skipBlankLines(text, start + 1);
  while (text[at] !== close) {
    if (close === '}') {
      const key = scanKey(text, at);
      at = afterEquals(text, key.end);
    }
    at = skipBlankLines(text, skipTomlValue(text, at, depth + 1));
    if (text[at] === ',') at = skipBlankLines(text, at + 1);
    else if (text[at] !== close) throw malformed(text, at);
  }
  return at + 1;
}

/** The index after the string of any of the four kinds that begins at `at`. */
function skipTomlString(text: string, at: number): number {
  const quote = text.charAt(at);
  const isMultiline = text.startsWith(quote.repeat(3), at);
  const close = quote.repeat(isMultiline ? 3 : 1);
  for (let i = at + close.length; i < text.length; i++) {
    if (text[i] === '\\' && quote === '"') i++;
    else if (text[i] === '\n' && !isMultiline) break;
    else if (text.startsWith(close, i)) {
      i += close.length;
      // Up to two quotes may stand before the closing ones.
      for (let more = 0; isMultiline && more < 2 && text[i] === quote; more++) i++;
      return i;
    }
  }
  throw malformed(text, at);
}

function malformed(text: string, at: number): SpliceRefusal {
  return new SpliceRefusal(`line ${text.slice(0, at).split('\n').length} is no TOML that can be edited`);
}
