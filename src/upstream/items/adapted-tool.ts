import type { ObjectText } from '../../json/object.ts';
import type { Era } from '../../protocol/versions.ts';
import { faultOfOutputSchema } from './output-schema.ts';

/** A JSON value as parsed. */
type SchemaValue = null | boolean | number | string | SchemaValue[] | { [name: string]: SchemaValue };

/** Where a wrapped schema is in its wrapper. */
const wrappedPath = '#/properties/result';
/** Keywords with values of instances, in which nothing is a reference. */
const instanceKeywords = new Set(['const', 'enum', 'default', 'examples']);
const schemaMaps = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions']);
const referenceKeywords = new Set(['$ref', '$dynamicRef', '$recursiveRef']);

/**
 * The JSON text of a tool for clients of the other era, or null if it is the same.
 * @param era in which the tool's upstream lists it
 */
export function adaptedTool(tool: ObjectText, era: Era): string | null {
  return era === 'modern' ? toolForLegacy(tool) : toolForModern(tool);
}

/** The modern era has no tasks that clients ask for. MCP 2025-11-25, Tool, `execution`. */
function toolForModern(tool: ObjectText): string | null {
  return tool.member('execution') === undefined ? null : tool.without('execution');
}

/**
 * Structured output is an object in the legacy era, and anything in the modern one: it is wrapped in an object then, as
 * {@link wrappedOutput} wraps a result. MCP 2025-11-25 and 2026-07-28, Tool, `outputSchema`.
 */
function toolForLegacy(tool: ObjectText): string | null {
  const schema = tool.object('outputSchema');
  if (schema === undefined) return null;
  const isObject = schema.string('type') === 'object';
  const text = isObject ? schema.toString() : wrappedSchema(schema);
  // Clients of the legacy era compile it, and refuse the whole list if that fails.
  if (faultOfOutputSchema(text) !== null) return tool.without('outputSchema');
  return isObject ? null : tool.with({ name: 'outputSchema', value: text });
}

function wrappedSchema(schema: ObjectText): string {
  const dialect = schema.member('$schema');
  const inner = withMovedReferences(schema.without('$schema'));
  const head = dialect === undefined ? '' : `"$schema":${dialect},`;
  return `{${head}"type":"object","properties":{"result":${inner}},"required":["result"]}`;
}

/** The schema with its references to itself, which count from the top. A schema with an id is its own top. */
function withMovedReferences(text: string): string {
  if (!/"\$(?:dynamic|recursive)?[rR]ef"/.test(text)) return text;
  const schema = JSON.parse(text) as SchemaValue;
  const hasId = typeof schema === 'object' && schema !== null && '$id' in schema;
  return hasId ? text : JSON.stringify(moved(schema));
}

/** @param isMap whether the members are named schemas, not keywords */
function moved(value: SchemaValue, isMap = false): SchemaValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => moved(element));
  const members = Object.entries(value).map(([name, member]) => {
    if (isMap) return [name, moved(member)];
    if (referenceKeywords.has(name)) return [name, movedReference(member)];
    return [name, instanceKeywords.has(name) ? member : moved(member, schemaMaps.has(name))];
  });
  return Object.fromEntries(members);
}

function movedReference(value: SchemaValue): SchemaValue {
  if (value === '#') return wrappedPath;
  return typeof value === 'string' && value.startsWith('#/') ? wrappedPath + value.slice(1) : value;
}

/**
 * The JSON text of a result for clients of the legacy era, with its structured content in an object if it is none, or if its
 * schema is {@link adaptedTool wrapped}. A server that speaks both eras may have wrapped it itself.
 */
export function wrappedOutput(result: ObjectText, isSchemaWrapped: boolean): string {
  const content = result.member('structuredContent');
  if (content === undefined) return result.toString();
  const object = result.object('structuredContent');
  if (object && (!isSchemaWrapped || isWrapped(object))) return result.toString();
  return result.with({ name: 'structuredContent', value: `{"result":${content}}` });
}

/** Whether `result` is the only member. */
function isWrapped(object: ObjectText): boolean {
  return object.member('result') !== undefined && /^\{\s*\}$/.test(object.without('result'));
}
