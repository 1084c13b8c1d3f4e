import { isRecord } from '../config/values.ts';

const program = /(?:^|[/\\])mcpstead(?:\.exe|\.mjs|\.cmd)?$|^@ahkohd\/mcpstead(?:@.*)?$/i;
const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
/** The options of `mcpstead stdio` that choose a view. */
const viewFlag = /^--(?:server|profile)(?:=(.*))?$/s;
const urlKeys = ['url', 'serverUrl', 'httpUrl', 'uri'];

/** The address of a gateway on this machine. */
interface LocalEndpoint {
  readonly port: number;
  /** Empty for the whole gateway. */
  readonly view: string;
}

/**
 * Which part of the gateway at this port an entry of a client leads to, by `mcpstead stdio` or by the URL of its `/mcp`, maybe behind
 * a bridge: empty for all of it, else the name of a view. Null if it leads elsewhere, perhaps to another server of this machine.
 * @param port null: any, if the name of the entry says enough
 */
export function gatewayView(entry: unknown, port: number | null): string | null {
  if (!isRecord(entry)) return null;
  const words = [entry.command ?? entry.cmd, entry.args].flat().filter((word) => typeof word === 'string');
  const endpoint = [...urlKeys.map((key) => entry[key]), ...words]
    .map(endpointOf)
    .find((found) => found && (port === null || found.port === port));
  return bridgedView(words) ?? endpoint?.view ?? null;
}

/** The view that `mcpstead stdio` shows; null if the words start another program. */
function bridgedView(words: readonly string[]): string | null {
  const at = words.findIndex((word) => program.test(word));
  const args = at < 0 ? [] : words.slice(at + 1);
  if (!args.includes('stdio')) return null;
  const flagAt = args.findIndex((arg) => viewFlag.test(arg));
  if (flagAt < 0) return '';
  const [, value = args[flagAt + 1] ?? ''] = viewFlag.exec(args[flagAt] as string) ?? [];
  return value;
}

function endpointOf(text: unknown): LocalEndpoint | null {
  const url = typeof text === 'string' ? URL.parse(text) : null;
  if (url === null || !loopback.test(url.hostname)) return null;
  const [whole, view = ''] = /^\/mcp(?:\/([^/]*))?\/?$/.exec(url.pathname) ?? [];
  return whole === undefined ? null : { port: Number(url.port || 80), view };
}
