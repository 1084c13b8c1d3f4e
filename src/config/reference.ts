import type { ChangeEffect } from './fields.ts';
import { configJsonSchema } from './schema.ts';
import { normalizeWord } from './suggest.ts';
import type { Path } from './values.ts';

/** The part of JSON Schema that the configuration's schema uses. */
interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: boolean | SchemaNode;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  /** The effect of a change; absent from sections and from the published schema. */
  readonly onChange?: ChangeEffect;
}

/** A key of the configuration. */
export interface KeyReference {
  /** `servers[].timeouts.request_seconds` */
  readonly key: string;
  readonly schema: SchemaNode;
  readonly required: boolean;
}

// Built once, for the first problem.
let root: SchemaNode | undefined;
const keys: KeyReference[] = [];
/** A normalized key to the sections that have it. */
const sections = new Map<string, { section: string; key: string }[]>();
const schema = () => {
  root ??= configJsonSchema() as SchemaNode;
  return root;
};

/** The keys of the mapping at `path`, in the order of the schema. */
export function keysAt(path: Path): string[] {
  return nodesAt(path).flatMap((node) => Object.keys(node.properties ?? {}));
}

/** Whether the schema has a value at `path`. */
export function isKnown(path: Path): boolean {
  return nodesAt(path).length > 0;
}

/** The sections with a key like `key`, such as `mcp.session` (empty for the top of the file), and its spelling there. */
export function sectionsOf(key: string): readonly { section: string; key: string }[] {
  if (sections.size === 0) {
    for (const reference of allKeys()) {
      const [, section = '', last = reference.key] = /^(.*)\.([^.]+)$/.exec(reference.key) ?? [];
      const word = normalizeWord(last);
      sections.set(word, [...(sections.get(word) ?? []), { section, key: last }]);
    }
  }
  return sections.get(normalizeWord(key)) ?? [];
}

/** Every key of the configuration, sections included, in the order of the schema. */
export function allKeys(): readonly KeyReference[] {
  if (keys.length === 0) collect(schema(), '');
  return keys;
}

function collect(node: SchemaNode, prefix: string): void {
  for (const inner of branchesOf(node)) {
    for (const [name, child] of Object.entries(inner.properties ?? {})) {
      const key = prefix === '' ? name : `${prefix}.${name}`;
      keys.push({ key, schema: child, required: inner.required?.includes(name) ?? false });
      collect(child, key);
    }
  }
  if (node.items) collect(node.items, `${prefix}[]`);
}

function nodesAt(path: Path): SchemaNode[] {
  let nodes = branchesOf(schema());
  for (const part of path) nodes = nodes.flatMap((node) => child(node, part) ?? []).flatMap(branchesOf);
  return nodes;
}

/** A node and its alternatives: `auth` is a word, or a mapping with keys. */
function branchesOf(node: SchemaNode): SchemaNode[] {
  return [node, ...(node.anyOf ?? [])];
}

function child(node: SchemaNode, part: string | number): SchemaNode | null {
  if (typeof part === 'number') return node.items ?? null;
  const { properties, additionalProperties } = node;
  if (properties && Object.hasOwn(properties, part)) return properties[part]!;
  return typeof additionalProperties === 'object' ? additionalProperties : null;
}
