import type { ObjectText } from '../json/object.ts';
import { isKnownMethod } from '../observability/downstream-metrics.ts';
import type { TraceAttributes, TraceSpan } from '../observability/tracing.ts';

// The words of the OpenTelemetry semantic conventions for MCP, which are still in development:
// https://github.com/open-telemetry/semantic-conventions-genai/blob/v0.1.0/docs/gen-ai/mcp.md

/** Longer names are truncated: clients choose them. */
const maxNameChars = 128;

/** Longer URIs are truncated. */
const maxUriChars = 1_024;
/** Stands for the methods that clients make up: the names of spans must be few. */
const otherMethod = '_OTHER';

/** The methods whose `name` is of low cardinality, and the attribute that has it. */
const nameAttributes: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'gen_ai.tool.name'],
  ['prompts/get', 'gen_ai.prompt.name'],
]);

/**
 * The name of the span of a request: its method, with the name of the tool or prompt.
 * @param target the tool or prompt, if a server has it: clients could make up others
 */
export function traceName(method: string, target: string | undefined): string {
  if (!isKnownMethod(method)) return otherMethod;
  return target === undefined || !nameAttributes.has(method) ? method : `${method} ${clip(target)}`;
}

/** The tool or prompt that a request names. */
export function traceTarget(method: string, params: ObjectText | undefined): string | undefined {
  return nameAttributes.has(method) ? params?.string('name') : undefined;
}

/** The attributes that a request has by itself. Arguments never are among them. @param target as of {@link traceTarget} */
export function traceAttributes(
  method: string,
  params: ObjectText | undefined,
  target: string | undefined,
): TraceAttributes {
  const key = nameAttributes.get(method);
  const uri = method.startsWith('resources/') ? params?.string('uri') : undefined;
  return {
    'mcp.method.name': clip(method),
    ...(key !== undefined && target !== undefined && { [key]: clip(target) }),
    ...(method === 'tools/call' && { 'gen_ai.operation.name': 'execute_tool' }),
    ...(uri !== undefined && { 'mcp.resource.uri': withoutSecrets(uri) }),
  };
}

/** Records how a request ended. @param code of the JSON-RPC error; null: it has a result */
export function traceOutcome(span: TraceSpan, code: number | null, isError: boolean | undefined): void {
  if (code !== null) {
    span.set('rpc.response.status_code', String(code));
    span.fail(String(code));
  } else if (isError) span.fail('tool_error');
}

/** Without half characters, for which a collector may refuse all spans of a batch. */
function clip(text: string, maxChars = maxNameChars): string {
  return text.slice(0, maxChars).toWellFormed();
}

/** Neither a query nor user info, which hold keys and passwords. */
function withoutSecrets(uri: string): string {
  return clip(uri.replace(/[?#].*$/s, '').replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1'), maxUriChars);
}
