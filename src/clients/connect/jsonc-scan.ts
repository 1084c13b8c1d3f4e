import { skipString } from '../../json/string.ts';
import { SpliceRefusal } from './splice.ts';

/** A member of an object in a text. */
export interface JsoncMember {
  readonly key: string;
  readonly keyStart: number;
  /** The index after the closing quote of the key. */
  readonly keyEnd: number;
  /** The value. */
  readonly start: number;
  readonly end: number;
  /** The index of the comma after the value; null if there is none. */
  readonly comma: number | null;
}

/** An object in a text: `start` is its opening brace, `end` the index after the closing one. */
export interface JsoncObject {
  readonly start: number;
  readonly end: number;
  readonly members: readonly JsoncMember[];
}

const blanks = /[ \t\r\n]*/y;
const scalar = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;
/** Deeper than any client's file. */
const maxDepth = 200;

/**
 * The index after blanks and comments at `at`. Throws a SpliceRefusal for a block comment without an end.
 */
function skipComments(text: string, at: number): number {
  for (let i = at; ; ) {
    blanks.lastIndex = i;
    i += blanks.exec(text)?.[0].length ?? 0;
    if (text.startsWith('//', i)) {
      const end = text.indexOf('\n', i);
      i = end < 0 ? text.length : end;
    } else if (text.startsWith('/*', i)) {
      const end = text.indexOf('*/', i + 2);
      if (end < 0) throw new SpliceRefusal(`a comment that begins in ${lineOf(text, i)} does not end`);
      i = end + 2;
    } else return i;
  }
}

/**
 * The object that a JSONC text consists of: JSON with comments and trailing commas, and a byte order mark before it. Null if
 * the text has nothing but comments. Throws a SpliceRefusal for any other text.
 */
export function scanRoot(text: string): JsoncObject | null {
  const start = skipComments(text, text.startsWith('\uFEFF') ? 1 : 0);
  if (start === text.length) return null;
  const root = scanObject(text, start);
  const rest = skipComments(text, root.end);
  if (rest < text.length) throw unexpected(text, rest);
  return root;
}

/** The object at `start`, with its members. Throws a SpliceRefusal if there is none, or if it is no valid JSONC. */
export function scanObject(text: string, start: number, depth = 0): JsoncObject {
  if (text[start] !== '{') throw new SpliceRefusal(`an object was expected in ${lineOf(text, start)}`);
  const members: JsoncMember[] = [];
  let at = skipComments(text, start + 1);
  while (text[at] !== '}') {
    const keyEnd = skipText(text, at);
    const colon = skipComments(text, keyEnd);
    if (text[colon] !== ':') throw unexpected(text, colon);
    const valueStart = skipComments(text, colon + 1);
    const end = skipValue(text, valueStart, depth + 1);
    const after = skipComments(text, end);
    const comma = text[after] === ',' ? after : null;
    const key = JSON.parse(text.slice(at, keyEnd)) as string;
    members.push({ key, keyStart: at, keyEnd, start: valueStart, end, comma });
    at = comma === null ? after : skipComments(text, after + 1);
    if (comma === null && text[at] !== '}') throw unexpected(text, at);
  }
  return { start, end: at + 1, members };
}

function skipValue(text: string, at: number, depth: number): number {
  if (depth > maxDepth) throw new SpliceRefusal(`it is nested more than ${maxDepth} levels deep`);
  if (text[at] === '"') return skipText(text, at);
  if (text[at] === '{') return scanObject(text, at, depth).end;
  if (text[at] === '[') return skipList(text, at, depth);
  scalar.lastIndex = at;
  const found = scalar.exec(text);
  if (found === null) throw unexpected(text, at);
  return at + found[0].length;
}

function skipList(text: string, start: number, depth: number): number {
  let at = skipComments(text, start + 1);
  while (text[at] !== ']') {
    at = skipComments(text, skipValue(text, at, depth + 1));
    if (text[at] === ',') at = skipComments(text, at + 1);
    else if (text[at] !== ']') throw unexpected(text, at);
  }
  return at + 1;
}

function skipText(text: string, at: number): number {
  if (text[at] !== '"') throw unexpected(text, at);
  try {
    return skipString(text, at);
  } catch {
    throw new SpliceRefusal(`a string that begins in ${lineOf(text, at)} is no JSON`);
  }
}

function unexpected(text: string, at: number): SpliceRefusal {
  const found = at < text.length ? JSON.stringify(String.fromCodePoint(text.codePointAt(at)!)) : 'its end';
  return new SpliceRefusal(`it is no JSON with comments: unexpected ${found} in ${lineOf(text, at)}`);
}

function lineOf(text: string, at: number): string {
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  return `line ${line}, column ${at - before.lastIndexOf('\n')}`;
}
