import { isAlias, isMap, isScalar, type Node, type Pair, parseDocument, stringify, type YAMLMap } from 'yaml';
import { lineBreak, lineStart, type Splice } from '../../config/edits/lines.ts';
import { indentationAt, isBlank, lineEndBefore, lineEndOf } from './layout.ts';
import { cut, put, SpliceRefusal, swap } from './splice.ts';

type YamlPair = Pair<Node, Node | null>;
type YamlMap = YAMLMap<Node, Node | null>;

const unit = '  ';

/**
 * The splices that set the entry `name` of the mapping at `path` to `value`, at the end of the mapping if it is new. Mappings
 * that are missing are made. Throws a SpliceRefusal.
 */
export function setInYaml(text: string, path: readonly string[], name: string, value: unknown): Splice[] {
  const lineEnd = lineEndOf(text);
  const found = find(text, path);
  const rest = [...path.slice(found.depth), name];
  const [key = name, ...inner] = rest;
  const nested = inner.reduceRight<unknown>((item, at) => ({ [at]: item }), value);
  if (found.map === null) {
    // Nothing but comments, or a key without a value.
    const indent = found.pair === null ? '' : indentationAt(text, rangeOf(found.pair.key)[0]) + unit;
    return [belowKey(text, found.pair, lines({ [key]: nested }, indent, lineEnd), lineEnd)].flat();
  }
  const pair = pairOf(found.map, key);
  if (pair !== undefined) return [replace(text, pair, nested, found.map.flow === true, lineEnd)];
  if (found.map.flow === true) return insertInFlow(text, found.map, key, nested);
  const indent = indentationAt(text, rangeOf(found.map.items[0]!.key)[0]);
  const place = afterInnerComments(text, contentEnd(text, found.map.items.at(-1)!), indent);
  return [put(place, `${lineEnd}${lines({ [key]: nested }, indent, lineEnd)}`)];
}

/** The splices that remove the entry at `path`: the opposite of {@link setInYaml}. None if it is absent. */
export function removeFromYaml(text: string, path: readonly string[]): Splice[] {
  const { map, pair: parent, depth } = find(text, path.slice(0, -1));
  const pair = map === null || depth < path.length - 1 ? undefined : pairOf(map, path.at(-1)!);
  if (map === null || pair === undefined) return [];
  if (map.flow === true) return removeFromFlow(text, map, pair);
  const start = lineStart(text, rangeOf(pair.key)[0]);
  const stop = lineBreak(text, contentEnd(text, pair));
  const fromLineEnd = cut(lineEndBefore(text, start), stop);
  if (map.items.length > 1 && start > 0) return [fromLineEnd];
  // The first line goes with its own line end, and an empty mapping needs braces.
  const whole = start > 0 ? fromLineEnd : cut(start, text.indexOf('\n', stop) + 1 || text.length);
  if (map.items.length > 1 || parent === null) return [whole];
  const after = colonAfter(text, parent) + 1;
  // In this order, because both may be at the same place.
  return [whole, put(after, ' {}')];
}

/** The innermost existing mapping on `path`, with the number of keys that lead to it; null stands for no value. */
interface Found {
  readonly map: YamlMap | null;
  /** The pair whose value it is; null for the root. */
  readonly pair: YamlPair | null;
  readonly depth: number;
}

function find(text: string, path: readonly string[]): Found {
  const document = parseDocument(text, { prettyErrors: false });
  if (document.errors.length > 0) throw new SpliceRefusal('it is no valid YAML');
  let found: Found = { map: asMap(document.contents), pair: null, depth: 0 };
  for (const key of path) {
    const pair: YamlPair | undefined = found.map === null ? undefined : pairOf(found.map, key);
    if (pair === undefined) return found;
    const map = asMap(pair.value);
    // An empty mapping in braces becomes one of lines, unless braces are around it, too.
    const isNew = map !== null && map.items.length === 0 && found.map?.flow !== true;
    found = { map: isNew ? null : map, pair, depth: found.depth + 1 };
  }
  return found;
}

function asMap(node: Node | null): YamlMap | null {
  if (node === null || (isScalar(node) && node.value === null && !node.anchor)) return null;
  if (!isMap(node) || node.anchor || node.tag?.startsWith('!')) {
    throw new SpliceRefusal('it has something else in the place of a mapping');
  }
  return node as YamlMap;
}

const pairOf = (map: YamlMap, key: string): YamlPair | undefined =>
  map.items.findLast((pair) => isScalar(pair.key) && pair.key.value === key);

