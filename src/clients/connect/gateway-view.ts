import { isRecord } from '../../config/values.ts';

const program = /(?:^|[/\\])mcpstead(?:\.exe|\.mjs|\.cmd)?$/;
const endpoint = /^https?:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?\/mcp(?:\/([^/?#]*))?\/?$/;

/**
 * Which part of a gateway on this machine an entry of a client leads to: empty for all of it, else the name of a view. Null if it
 * leads elsewhere. It tells entries of connections whose backup is gone.
 */
export function gatewayView(entry: unknown): string | null {
  if (!isRecord(entry)) return null;
  const argv = [entry.command ?? entry.cmd, entry.args].flat().map(String);
  if (program.test(argv[0] ?? ''))
    return argv[argv.findIndex((arg) => arg === '--server' || arg === '--profile') + 1 || argv.length] ?? '';
  for (const key of ['url', 'serverUrl', 'httpUrl', 'uri']) {
    const found = typeof entry[key] === 'string' ? endpoint.exec(entry[key]) : null;
    if (found) return found[1] ?? '';
  }
  return null;
}
