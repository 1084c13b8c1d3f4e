import type { ChangeEffect } from './fields.ts';
import type { Path } from './problems.ts';
import { configJsonSchema } from './schema.ts';

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
  /** What a change of the key does; absent from sections, and from the published schema. */
  readonly onChange?: ChangeEffect;
}

/** One key of the configuration, for the documentation. */
export interface KeyReference {
  /** `servers[].timeouts.request_seconds` */
  readonly key: string;
  readonly schema: SchemaNode;
  readonly required: boolean;
}

// Made once, when a problem has to be explained.
let root: SchemaNode | undefined;
const keys: KeyReference[] = [];
const homes = new Map<string, { section: string; key: string }[]>();
const schema = () => {
  root ??= configJsonSchema() as SchemaNode;
  return root;
};

/** The keys that may stand in the mapping at `path`, in the order of the documentation. */
export function keysAt(path: Path): string[] {
  return nodesAt(path).flatMap((node) => Object.keys(node.properties ?? {}));
}

/** Whether the schema knows a value at `path`, whatever its type. */
export function isKnown(path: Path): boolean {
  return nodesAt(path).length > 0;
}

/**
 * The sections that a key called `key` belongs to, as `mcp.session`, the top of the file as an empty text, and how it is
 * spelled there (case, `-` and `_` aside).
 */
export function homesOf(key: string): readonly { section: string; key: string }[] {
  if (homes.size === 0) {
    for (const reference of allKeys()) {
      const [, section = '', last = reference.key] = /^(.*)\.([^.]+)$/.exec(reference.key) ?? [];
      homes.set(plain(last), [...(homes.get(plain(last)) ?? []), { section, key: last }]);
    }
  }
  return homes.get(plain(key)) ?? [];
}

const plain = (word: string) => word.toLowerCase().replace(/[-_]/g, '');

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

/** A node and its alternatives: `auth` is a word or a mapping, and the mapping has keys. */
function branchesOf(node: SchemaNode): SchemaNode[] {
  return [node, ...(node.anyOf ?? [])];
}

function child(node: SchemaNode, part: string | number): SchemaNode | null {
  if (typeof part === 'number') return node.items ?? null;
  const { properties, additionalProperties } = node;
  if (properties && Object.hasOwn(properties, part)) return properties[part]!;
  return typeof additionalProperties === 'object' ? additionalProperties : null;
}