function rangeOf(node: Node): readonly [start: number, end: number] {
  const [start, end] = node.range ?? [];
  if (start === undefined || end === undefined)
    throw new SpliceRefusal('it has a key of a kind that cannot be edited');
  return [start, end];
}

/** The end of the last thing that the pair says, without comments, blank lines and line ends. */
function contentEnd(text: string, { key, value }: YamlPair): number {
  if (isMap(value) && value.flow !== true && value.items.length > 0) {
    return contentEnd(text, value.items.at(-1) as YamlPair);
  }
  // Text over several lines has its last line end within it.
  return trimmed(text, ...rangeOf(value ?? key));
}

/** The end of the line of `at`, or of the last of the comments below it that are indented more than `indent`. */
function afterInnerComments(text: string, at: number, indent: string): number {
  let stop = lineBreak(text, at);
  for (let next = stop; next < text.length; ) {
    const start = text.indexOf('\n', next) + 1;
    if (start === 0) break;
    next = lineBreak(text, start);
    const line = text.slice(start, next);
    if (/^[ \t]*#/.test(line) && line.search('#') > indent.length) stop = next;
    else if (!isBlank(line, 0, line.length)) break;
  }
  return stop;
}

function colonAfter(text: string, { key }: YamlPair): number {
  const end = rangeOf(key)[1];
  const colon = text.indexOf(':', end);
  if (colon < 0 || !isBlank(text, end, colon))
    throw new SpliceRefusal('it has a key that is written with "?"');
  return colon;
}

/** Puts a block below the key of `pair`, which has no value; or at the end of a text that has none. */
function belowKey(text: string, pair: YamlPair | null, block: string, lineEnd: string): Splice[] {
  if (pair === null) {
    const begin = text === '' || text.endsWith('\n') || text === '\uFEFF' ? '' : lineEnd;
    return [put(text.length, `${begin}${block}${lineEnd}`)];
  }
  const after = colonAfter(text, pair) + 1;
  const end = pair.value === null ? after : Math.max(after, rangeOf(pair.value)[1]);
  const stop = lineBreak(text, end);
  const old = isBlank(text, after, end) ? [] : [cut(after, end)];
  return [...old, put(stop, `${lineEnd}${block}`)];
}

function replace(text: string, pair: YamlPair, value: unknown, isFlow: boolean, lineEnd: string): Splice {
  if (pair.value !== null && (isAlias(pair.value) || pair.value.anchor)) {
    throw new SpliceRefusal('it has a server that is written with an anchor or an alias');
  }
  const start = colonAfter(text, pair) + 1;
  const end = trimmed(text, start, contentEnd(text, pair));
  if (isFlow || (isMap(pair.value) && pair.value.flow === true))
    return swap(start, end, ` ${flowText(value)}`);
  const indent = indentationAt(text, rangeOf(pair.key)[0]) + unit;
  return swap(start, end, `${lineEnd}${lines(value, indent, lineEnd)}`);
}

function trimmed(text: string, start: number, end: number): number {
  return start + text.slice(start, end).trimEnd().length;
}

function insertInFlow(text: string, map: YamlMap, key: string, value: unknown): Splice[] {
  const last = map.items.at(-1);
  const place = last === undefined ? rangeOf(map)[0] + 1 : contentEnd(text, last);
  const written = `${flowText(key)}: ${flowText(value)}`;
  return [put(place, last === undefined ? written : `, ${written}`)];
}

function removeFromFlow(text: string, map: YamlMap, pair: YamlPair): Splice[] {
  const index = map.items.indexOf(pair);
  const next = map.items[index + 1];
  const previous = map.items[index - 1];
  const start = rangeOf(pair.key)[0];
  const end = contentEnd(text, pair);
  if (next !== undefined) return [cut(start, rangeOf(next.key)[0])];
  return [cut(previous === undefined ? start : contentEnd(text, previous), end)];
}

/** Block style, each line indented, without a line end after the last. */
function lines(value: unknown, indent: string, lineEnd: string): string {
  const text = stringify(value, { indent: unit.length, lineWidth: 0 }).trimEnd();
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : indent + line))
    .join(lineEnd);
}

/** JSON is a subset of YAML. */
function flowText(value: unknown): string {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? `{ ${Object.entries(value)
        .map(([key, item]) => `${JSON.stringify(key)}: ${flowText(item)}`)
        .join(', ')} }`
    : JSON.stringify(value);
}
