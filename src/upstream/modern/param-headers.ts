import type { MemberEdit, ObjectText } from '../../json/object.ts';
import { stringAt } from '../../json/scan.ts';
import { encodeHeaderValue } from '../../protocol/header-values.ts';
import { Misfit } from '../items/misfit.ts';
import type { RequestHeaders } from '../transport/transport.ts';

/** The annotation of a parameter that is repeated in a header. MCP 2026-07-28, Streamable HTTP, Schema Extension. */
const annotation = 'x-mcp-header';
const headerPrefix = 'mcp-param-';
/** RFC 9110, 5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** The keywords of JSON Schema whose members are schemas, under names that are no keywords. */
const namedSchemas: readonly string[] = [
  'properties',
  'patternProperties',
  'dependentSchemas',
  '$defs',
  'definitions',
];
const types: readonly unknown[] = ['string', 'integer', 'boolean'];
/** The most headers of a tool, and the most levels of its schema that are searched. */
const maxHeaders = 100;
const maxDepth = 64;
/** Longer texts of a server are truncated in messages. */
const maxQuotedChars = 40;

/** A parameter of a tool that is repeated in a header. */
export interface ParamHeader {
  /** In lower case. */
  readonly header: string;
  /** The names of the properties that lead to the parameter. */
  readonly path: readonly string[];
}

/**
 * The parameters that a tool's input schema annotates. Throws a {@link Misfit} for an annotation that breaks a rule: the tool must
 * not be used over HTTP then. MCP 2026-07-28, Streamable HTTP, Schema Extension.
 * @param toolText the JSON text of the tool
 */
export function paramHeadersOf(toolText: string): ParamHeader[] {
  // Most tools have none, and need not be parsed.
  if (!toolText.includes(annotation)) return [];
  const found = new Map<string, ParamHeader>();
  collect((JSON.parse(toolText) as { inputSchema?: unknown }).inputSchema, [], true, 0, found);
  return [...found.values()];
}

/** @param isReachable whether only `properties` lead to the schema */
function collect(
  schema: unknown,
  path: readonly string[],
  isReachable: boolean,
  depth: number,
  found: Map<string, ParamHeader>,
): void {
  if (typeof schema !== 'object' || schema === null) return;
  if (depth > maxDepth) throw new Misfit(`its input schema nests more than ${maxDepth} levels deep`);
  if (!Array.isArray(schema) && Object.hasOwn(schema, annotation))
    add(schema as Record<string, unknown>, isReachable ? path : [], found);
  for (const [key, value] of Object.entries(schema)) {
    // Examples and defaults are data, not schemas.
    if (['const', 'default', 'enum', 'examples'].includes(key)) continue;
    if (!namedSchemas.includes(key) || typeof value !== 'object' || value === null) {
      collect(value, path, false, depth + 1, found);
      continue;
    }
    const isStep = key === 'properties' && isReachable;
    for (const [name, named] of Object.entries(value))
      collect(named, isStep ? [...path, name] : path, isStep, depth + 1, found);
  }
}

function add(
  schema: Record<string, unknown>,
  path: readonly string[],
  found: Map<string, ParamHeader>,
): void {
  const { [annotation]: name, type } = schema;
  const fault = (why: string) =>
    new Misfit(`its ${annotation} ${(JSON.stringify(name) ?? '').slice(0, maxQuotedChars)} ${why}`);
  if (typeof name !== 'string' || !token.test(name)) throw fault('is not the name of a header');
  if (path.length === 0) throw fault('is not at a parameter that only "properties" lead to');
  if (!types.includes(type))
    throw fault('is at a parameter that is neither a string, an integer nor a boolean');
  const header = headerPrefix + name.toLowerCase();
  if (found.has(header)) throw fault('is used twice');
  if (found.size === maxHeaders) throw new Misfit(`it has more than ${maxHeaders} ${annotation}`);
  found.set(header, { header, path });
}

/**
 * The headers that repeat arguments of a call. An argument that is absent, null, or not of a type that headers can have, has none.
 * MCP 2026-07-28, Streamable HTTP, Client Behavior.
 */
export function paramHeaders(
  annotated: readonly ParamHeader[],
  args: ObjectText | undefined,
): RequestHeaders {
  const headers: Record<string, string> = {};
  for (const { header, path } of annotated) {
    const value = valueAt(args, path);
    if (value !== undefined) headers[header] = encodeHeaderValue(value);
  }
  return headers;
}

function valueAt(args: ObjectText | undefined, path: readonly string[]): string | undefined {
  let object = args;
  for (const name of path.slice(0, -1)) object = object?.object(name);
  const name = path.at(-1) as string;
  const text = object?.member(name);
  if (object === undefined || text === undefined) return undefined;
  if (text === 'true' || text === 'false') return text;
  const number = object.number(name);
  if (number !== undefined) return Number.isSafeInteger(number) ? String(number) : undefined;
  return object.string(name);
}

/** The annotated parameters of all tools of a list, by the names of the tools. */
export class ToolHeaders {
  #byTool = new Map<string, readonly ParamHeader[]>();
  /** The headers of calls of tools without such parameters, which are the same each time, by what names the tool. */
  #fixed = new WeakMap<MemberEdit, RequestHeaders>();

  /** Adds a tool of the list. Throws a {@link Misfit} if it must not be used. */
  add(tool: ObjectText): void {
    const annotated = paramHeadersOf(tool.toString());
    if (annotated.length > 0) this.#byTool.set(tool.string('name') as string, annotated);
  }

  /** Takes those of a newer list, which is complete. */
  replaceBy(newer: ToolHeaders): void {
    this.#byTool = newer.#byTool;
    this.#fixed = newer.#fixed;
  }

  /** The headers that {@link fix} was given for the target. */
  fixed(target: MemberEdit): RequestHeaders | undefined {
    return this.#fixed.get(target);
  }

  /** Keeps the headers of all calls of the tool that `target` names, until there is another list. */
  fix(target: MemberEdit, headers: RequestHeaders): void {
    this.#fixed.set(target, headers);
  }

  /** The annotated parameters of a tool, or undefined if there are none. */
  of(tool: string): readonly ParamHeader[] | undefined {
    return this.#byTool.get(tool);
  }
}

/** The text of a string member of the params, with `target` in place of the member that it names. */
export function textOfMember(
  params: ObjectText | undefined,
  name: string,
  target: MemberEdit | null,
): string | undefined {
  if (target?.name !== name) return params?.string(name);
  return stringAt(target.value, 0, target.value.length);
}
