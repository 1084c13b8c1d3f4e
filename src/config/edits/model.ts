import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';

// What a file says apart from its layout, aliases and anchors included, to prove that an edit changed nothing else.

/** A node of a file, without its layout. */
export interface Model {
  readonly alias?: string;
  readonly anchor?: string | undefined;
  readonly tag?: string | undefined;
  readonly scalar?: unknown;
  readonly list?: readonly Model[];
  readonly mapping?: Readonly<Record<string, Model>>;
}

/** The model of a node; null, which an absent value is, counts as a scalar. */
export function modelOf(node: Node | null | undefined): Model {
  if (!node) return { scalar: null, anchor: undefined, tag: undefined };
  if (isAlias(node)) return { alias: node.source };
  const { anchor, tag } = node;
  if (isScalar(node)) return { scalar: node.value, anchor, tag };
  if (isSeq<Node>(node)) return { list: node.items.map(modelOf), anchor, tag };
  if (!isMap<Node, Node | null>(node)) throw new TypeError('not a node of a file');
  const entries = node.items.map(({ key, value }) => {
    const { scalar, anchor: own, tag: type } = modelOf(key);
    const marks = own === undefined && type === undefined ? '' : ` &${own} !${type}`;
    return [`${scalar}${marks}`, modelOf(value)] as const;
  });
  // Not Object.fromEntries: a key may be "__proto__".
  const mapping: Record<string, Model> = Object.create(null);
  for (const [key, value] of entries) mapping[key] = value;
  return { mapping, anchor, tag };
}

/** The model of a plain value, as an edit writes it. */
export function modelOfValue(value: unknown): Model {
  const plain = { anchor: undefined, tag: undefined };
  if (Array.isArray(value)) return { list: value.map(modelOfValue), ...plain };
  if (typeof value !== 'object' || value === null) return { scalar: value, ...plain };
  const mapping: Record<string, Model> = Object.create(null);
  for (const [key, item] of Object.entries(value)) mapping[key] = modelOfValue(item);
  return { mapping, ...plain };
}

/** `model`, a mapping, with another value for `key`. */
export function withKey(model: Model, key: string, value: Model): Model {
  const mapping: Record<string, Model> = Object.assign(Object.create(null), model.mapping);
  mapping[key] = value;
  return { ...model, mapping };
}
