import { GatewayError } from '../../errors.ts';

/** A longer text is refused. */
const maxMiB = 64;

/** The text on stdin, up to its end. Rejects with `usage` if it has more than 64 MiB. */
export async function standardInput(): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of Bun.stdin.stream() as unknown as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > maxMiB * 1024 * 1024) throw new GatewayError('usage', `stdin has more than ${maxMiB} MiB`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
