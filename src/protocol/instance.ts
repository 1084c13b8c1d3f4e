import type { ObjectText } from '../json/object.ts';

/**
 * The key in `_meta` of the result of `initialize` that lets gateways detect loops. Its value lists the id of the gateway, then
 * the ids of the gateways that it reaches, separated by spaces. MCP 2025-11-25, Base Protocol, General Fields.
 */
export const gatewaysKey = 'mcpstead/gateways';

/** The most ids that are sent or read. */
const maxGateways = 100;
const maxIdChars = 64;

/** The value of {@link gatewaysKey} for a gateway with the id `own` that reaches the gateways `reached`. */
export function gatewaysText(own: string, reached: Iterable<string>): string {
  return [...new Set([own, ...reached])].slice(0, maxGateways).join(' ');
}

/** The ids in the result of an `initialize`; empty if its sender is not an mcpstead gateway. */
export function gatewaysIn(result: ObjectText): string[] {
  const text = result
    .object('_meta')
    ?.string(gatewaysKey)
    ?.slice(0, maxGateways * (maxIdChars + 1));
  return text === undefined ? [] : text.split(' ', maxGateways);
}
