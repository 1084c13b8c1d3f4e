import { GatewayError } from '../../errors.ts';
import type { ObjectText } from '../../json/object.ts';
import { decodeHeaderValue } from '../../protocol/header-values.ts';
import { type ParamHeader, paramHeaders } from '../../upstream/modern/param-headers.ts';
import type { HeaderSource } from './headers.ts';

/** An integer in decimal, maybe with zeros as its fraction. */
const integer = /^-?[0-9]+(?:\.0+)?$/;

/**
 * Checks that headers repeat the arguments of a tool call, as its tool wants. The header of an absent argument does not matter. Throws
 * `header_mismatch`. MCP 2026-07-28, Streamable HTTP, Server Behavior for Custom Headers.
 */
export function checkParamHeaders(
  annotated: readonly ParamHeader[],
  params: ObjectText | undefined,
  headers: HeaderSource,
): void {
  const expected = paramHeaders(annotated, params?.object('arguments'));
  for (const [name, encoded] of Object.entries(expected)) {
    const value = headers.header(name);
    if (value === null) throw mismatch(name, 'is missing, although its argument is there');
    const text = decodeHeaderValue(value);
    if (text === null) throw mismatch(name, 'is malformed');
    if (!isSame(text, decodeHeaderValue(encoded) as string))
      throw mismatch(name, 'differs from its argument');
  }
}

function isSame(text: string, expected: string): boolean {
  return (
    text === expected || (integer.test(text) && integer.test(expected) && Number(text) === Number(expected))
  );
}

function mismatch(name: string, fault: string): GatewayError {
  return new GatewayError('header_mismatch', `Header mismatch: the header ${name} ${fault}`);
}
