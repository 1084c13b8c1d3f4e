import { lineBreak, lineStart, type Splice } from '../../config/edits/lines.ts';
import { type JsoncMember, type JsoncObject, scanObject, scanRoot } from './jsonc-scan.ts';
import {
  indentationAt,
  indentUnitOf,
  isBlank,
  isFirstInLine,
  isLastInLine,
  lineEndBefore,
  lineEndOf,
} from './layout.ts';
import { cut, put, SpliceRefusal, swap } from './splice.ts';

/** How a value is written: over several lines, indented; or in one line, with these blanks. */
type JsonStyle =
  | { readonly isBlock: true; readonly indent: string; readonly unit: string; readonly lineEnd: string }
  | { readonly isBlock: false; readonly colon: string; readonly comma: string; readonly padding: string };

/**
 * The splices that set the member `name` of the object at `path` to `value`. Objects of the path that are missing are made.
 * The text is JSONC, or has nothing but comments. Throws a SpliceRefusal.
 */
export function setInJsonc(text: string, path: readonly string[], name: string, value: unknown): Splice[] {
  const root = scanRoot(text);
  if (root === null) return [newRoot(text, nested([...path, name], value))];
  let object = root;
  for (const [depth, key] of path.entries()) {
    const member = lastOf(object, key);
    if (member === undefined)
      return insert(text, object, key, nested([...path.slice(depth + 1), name], value));
    object = scanObject(text, member.start);
  }
  const member = lastOf(object, name);
  return member === undefined ? insert(text, object, name, value) : [replace(text, member, value)];
}

/** The splices that remove the member at `path`: the opposite of {@link setInJsonc}. None if it is absent. */
export function removeFromJsonc(text: string, path: readonly string[]): Splice[] {
  let object = scanRoot(text);
  if (object === null) return [];
  for (const [depth, key] of path.entries()) {
    const member = lastOf(object, key);
    if (member === undefined) return [];
    if (depth === path.length - 1) return remove(text, object, object.members.indexOf(member));
    object = scanObject(text, member.start);
  }
  throw new SpliceRefusal('the root cannot be removed');
}

/** As in JSON.parse, the last of repeated keys counts. */
const lastOf = ({ members }: JsoncObject, key: string): JsoncMember | undefined =>
  members.findLast((member) => member.key === key);

function nested(path: readonly string[], value: unknown): unknown {
  return path.reduceRight((inner, key) => ({ [key]: inner }), value);
}

function newRoot(text: string, value: unknown): Splice {
  const lineEnd = lineEndOf(text);
  const isStart = isBlank(text, 0, text.length);
  const begin = isStart || isFirstInLine(text, text.length) ? '' : lineEnd;
  const written = format(value, { isBlock: true, indent: '', unit: '  ', lineEnd });
  return put(text.length, `${begin}${written}${lineEnd}`);
}

function replace(text: string, { keyStart, start, end }: JsoncMember, value: unknown): Splice {
  const old = text.slice(start, end);
  const style = old.includes('\n') ? blockStyle(text, indentationAt(text, keyStart)) : inlineStyle(text, old);
  return swap(start, end, format(value, style));
}

function insert(text: string, object: JsoncObject, name: string, value: unknown): Splice[] {
  const last = object.members.at(-1);
  if (last === undefined) return insertFirst(text, object, name, value);
  if (!isFirstInLine(text, last.keyStart)) return insertInline(text, object, last, name, value);
  const style = blockStyle(text, indentationAt(text, last.keyStart));
  const line = `${style.lineEnd}${style.indent}${memberText(name, value, style)}`;
  const after = last.comma === null ? last.end : last.comma + 1;
  // A comment in the line of the last member stays there.
  const place = endOfLineComments(text, after);
  if (last.comma !== null) return [put(place, `${line},`)];
  return place === after ? [put(after, `,${line}`)] : [put(after, ','), put(place, line)];
}

/** The end of the line of `at` if only comments and blanks follow there; else `at`. */
function endOfLineComments(text: string, at: number): number {
  let i = at;
  for (;;) {
    while (text[i] === ' ' || text[i] === '\t') i++;
    if (text.startsWith('//', i)) return lineBreak(text, i);
    if (!text.startsWith('/*', i)) break;
    i = text.indexOf('*/', i + 2) + 2;
  }
  return i === lineBreak(text, i) && lineStart(text, i) <= at ? i : at;
}

function trimmedEnd(text: string, start: number, end: number): number {
  return start + text.slice(start, end).trimEnd().length;
}

function insertInline(
  text: string,
  { start, members }: JsoncObject,
  last: JsoncMember,
  name: string,
  value: unknown,
): Splice[] {
  const style = inlineStyle(text, text.slice(start, last.start));
  const previous = members.at(-2);
  const between = previous?.comma == null ? '' : text.slice(previous.comma + 1, last.keyStart);
  const gap = previous?.comma != null && isBlank(between, 0, between.length) ? between : style.comma.slice(1);
  const written = memberText(name, value, style);
  if (last.comma === null) return [put(last.end, `,${gap}${written}`)];
  const place = last.comma + 1;
  return [put(place, `${gap}${written},`)];
}

