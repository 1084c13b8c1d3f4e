import { Members, ObjectText } from '../../json/object.ts';
import { elements } from '../../json/scan.ts';
import { skipString } from '../../json/string.ts';
import type { Era } from '../../protocol/versions.ts';
import { Misfit } from './misfit.ts';
import { faultOfOutputSchema } from './output-schema.ts';

/** Shapes of members, by their names. */
type ShapeMembers = readonly (readonly [string, Shape])[];

/** The shape of a JSON value that clients accept. */
interface Shape {
  readonly is: 'string' | 'boolean' | 'number' | 'object' | 'array';
  /** Whether the member is required. If not, null means that it is absent. */
  readonly required?: boolean;
  /** The allowed strings. */
  readonly oneOf?: readonly string[];
  /** The members of an object that clients check. */
  readonly members?: ShapeMembers;
  /** The shape of all elements of an array, or all members of an object. */
  readonly each?: Shape;
}

const string: Shape = { is: 'string' };
const boolean: Shape = { is: 'boolean' };
const number: Shape = { is: 'number' };
const strings: Shape = { is: 'array', each: string };

function object(members: Readonly<Record<string, Shape>>): Shape {
  return { is: 'object', members: Object.entries(members) };
}

function oneOf(...values: string[]): Shape {
  return { is: 'string', oneOf: values };
}

function required(shape: Shape): Shape {
  return { ...shape, required: true };
}

/** The part of a JSON Schema that clients check: its properties must be objects. */
const schema = object({
  $schema: string,
  type: required(oneOf('object')),
  properties: { is: 'object', each: { is: 'object' } },
  required: strings,
});

const icons: Shape = {
  is: 'array',
  each: object({ src: required(string), mimeType: string, sizes: strings, theme: oneOf('light', 'dark') }),
};

/**
 * A tool that the SDKs' clients accept. Any other makes them refuse the whole list.
 * MCP 2025-11-25, Tools, Data Types, and the schemas of the TypeScript SDK, v1 and v2, and of the Python SDK.
 */
const toolShapes: Readonly<Record<string, Shape>> = {
  name: required(string),
  title: string,
  description: string,
  inputSchema: required(schema),
  outputSchema: schema,
  annotations: object({
    title: string,
    readOnlyHint: boolean,
    destructiveHint: boolean,
    idempotentHint: boolean,
    openWorldHint: boolean,
  }),
  execution: object({ taskSupport: oneOf('required', 'optional', 'forbidden') }),
  icons,
  _meta: { is: 'object' },
};
const toolMembers: Readonly<Record<Era, ShapeMembers>> = {
  legacy: Object.entries(toolShapes),
  // MCP 2026-07-28, Tool: structured output may be anything.
  modern: Object.entries({ ...toolShapes, outputSchema: object({ $schema: string }) }),
};

/** A prompt that the SDKs' clients accept. MCP 2025-11-25, Prompts, Data Types. */
const promptMembers = Object.entries<Shape>({
  name: required(string),
  title: string,
  description: string,
  arguments: {
    is: 'array',
    each: object({ name: required(string), title: string, description: string, required: boolean }),
  },
  icons,
  _meta: { is: 'object' },
});

const annotations = object({
  audience: { is: 'array', each: oneOf('user', 'assistant') },
  priority: number,
  lastModified: string,
});

/** A resource that the SDKs' clients accept. MCP 2025-11-25, Resources, Data Types. */
const resourceMembers = Object.entries<Shape>({
  uri: required(string),
  name: required(string),
  title: string,
  description: string,
  mimeType: string,
  size: number,
  annotations,
  icons,
  _meta: { is: 'object' },
});

/** A resource template that the SDKs' clients accept. MCP 2025-11-25, Resources, Resource Templates. */
const resourceTemplateMembers = Object.entries<Shape>({
  uriTemplate: required(string),
  name: required(string),
  title: string,
  description: string,
  mimeType: string,
  annotations,
  icons,
  _meta: { is: 'object' },
});

const quote = 0x22;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Longer values and names are truncated in messages. */
const maxQuotedChars = 40;
/** The most levels of arrays and objects: the Python SDK refuses a message with 200. */
const maxDepth = 128;

/** Escapes: pairs of surrogates, single surrogates, and all others. */
const escapes = /\\(?:ud[89ab][\da-f]{2}\\ud[c-f][\da-f]{2}|(ud[89a-f][\da-f]{2})|.)/gi;

/** A tool in a form that clients accept. */
interface MendedTool {
  readonly tool: ObjectText;
  /** Why the output schema was left out; null: it was not. */
  readonly schemaFault: string | null;
}

/**
 * The tool in a form that clients accept. Leaves out optional members that are null, an empty array instead of an object (PHP)
 * or an empty object instead of an array (Lua), and an output schema that no validator accepts. Replaces single surrogates,
 * which truncation leaves behind and only JavaScript parses. Everything else stays as it is. Throws a {@link Misfit} if that is
 * not enough.
 *
 * @param text well-formed JSON
 * @param era in which its upstream lists it
 */
