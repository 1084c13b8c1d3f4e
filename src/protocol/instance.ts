import type { ObjectText } from '../json/object.ts';

/**
 * The member of `_meta` in the result of `initialize` by which gateways recognize themselves: the ids of the gateway and
 * of those that it reaches, its own first, with blanks between. MCP 2025-11-25, Base Protocol, General Fields.
 */
export const gatewaysKey = 'mcpstead/gateways';

/** The most ids that are told or taken, and the most characters of one. */
const maxGateways = 100;
const maxIdChars = 64;

/** What a gateway tells of itself: its own id, and those that its upstreams told. */
export function gatewaysText(own: string, reached: Iterable<string>): string {
  return [...new Set([own, ...reached])].slice(0, maxGateways).join(' ');
}

/** The ids in the result of an `initialize`; none where its sender is no such gateway. */
export function gatewaysIn(result: ObjectText): string[] {
  const text = result
    .object('_meta')
    ?.string(gatewaysKey)
    ?.slice(0, maxGateways * (maxIdChars + 1));
  return text === undefined ? [] : text.split(' ', maxGateways);
}