function insertFirst(text: string, { start, end }: JsoncObject, name: string, value: unknown): Splice[] {
  const inner = text.slice(start + 1, end - 1);
  const outerIndent = indentationAt(text, start);
  const block = blockStyle(text, outerIndent + indentUnitOf(text));
  const blockText = `${block.lineEnd}${block.indent}${memberText(name, value, block)}`;
  if (isBlank(inner, 0, inner.length) && !inner.includes('\n')) {
    const isWhole = isBlank(text, 0, start) && isBlank(text, end, text.length);
    if (isWhole || text.trim().includes('\n')) {
      return [swap(start + 1, end - 1, `${blockText}${block.lineEnd}${outerIndent}`)];
    }
    const style = inlineStyle(text, text.slice(0, start));
    const written = memberText(name, value, style);
    return [swap(start + 1, end - 1, `${style.padding}${written}${style.padding}`)];
  }
  const place = trimmedEnd(text, start + 1, end - 1);
  if (text.slice(place, end).includes('\n')) return [put(place, blockText)];
  return [put(place, ` ${memberText(name, value, inlineStyle(text, text))}`)];
}

function remove(text: string, object: JsoncObject, index: number): Splice[] {
  const { members } = object;
  const member = members[index]!;
  const { keyStart, end, comma } = member;
  const previous = members[index - 1];
  const next = members[index + 1];
  // A comma that comments part from the value stands alone.
  const isTight = comma !== null && isBlank(text, end, comma);
  const tail = isTight ? comma + 1 : end;
  const splices: Splice[] = comma === null || isTight ? [] : [cut(comma, comma + 1)];
  const isLast = next === undefined && comma === null;
  if (
    members.length === 1 &&
    isBlank(text, object.start + 1, keyStart) &&
    isBlank(text, tail, object.end - 1)
  ) {
    return [cut(object.start + 1, object.end - 1)];
  }
  if (isFirstInLine(text, keyStart) && isLastInLine(text, tail)) {
    splices.push(cut(lineEndBefore(text, lineStart(text, keyStart)), lineBreak(text, tail)));
    if (isLast && previous?.comma != null) splices.push(cut(previous.comma, previous.comma + 1));
    return splices;
  }
  if (isLast && previous?.comma != null) {
    const isNear = isBlank(text, previous.comma + 1, keyStart) && !isFirstInLine(text, keyStart);
    if (isNear) return [cut(previous.comma, tail)];
    return [...splices, cut(previous.comma, previous.comma + 1), cut(keyStart, tail)];
  }
  const isNextNear = next !== undefined && isTight && isBlank(text, tail, next.keyStart);
  if (isNextNear && !text.slice(tail, next.keyStart).includes('\n')) return [cut(keyStart, next.keyStart)];
  if (
    previous?.comma != null &&
    isBlank(text, previous.comma + 1, keyStart) &&
    !isFirstInLine(text, keyStart)
  ) {
    return [...splices, cut(previous.comma + 1, tail)];
  }
  return [...splices, cut(keyStart, tail)];
}

function blockStyle(text: string, indent: string): JsonStyle & { isBlock: true } {
  return { isBlock: true, indent, unit: indentUnitOf(text), lineEnd: lineEndOf(text) };
}

/** @param sample a part of the text whose blanks are imitated, first of all */
function inlineStyle(text: string, sample: string): JsonStyle & { isBlock: false } {
  const found = (pattern: RegExp, missing: string) =>
    pattern.exec(sample)?.[1] ?? pattern.exec(text)?.[1] ?? missing;
  const blank = found(/":([ \t]*)/, ' ') === '' ? '' : ' ';
  const padding = found(/\{([ \t]*)"/, blank) === '' ? '' : ' ';
  return { isBlock: false, colon: `:${blank}`, comma: `,${blank}`, padding };
}

function memberText(name: string, value: unknown, style: JsonStyle): string {
  const colon = style.isBlock ? ': ' : style.colon;
  return `${JSON.stringify(name)}${colon}${format(value, style)}`;
}

function format(value: unknown, style: JsonStyle): string {
  if (!style.isBlock) return inline(value, style);
  return JSON.stringify(value, null, style.unit).replaceAll('\n', `${style.lineEnd}${style.indent}`);
}

function inline(value: unknown, style: JsonStyle & { isBlock: false }): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => inline(item, style)).join(style.comma)}]`;
  const members = Object.entries(value).map(([key, item]) => memberText(key, item, style));
  return members.length === 0 ? '{}' : `{${style.padding}${members.join(style.comma)}${style.padding}}`;
}
