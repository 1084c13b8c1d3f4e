import { GatewayError } from '../errors.ts';

/** The whole number that a flag is given. Throws `usage` for another text. */
export function wholeNumber(text: string, flag: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new GatewayError('usage', `${flag} expects a whole number, found "${text}"`);
}
