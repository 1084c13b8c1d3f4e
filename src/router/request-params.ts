import { GatewayError } from '../errors.ts';
import type { Exchange } from '../protocol/exchange.ts';
import { maxTokenChars } from '../protocol/messages.ts';

/** Longer names are truncated in error messages. */
const maxQuotedChars = 200;

/**
 * The string in the params that says what a request is for. Throws `invalid_params` if it is missing, or if a notification could not
 * carry the progress token.
 * @param objectKey the member of the params that must be an object if it is there
 */
export function requiredString({ method, params, meta }: Exchange, key: string, objectKey?: string): string {
  const name = params?.string(key);
  if (params === undefined || name === undefined) throw invalidParams(method, key, 'must be a string');
  if (objectKey !== undefined && !params.isObjectOrAbsent(objectKey))
    throw invalidParams(method, objectKey, 'must be an object');
  if ((meta?.member('progressToken')?.length ?? 0) > maxTokenChars) {
    const expected = `must have at most ${maxTokenChars} characters: it goes back with each notification`;
    throw invalidParams(method, 'progressToken', expected);
  }
  return name;
}

export function invalidParams(method: string, key: string, expected: string): GatewayError {
  return new GatewayError('invalid_params', `${method}: "${key}" ${expected}`);
}

/** A name from the wire, in the words of an error. */
export function quoted(text: string): string {
  const short = text.length > maxQuotedChars ? `${text.slice(0, maxQuotedChars)}…` : text;
  return JSON.stringify(short);
}

export function methodNotFound(method: string): GatewayError {
  return new GatewayError('method_not_found', `Method not found: ${quoted(method)}`);
}

/** The refusal of a resource that no upstream of the view claims. */
export function resourceNotFound(uri: string): GatewayError {
  return new GatewayError('resource_not_found', `Resource not found: ${quoted(uri)}`, { uri });
}
