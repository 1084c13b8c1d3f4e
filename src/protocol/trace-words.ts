import type { ObjectText } from '../json/object.ts';
import type { TraceAttributes, TraceSpan } from '../observability/tracing.ts';

// The words of the OpenTelemetry semantic conventions for MCP, which are still in development:
// https://github.com/open-telemetry/semantic-conventions-genai/blob/v0.1.0/docs/gen-ai/mcp.md

/** Longer names are truncated: clients choose them. */
const maxNameChars = 128;

/** The methods whose `name` is of low cardinality, and the attribute that has it. */
const nameAttributes: Readonly<Record<string, string>> = {
  'tools/call': 'gen_ai.tool.name',
  'prompts/get': 'gen_ai.prompt.name',
};

/** The name of the span of a request: its method, with the name of the tool or prompt. @param name replaces that of the params */
export function traceName(method: string, params: ObjectText | undefined, name?: string): string {
  const target = nameAttributes[method] === undefined ? undefined : (name ?? params?.string('name'));
  return target === undefined ? clip(method) : `${clip(method)} ${clip(target)}`;
}

/** The attributes that a request has by itself. Arguments never are among them. @param name replaces that of the params */
export function traceAttributes(
  method: string,
  params: ObjectText | undefined,
  name?: string,
): TraceAttributes {
  const key = nameAttributes[method];
  const target = key === undefined ? undefined : (name ?? params?.string('name'));
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

function clip(text: string): string {
  return text.slice(0, maxNameChars);
}

/** Neither a query nor user info, which hold keys and passwords. */
function withoutSecrets(uri: string): string {
  return uri.replace(/[?#].*$/s, '').replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1');
}
