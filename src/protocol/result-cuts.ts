import type { Payload } from '../runtime/owned-bytes.ts';
import type { ResponseMessage } from './messages.ts';

const space = 0x20;

/**
 * The payload of a result without these spans of its members: they are cut out of a text, or blanked in bytes, and nothing else is
 * touched.
 * @param spans as `ObjectText.spans` of the result has them
 */
export function payloadWithout(
  { payload, result, place }: ResponseMessage,
  spans: readonly number[],
): Payload {
  if (result === undefined || spans.length === 0) return payload;
  if (typeof payload === 'string' || place === undefined) return result.cut(spans);
  for (let i = 0; i < spans.length; i += 2) payload.bytes.fill(space, place(spans[i]!), place(spans[i + 1]!));
  return payload;
}
