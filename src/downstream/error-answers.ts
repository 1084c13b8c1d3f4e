import { GatewayError } from '../errors.ts';
import { TooManyError } from '../json/scan.ts';
import type { Logger } from '../observability/log.ts';
import { jsonType } from '../protocol/headers.ts';
import { errorText } from '../protocol/messages.ts';
import type { Era } from '../protocol/versions.ts';

/** The error to report for a thrown one. Errors that are not for users are logged instead. */
export function toGatewayError(error: unknown, logger: Logger): GatewayError {
  if (error instanceof GatewayError) return error;
  // While a request is being answered, only the client's own params are scanned.
  if (error instanceof TooManyError)
    return new GatewayError('invalid_params', `Invalid params: ${error.message}`);
  logger.error('a request failed inside the gateway', { error });
  return new GatewayError('internal', 'the gateway failed; its log says more');
}

/** The JSON text of a JSON-RPC error object. @param code by default that of the legacy era */
export function rpcErrorText(error: GatewayError, code = error.rpcCode): string {
  return JSON.stringify({ code, message: error.message, data: error.data });
}

/** A JSON-RPC error as an HTTP response with the error's status. */
export function errorResponse(error: GatewayError, idText = 'null', era: Era = 'legacy'): Response {
  const { code, status } =
    era === 'modern' ? error.modern : { code: error.rpcCode, status: error.httpStatus };
  return new Response(errorText(idText, rpcErrorText(error, code)), {
    status,
    headers: { 'content-type': jsonType },
  });
}

export function methodNotAllowed(methods: readonly string[]): Response {
  const allow = methods.join(', ');
  return Response.json(
    { error: `method not allowed; allowed: ${allow}` },
    { status: 405, headers: { allow } },
  );
}
