import { GatewayError } from '../../errors.ts';
import type { ObjectText } from '../../json/object.ts';
import { decodeHeaderValue } from '../../protocol/header-values.ts';
import { methodHeader, namedMembers, nameHeader } from '../../protocol/headers.ts';
import type { RequestMessage } from '../../protocol/messages.ts';

/** Longer values are truncated in errors. */
const maxShownChars = 100;

/** The headers of a request, by their names in lower case. */
export interface HeaderSource {
  header(name: string): string | null;
}

/**
 * Checks that the headers of a request repeat its body. Throws `header_mismatch`. MCP 2026-07-28, Server Validation.
 * @param version the value of the version header
 */
export function checkHeaders(
  { method, params }: RequestMessage,
  version: string | null,
  headers: HeaderSource,
): void {
  if (version === null) throw missing('MCP-Protocol-Version', 'the version in _meta');
  const named = headers.header(methodHeader);
  if (named === null) throw missing('Mcp-Method', 'the method');
  if (named !== method) throw different('Mcp-Method', named, method);
  const key = namedMembers.get(method);
  if (key !== undefined) checkName(headers.header(nameHeader), key, params);
}

function checkName(value: string | null, key: string, params: ObjectText | undefined): void {
  const expected = params?.string(key);
  if (value === null) {
    // A body without the name is refused by whoever needs it.
    if (expected !== undefined) throw missing('Mcp-Name', `params.${key}`);
    return;
  }
  const name = decodeHeaderValue(value);
  if (name === null) throw malformed('Mcp-Name', value);
  if (expected !== undefined && name !== expected) throw different('Mcp-Name', name, expected);
}

function missing(header: string, source: string): GatewayError {
  return mismatch(`the ${header} header is missing; it must repeat ${source}`);
}

function malformed(header: string, value: string): GatewayError {
  return mismatch(`the ${header} header has the malformed value ${shown(value)}`);
}

function different(header: string, value: string, expected: string): GatewayError {
  return mismatch(`the ${header} header is ${shown(value)}, but the body has ${shown(expected)}`);
}

function mismatch(fault: string): GatewayError {
  return new GatewayError('header_mismatch', `Header mismatch: ${fault}`);
}

function shown(value: string): string {
  return JSON.stringify(value.length > maxShownChars ? `${value.slice(0, maxShownChars)}…` : value);
}