export function mendedTool(text: string, era: Era): MendedTool {
  let tool = mendedItem(text, toolMembers[era], 'name');
  // In the modern era it may use what such validators do not know.
  const schemaText = era === 'modern' ? undefined : tool.member('outputSchema');
  const schemaFault = schemaText === undefined ? null : faultOfOutputSchema(schemaText);
  if (schemaFault !== null) tool = new ObjectText(tool.without('outputSchema'));
  return { tool, schemaFault };
}

/** The same for a prompt. */
export function mendedPrompt(text: string): ObjectText {
  return mendedItem(text, promptMembers, 'name');
}

/** The same for a resource. */
export function mendedResource(text: string): ObjectText {
  return mendedItem(text, resourceMembers, 'uri');
}

/** The same for a resource template. */
export function mendedResourceTemplate(text: string): ObjectText {
  return mendedItem(text, resourceTemplateMembers, 'uriTemplate');
}

function mendedItem(text: string, members: ShapeMembers, nameKey: string): ObjectText {
  if (kindOf(text) !== 'object') throw misfit('', text, article('object'));
  const item = withMendedMembers(text, members, '');
  if (!item.string(nameKey)?.isWellFormed()) throw new Misfit(`its ${nameKey} holds half of a character`);
  if (isDeeper(text, maxDepth)) throw new Misfit(`it nests more than ${maxDepth} levels deep`);
  if (!/\\ud[89a-f]/i.test(text)) return item;
  return new ObjectText(item.toString().replace(escapes, (found, half) => (half ? '\\ufffd' : found)));
}

function isDeeper(text: string, levels: number): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === quote) i = skipString(text, i) - 1;
    else if (code === openBrace || code === openBracket) {
      if (++depth > levels) return true;
    } else if (code === closeBrace || code === closeBracket) depth--;
  }
  return false;
}

function mended(text: string, shape: Shape, path: string): string {
  const { is, members, each } = shape;
  if (kindOf(text) !== is) throw misfit(path, text, shape.oneOf ?? article(is));
  if (shape.oneOf && !shape.oneOf.includes(JSON.parse(text))) throw misfit(path, text, shape.oneOf);
  const whole = members ? withMendedMembers(text, members, path).toString() : text;
  if (each)
    return is === 'array' ? withMendedElements(whole, each, path) : withCheckedMembers(whole, each, path);
  return whole;
}

function withMendedMembers(text: string, members: ShapeMembers, path: string): ObjectText {
  let object = new ObjectText(text);
  for (const [name, shape] of members) {
    const value = object.member(name);
    if (value === undefined) {
      if (shape.required) throw new Misfit(`${join(path, name)} is missing`);
    } else if (!shape.required && isAbsent(value, shape)) {
      object = new ObjectText(object.without(name));
    } else {
      const better = mended(value, shape, join(path, name));
      if (better !== value) object = new ObjectText(object.with({ name, value: better }));
    }
  }
  return object;
}

function withMendedElements(text: string, each: Shape, path: string): string {
  const before = elements(text) ?? [];
  const after = before.map((element, i) => mended(element, each, `${path}[${i}]`));
  return after.every((element, i) => element === before[i]) ? text : `[${after.join(',')}]`;
}

function withCheckedMembers(text: string, each: Shape, path: string): string {
  const member = new Members(text);
  while (member.next()) {
    if (kindOf(text, member.start) === each.is) continue;
    throw misfit(join(path, quoted(member.key())), member.text(), article(each.is));
  }
  return text;
}

function isAbsent(text: string, { is }: Shape): boolean {
  if (text === 'null') return true;
  return (is === 'object' && /^\[\s*\]$/.test(text)) || (is === 'array' && /^\{\s*\}$/.test(text));
}

type ValueType = Shape['is'] | 'null';

/** The kind of the value at `start`. */
function kindOf(text: string, start = 0): ValueType {
  switch (text[start]) {
    case '"':
      return 'string';
    case '{':
      return 'object';
    case '[':
      return 'array';
    case 't':
    case 'f':
      return 'boolean';
    case 'n':
      return 'null';
    default:
      return 'number';
  }
}

function misfit(path: string, found: string, expected: string | readonly string[]): Misfit {
  const kind = kindOf(found);
  const what = kind === 'object' || kind === 'array' ? article(kind) : quoted(found);
  const wanted = typeof expected === 'string' ? expected : expected.map((value) => `"${value}"`).join(' or ');
  return new Misfit(`${path === '' ? 'it' : path} is ${what}, not ${wanted}`);
}

function article(kind: ValueType): string {
  return /^[aeiou]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function quoted(text: string): string {
  return text.length > maxQuotedChars ? `${text.slice(0, maxQuotedChars)}…` : text;
}
