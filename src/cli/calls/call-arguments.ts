import { didYouMean } from '../../config/suggest.ts';
import { isRecord, type Mapping } from '../../config/values.ts';
import { GatewayError } from '../../errors.ts';

/** References are followed at most this far. */
const maxReferences = 10;

type JsonType = 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'object' | 'array';

/**
 * The arguments that words `name=value` stand for. Values get the types that the input schema of the tool wants: numbers, `true` and
 * `false`, JSON for objects and lists, else texts; a list may also be written as one word for each item. Throws a GatewayError
 * `usage` for what no value of the schema is.
 * @param tool its name, for messages
 */
export function argumentsOf(words: readonly string[], tool: string, inputSchema: unknown): Mapping {
  const schema = isRecord(inputSchema) ? inputSchema : {};
  const properties = isRecord(schema.properties) ? schema.properties : {};
  const texts = new Map<string, string[]>();
  for (const word of words) {
    const [, name, text] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
    if (name === undefined || text === undefined)
      throw new GatewayError(
        'usage',
        `expected name=value, found "${word}"; as JSON: --args '{"name": "value"}'`,
      );
    if (!Object.hasOwn(properties, name) && schema.additionalProperties === false)
      throw new GatewayError(
        'usage',
        `${tool} has no argument "${name}"${didYouMean(name, Object.keys(properties))}\n${usageOf(tool, schema)}`,
      );
    texts.set(name, [...(texts.get(name) ?? []), text]);
  }
  const missing = (Array.isArray(schema.required) ? schema.required : []).filter(
    (name) => !texts.has(String(name)),
  );
  if (missing.length > 0)
    throw new GatewayError(
      'usage',
      `${tool} lacks ${missing.map((name) => `"${name}"`).join(', ')}\n${usageOf(tool, schema)}`,
    );
  return Object.fromEntries(
    [...texts].map(([name, given]) => [name, valueFrom(name, given, properties[name], schema)]),
  );
}

/** The arguments in a JSON text. Throws a GatewayError `usage` if it is no object. @param source where it is from */
export function argumentsInJson(text: string, source: string): Mapping {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new GatewayError('usage', `${source} is no JSON: ${(error as Error).message}`);
  }
  if (isRecord(value) && !Array.isArray(value)) return value;
  throw new GatewayError('usage', `${source} must be a JSON object of arguments, such as {"name": "value"}`);
}

/** The arguments of a tool as a person writes them: `files__read path=TEXT [head=NUMBER]`. */
function usageOf(tool: string, inputSchema: unknown): string {
  const schema = isRecord(inputSchema) ? inputSchema : {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  const words = Object.entries(isRecord(schema.properties) ? schema.properties : {}).map(
    ([name, property]) => {
      const word = `${name}=${placeholder(property, schema)}`;
      return required.includes(name) ? word : `[${word}]`;
    },
  );
  return words.length === 0 ? `${tool} takes no arguments` : `arguments: ${words.join(' ')}`;
}

function placeholder(property: unknown, root: Mapping): string {
  const choices = enumOf(property, root);
  if (choices !== null && choices.join('|').length <= 40) return choices.join('|');
  const [type] = typesOf(property, root);
  return type === undefined ? 'VALUE' : placeholders[type];
}

function valueFrom(name: string, texts: readonly string[], property: unknown, root: Mapping): unknown {
  const types = typesOf(property, root);
  const [text = ''] = texts;
  if (types.includes('array') && !(texts.length === 1 && text.trimStart().startsWith('['))) {
    const items = resolved(property, root)?.items;
    return texts.map((item) => valueFrom(name, [item], items, root));
  }
  if (texts.length > 1)
    throw new GatewayError('usage', `"${name}" is no list and was given ${texts.length} times`);
  // A text can be anything, so it comes last.
  for (const type of [...types].sort((a, b) => Number(a === 'string') - Number(b === 'string'))) {
    const value = typed(text, type);
    if (value !== undefined) return value;
  }
  if (types.length === 0) return text;
  const expected = types.map((type) => expectations[type]).join(' or ');
  throw new GatewayError('usage', `"${name}" expects ${expected}, found "${text}"`);
}

const placeholders: Readonly<Record<JsonType, string>> = {
  string: 'TEXT',
  number: 'NUMBER',
  integer: 'NUMBER',
  boolean: 'true|false',
  null: 'null',
  object: 'JSON',
  array: 'JSON',
};

const expectations: Readonly<Record<JsonType, string>> = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  null: 'null',
  object: 'a JSON object',
  array: 'a JSON list',
};

/** The value of a text; undefined: it is none of the type. */
function typed(text: string, type: JsonType): unknown {
  switch (type) {
    case 'string':
      return text;
    case 'number':
    case 'integer': {
      const number = text.trim() === '' ? Number.NaN : Number(text);
      return Number.isFinite(number) && (type === 'number' || Number.isInteger(number)) ? number : undefined;
    }
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'null':
      return text === 'null' ? null : undefined;
    default: {
      try {
        const value: unknown = JSON.parse(text);
        return typeof value === 'object' && value !== null && Array.isArray(value) === (type === 'array')
          ? value
          : undefined;
      } catch {
        return undefined;
      }
    }
  }
}

/** The types that a schema allows; none: it does not say. */
function typesOf(property: unknown, root: Mapping): JsonType[] {
  const schema = resolved(property, root);
  if (schema === null) return [];
  if (schema.type !== undefined) return [schema.type].flat() as JsonType[];
  for (const branches of [schema.anyOf, schema.oneOf, schema.allOf])
    if (Array.isArray(branches)) return [...new Set(branches.flatMap((branch) => typesOf(branch, root)))];
  const choices = enumOf(schema, root);
  if (choices === null) return [];
  return [...new Set(choices.map((choice) => (choice === null ? 'null' : (typeof choice as JsonType))))];
}

function enumOf(property: unknown, root: Mapping): readonly unknown[] | null {
  const schema = resolved(property, root);
  if (schema !== null && 'const' in schema) return [schema.const];
  return schema !== null && Array.isArray(schema.enum) ? schema.enum : null;
}

/** The schema itself, or the one that its `$ref` names in the same document; null: there is none. */
function resolved(property: unknown, root: Mapping): Mapping | null {
  let schema: unknown = property;
  for (let step = 0; step < maxReferences; step++) {
    if (!isRecord(schema)) return null;
    const reference = schema.$ref;
    if (typeof reference !== 'string') return schema;
    if (!reference.startsWith('#/')) return null;
    schema = reference
      .slice(2)
      .split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce<unknown>((at, part) => (isRecord(at) ? at[part] : undefined), root);
  }
  return null;
}
