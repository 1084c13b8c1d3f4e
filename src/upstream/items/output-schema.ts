/** A JSON value as parsed. */
type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type JsonObject = { [name: string]: Json };

/** The kinds of the values of keywords. JSON Schema draft-07, Validation, and `nullable` of OpenAPI. */
const kindsOfKeywords: Readonly<Record<string, readonly string[]>> = {
  $ref: ['string'],
  $id: ['string'],
  $anchor: ['string'],
  type: ['string', 'array'],
  nullable: ['boolean'],
  enum: ['array'],
  minimum: ['number'],
  maximum: ['number'],
  exclusiveMinimum: ['number'],
  exclusiveMaximum: ['number'],
  multipleOf: ['number'],
  minLength: ['number'],
  maxLength: ['number'],
  minItems: ['number'],
  maxItems: ['number'],
  minProperties: ['number'],
  maxProperties: ['number'],
  uniqueItems: ['boolean'],
  pattern: ['string'],
  format: ['string'],
  required: ['array'],
  properties: ['object'],
  patternProperties: ['object'],
  dependencies: ['object'],
  additionalProperties: ['object', 'boolean'],
  propertyNames: ['object', 'boolean'],
  items: ['object', 'array', 'boolean'],
  additionalItems: ['object', 'boolean'],
  contains: ['object', 'boolean'],
  allOf: ['array'],
  anyOf: ['array'],
  oneOf: ['array'],
  not: ['object', 'boolean'],
  if: ['object', 'boolean'],
};
const types = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];
/** Keywords whose value is a schema or a list of schemas, and keywords whose members are schemas. */
const schemaKeywords = [
  'additionalProperties',
  'propertyNames',
  'items',
  'additionalItems',
  'contains',
  'not',
].concat(['if', 'then', 'else', 'allOf', 'anyOf', 'oneOf']);
const schemaMaps = ['properties', 'patternProperties', 'dependencies'];
/** The schema that the SDK's validator has built in. */
const metaSchema = /^http:\/\/json-schema\.org\/draft-07\/schema#?$/;

/** The longest pattern, and the most of all together: some engines take time with the cube of the named groups. */
const maxPatternChars = 1_000;
const maxPatternsChars = 10_000;

/**
 * Why the TypeScript SDK v1 cannot compile an output schema, or null if it can. Its client compiles every output schema when it
 * lists tools, and refuses the whole list if one fails.
 *
 * @param text the JSON text of the schema, which does not nest deep
 */
export function faultOfOutputSchema(text: string): string | null {
  return new SchemaCheck(JSON.parse(text) as JsonObject).fault();
}

/** Walks a schema as a validator's compiler does, which ignores what is not referenced. */
class SchemaCheck {
  readonly #root: JsonObject;
  /** The schemas to check next, with their paths. */
  readonly #pending: [string, Json][];
  readonly #seen = new Set<JsonObject>();
  readonly #anchors = new Set<string>();
  /** Whether parts of the schema have URIs of their own. References are not followed then. */
  #hasIds = false;
  #repeatedAnchor: string | null = null;
  #patternsChars = 0;

  constructor(root: JsonObject) {
    this.#root = root;
    this.#pending = [['', root]];
    this.#collectNames(root);
  }

