import { isAlias, isMap, isScalar, type Node, type Pair, parseDocument, type Scalar } from 'yaml';
import { clip, type Problem, quote, shownKey, unusableFile } from './problems.ts';
import type { Source, Span } from './source.ts';
import { throwOnSyntaxErrors } from './syntax.ts';
import { type Path, pathKey } from './values.ts';

/** The location of a value in the file. */
interface ValuePlace {
  /** The key of the value; null for the root and the items of a list. */
  readonly key: Scalar | null;
  /** The value; null if the key has none. */
  readonly node: Node | null;
}

/** Aliases multiply: nine levels of nine aliases turn 1 KB into a billion values. */
const maxAliasedValues = 10_000;
/** Twice as deep as the schema goes. */
const maxDepth = 10;
const startOfFile: Span = { start: 0, end: 0 };
const plainTags = new Set(
  ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((tag) => `tag:yaml.org,2002:${tag}`),
);

/**
 * Reads YAML 1.2. Throws on syntax errors, after which the rest has no meaning; YAML that is not plain data (tags, merge
 * keys, duplicate keys, …) is reported in `problems`.
 */
export function readYaml(source: Source): YamlFile {
  const document = parseDocument(source.text, { prettyErrors: false, stringKeys: true, uniqueKeys: false });
  throwOnSyntaxErrors(source, document);
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) {
    throw unusableFile(source.path, 'is empty');
  }
  return new YamlFile(source.text, root);
}

/** A configuration file as plain data, with the location of each value. */
export class YamlFile {
  readonly value: unknown;
  readonly problems: Problem[] = [];
  /** Paths of values that could not be read, and have a problem already. */
  readonly unresolved = new Set<string>();
  /** All keys, those of skipped values included. */
  readonly keys: Span[] = [];
  /** Values without a path, which were skipped because of a problem. */
  readonly skipped: Span[] = [];
  readonly #text: string;
  readonly #places = new Map<string, ValuePlace & { path: Path }>();
  readonly #anchors = new Map<string, Node>();
  /** The collections that are being read: an alias to one of them would recurse forever. */
  readonly #open = new Set<Node>();
  /** The outermost alias that is being followed. */
  #alias: Node | null = null;
  #aliasedValues = 0;

  constructor(text: string, root: Node) {
    this.#text = text;
    this.value = this.#read(root, [], null);
  }

  /** All values but mappings and lists, in the order of the file. */
  *scalars(): Generator<{ path: Path; span: Span }> {
    for (const { path, node } of this.#places.values()) {
      if (isScalar(node)) yield { path, span: rangeOf(node) };
    }
  }

  /** The span of the value at `path`, or of the nearest one around it. */
  spanOf(path: Path): Span {
    const place = this.#places.get(pathKey(path));
    if (!place) return path.length > 0 ? this.spanOf(path.slice(0, -1)) : startOfFile;
    const span = place.node ? rangeOf(place.node) : startOfFile;
    return span.end > span.start || !place.key ? span : rangeOf(place.key);
  }

  /** The span of the key at the end of `path`. */
  keySpanOf(path: Path): Span {
    const key = this.#places.get(pathKey(path))?.key;
    return key ? rangeOf(key) : this.spanOf(path);
  }

  /** The scalar at `path` as written, quotes included; null if there is none. */
  sourceOf(path: Path): string | null {
    const node = this.#places.get(pathKey(path))?.node;
    if (!isScalar(node)) return null;
    const { start, end } = rangeOf(node);
    return this.#text.slice(start, end);
  }

  #read(node: Node | null, path: Path, key: Scalar | null): unknown {
    this.#places.set(pathKey(path), { path, key, node });
    if (node === null) return null;
    if (isAlias(node)) return this.#readAlias(node, path, key);
    if (node.anchor) this.#anchors.set(node.anchor, node);
    if (this.#alias !== null && ++this.#aliasedValues === maxAliasedValues + 1) {
      const message = `aliases stand for more than ${maxAliasedValues} values`;
      this.problems.push({ span: rangeOf(this.#alias), message });
    }
    if (node.tag && node.tag !== '!' && !plainTags.has(node.tag)) {
      this.skipped.push(rangeOf(node));
      const advice = /env|secret|vault/i.test(node.tag)
        ? `for the value of a variable write "\${NAME}"`
        : 'write plain YAML';
      return this.#fail(path, rangeOf(node), `the tag ${quote(node.tag)} is not supported; ${advice}`);
    }
    if (isScalar(node)) return node.value;
    if (path.length > maxDepth) {
      this.skipped.push(rangeOf(node));
      return this.#fail(path, rangeOf(node), 'the file is nested too deeply');
    }
    this.#open.add(node);
    const value = isMap(node)
      ? this.#readMap(node.items as Pair<Node, Node | null>[], path)
      : (node.items as Node[]).map((item, index) => this.#read(item, [...path, index], null));
    this.#open.delete(node);
    return value;
  }

  #readMap(pairs: readonly Pair<Node, Node | null>[], path: Path): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    const seen = new Map<string, Span>();
    for (const { key, value: node } of pairs) {
      this.keys.push(rangeOf(key));
      const problem = this.#keyProblem(key, seen);
      if (problem) {
        this.problems.push(problem);
        if (node) this.skipped.push(rangeOf(node));
      } else if (isScalar(key)) {
        const name = String(key.value);
        seen.set(name, rangeOf(key));
        value[name] = this.#read(node, [...path, name], key);
      }
    }
    return value;
  }

  #keyProblem(key: Node, seen: ReadonlyMap<string, Span>): Problem | null {
    const span = rangeOf(key);
    if (!isScalar(key) || typeof key.value !== 'string') return { span, message: 'a key must be plain text' };
    const first = seen.get(key.value);
    if (first) {
      const related = { span: first, message: 'first written here' };
      return { span, message: `the key "${shownKey(key.value)}" is written twice`, related };
    }
    if (key.value === '<<') {
      const message = 'merge keys ("<<") are not part of YAML 1.2; an alias can stand for a whole value';
      return { span, message };
    }
    // On a JavaScript object it would set the prototype.
    return key.value === '__proto__' ? { span, message: 'unknown key "__proto__"' } : null;
  }

  #readAlias(alias: Node & { source: string }, path: Path, key: Scalar | null): unknown {
    const span = rangeOf(alias);
    const name = `*${clip(alias.source)}`;
    const target = this.#anchors.get(alias.source);
    if (!target) return this.#fail(path, span, `the alias ${name} has no anchor before it`);
    if (this.#open.has(target)) return this.#fail(path, span, `the alias ${name} contains itself`);
    if (this.#aliasedValues > maxAliasedValues) {
      this.unresolved.add(pathKey(path));
      return null;
    }
    const outer = this.#alias;
    this.#alias = outer ?? alias;
    const value = this.#read(target, path, key);
    this.#alias = outer;
    return value;
  }

  #fail(path: Path, span: Span, message: string): null {
    this.unresolved.add(pathKey(path));
    this.problems.push({ span, message });
    return null;
  }
}

function rangeOf(node: Node): Span {
  const [start, end] = node.range ?? [0, 0];
  return { start, end };
}
