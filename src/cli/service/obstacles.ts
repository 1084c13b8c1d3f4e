import { GatewayError } from '../../errors.ts';

/** An error for a service that cannot be installed, removed or asked here. */
export function unusable(message: string): GatewayError {
  return new GatewayError('unavailable', message);
}

export function missingHome(variable: string): GatewayError {
  return unusable(
    `${variable} is not set, so there is no place for the service's file; set it to your home directory`,
  );
}

/** The text itself. Throws a GatewayError if it contains a control character, which none of the formats can hold. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for.
  if (!/[\u0000-\u001f\u007f]/.test(text)) return text;
  throw unusable(
    `${JSON.stringify(text)} contains a line break or another control character; rename that file`,
  );
}