  fault(): string | null {
    if (this.#repeatedAnchor !== null) return `$anchor ${quoted(this.#repeatedAnchor)} stands there twice`;
    for (let next = this.#pending.pop(); next; next = this.#pending.pop()) {
      const [path, schema] = next;
      if (schema === null) return `${path} is null, not a schema`;
      if (!isObject(schema) || this.#seen.has(schema)) continue;
      this.#seen.add(schema);
      const fault = this.#faultOfKeywords(path, schema) ?? this.#faultOfReference(path, schema);
      if (fault !== null) return fault;
      this.#lookWithin(path, schema);
    }
    return null;
  }

  #faultOfKeywords(path: string, schema: JsonObject): string | null {
    for (const [name, value] of Object.entries(schema)) {
      const kinds = Object.hasOwn(kindsOfKeywords, name) ? kindsOfKeywords[name] : undefined;
      if (kinds && !kinds.includes(kindOf(value)))
        return `${at(path, name)} is ${quoted(value)}, not of the kind ${kinds.join(' or ')}`;
    }
    const { type, nullable, pattern } = schema;
    const wrong = [type ?? []].flat().find((name) => !types.includes(name as string));
    if (wrong !== undefined) return `${at(path, 'type')} is ${quoted(wrong)}, which is no type`;
    if (nullable === true && type === undefined) return `${at(path, 'nullable')} stands without a type`;
    if (nullable === false && type === 'null') return `${at(path, 'nullable')} contradicts the type`;
    if (Array.isArray(schema.enum) && schema.enum.length === 0) return `${at(path, 'enum')} is empty`;
    return typeof pattern === 'string' ? this.#faultOfPattern(path, pattern) : null;
  }

  #faultOfPattern(path: string, pattern: string): string | null {
    this.#patternsChars += pattern.length;
    if (pattern.length > maxPatternChars)
      return `${at(path, 'pattern')} has more than ${maxPatternChars} characters`;
    if (this.#patternsChars > maxPatternsChars)
      return `its patterns have more than ${maxPatternsChars} characters together`;
    return isPattern(pattern) ? null : `${at(path, 'pattern')} is ${quoted(pattern)}, which is no pattern`;
  }

  #faultOfReference(path: string, { $ref }: JsonObject): string | null {
    if (typeof $ref !== 'string' || this.#hasIds || metaSchema.test($ref)) return null;
    const target = this.#resolved($ref);
    if (!isObject(target) && typeof target !== 'boolean')
      return `${at(path, '$ref')} is ${quoted($ref)}, which leads nowhere`;
    this.#pending.push([$ref, target]);
    return null;
  }

  #lookWithin(path: string, schema: JsonObject): void {
    for (const name of schemaKeywords) {
      const value = schema[name];
      if (Array.isArray(value)) for (const one of value) this.#pending.push([at(path, name), one]);
      else if (value !== undefined) this.#pending.push([at(path, name), value]);
    }
    for (const map of schemaMaps)
      for (const [name, value] of Object.entries(schema[map] ?? {}))
        this.#pending.push([at(at(path, map), name), value]);
  }

  /** The target of a reference within the schema. RFC 6901, 6. */
  #resolved(reference: string): Json | undefined {
    if (!reference.startsWith('#')) return undefined;
    if (reference === '#' || this.#anchors.has(reference.slice(1))) return true;
    if (reference[1] !== '/') return undefined;
    let found: Json | undefined = this.#root;
    for (const token of reference.slice(2).split('/')) {
      const name = decoded(token).replaceAll('~1', '/').replaceAll('~0', '~');
      if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
      found = (found as JsonObject)[name];
    }
    return found;
  }

  #collectNames(value: Json): void {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const element of value) this.#collectNames(element);
      return;
    }
    for (const [name, member] of Object.entries(value)) {
      if (name === '$id') this.#hasIds = true;
      if (name === '$anchor' && typeof member === 'string') {
        if (this.#anchors.has(member)) this.#repeatedAnchor = member;
        this.#anchors.add(member);
      }
      this.#collectNames(member);
    }
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** Whether the text is a regular expression with the flag `u`, as the SDK's validator requires. */
function isPattern(text: string): boolean {
  try {
    new RegExp(text, 'u');
    return true;
  } catch {
    return false;
  }
}

function decoded(token: string): string {
  try {
    return decodeURIComponent(token);
  } catch {
    return token;
  }
}

function at(path: string, name: string): string {
  return path === '' ? name : `${path}.${name.slice(0, 40)}`;
}

function quoted(value: Json): string {
  const text =
    typeof value === 'object' && value !== null ? `of the kind ${kindOf(value)}` : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
