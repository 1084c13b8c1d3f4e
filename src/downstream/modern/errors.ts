import { ObjectText } from '../../json/object.ts';
import { errorCodes } from '../../protocol/error-codes.ts';
import type { Answer } from '../../protocol/exchange.ts';
import { textOf } from '../../runtime/owned-bytes.ts';

type ErrorAnswer = Extract<Answer, { kind: 'error' }>;

/** They tell a client that its own request is wrong. A legacy server that uses them means something else. */
const ownErrors: readonly number[] = [
  errorCodes.headerMismatch,
  errorCodes.missingClientCapability,
  errorCodes.unsupportedVersion,
];

/**
 * The error of an upstream, as clients of the modern era know it: a resource that does not exist is an invalid param.
 * MCP 2026-07-28, Resources, Error Handling; Error Codes.
 * @param params of the request
 */
export function modernError(answer: ErrorAnswer, params: ObjectText | undefined): ErrorAnswer {
  const isNotFound = answer.code === errorCodes.resourceNotFound;
  if (!isNotFound && !ownErrors.includes(answer.code)) return answer;
  const code = isNotFound ? errorCodes.invalidParams : errorCodes.internalError;
  const error = new ObjectText(textOf(answer.payload));
  const isOfModernServer = error.object('data')?.object('requiredCapabilities') !== undefined;
  if (answer.code === errorCodes.missingClientCapability && isOfModernServer) return answer;
  const edits = [{ name: 'code', value: String(code) }];
  const uri = isNotFound ? params?.string('uri') : undefined;
  if (uri !== undefined) {
    const data = error.object('data') ?? new ObjectText('{}');
    edits.push({ name: 'data', value: data.with({ name: 'uri', value: JSON.stringify(uri) }) });
  }
  const text = error.with(...edits);
  const { payload } = answer;
  return {
    ...answer,
    code,
    payload: typeof payload === 'string' ? text : payload.replaced(text),
  };
}

/** The HTTP status with which the error of an upstream is passed on. MCP 2026-07-28, Error Codes. */
export function statusOfError(code: number): number {
  return code === errorCodes.missingClientCapability ? 400 : 200;
}
