import { ObjectText } from '../../json/object.ts';
import type { Answer } from '../../protocol/exchange.ts';
import { textOf } from '../../runtime/owned-bytes.ts';

type ErrorAnswer = Extract<Answer, { kind: 'error' }>;

/** MCP 2025-11-25, Resources, Error Handling. */
const legacyResourceNotFound = -32002;
const invalidParams = -32602;
const missingClientCapability = -32021;

/**
 * The error of an upstream, as clients of the modern era know it: a resource that does not exist is an invalid param.
 * MCP 2026-07-28, Resources, Error Handling.
 * @param params of the request
 */
export function modernError(answer: ErrorAnswer, params: ObjectText | undefined): ErrorAnswer {
  if (answer.code !== legacyResourceNotFound) return answer;
  const error = new ObjectText(textOf(answer.payload));
  const edits = [{ name: 'code', value: String(invalidParams) }];
  const uri = params?.string('uri');
  if (uri !== undefined) {
    const data = error.object('data') ?? new ObjectText('{}');
    edits.push({ name: 'data', value: data.with({ name: 'uri', value: JSON.stringify(uri) }) });
  }
  const text = error.with(...edits);
  const { payload } = answer;
  return {
    ...answer,
    code: invalidParams,
    payload: typeof payload === 'string' ? text : payload.replaced(text),
  };
}

/** The HTTP status with which the error of an upstream is passed on. MCP 2026-07-28, Error Codes. */
export function statusOfError(code: number): number {
  return code === missingClientCapability ? 400 : 200;
}
