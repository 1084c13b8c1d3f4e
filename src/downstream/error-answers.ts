import { GatewayError } from '../errors.ts';
import { TooManyError } from '../json/scan.ts';
import type { Logger } from '../observability/log.ts';
import { jsonType } from '../protocol/headers.ts';
import { errorText } from '../protocol/messages.ts';

/** The error to report for a thrown one. Errors that are not for users are logged instead. */
export function toGatewayError(error: unknown, logger: Logger): GatewayError {
  if (error instanceof GatewayError) return error;
  // While a request is being answered, only the client's own params are scanned.
  if (error instanceof TooManyError)
    return new GatewayError('invalid_params', `Invalid params: ${error.message}`);
  logger.error('a request failed inside the gateway', { error });
  return new GatewayError('internal', 'the gateway failed; its log says more');
}

/** The JSON text of a JSON-RPC error object. */
export function rpcErrorText(error: GatewayError): string {
  return JSON.stringify({ code: error.rpcCode, message: error.message, data: error.data });
}

/** A JSON-RPC error as an HTTP response with the error's status. */
export function errorResponse(error: GatewayError, idText = 'null'): Response {
  return new Response(errorText(idText, rpcErrorText(error)), {
    status: error.httpStatus,
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
