import { isRecord, type Mapping } from '../config/values.ts';

const program = /(?:^|[/\\])mcpstead(?:\.exe|\.mjs|\.cmd)?$|^@ahkohd\/mcpstead(?:@.*)?$/i;
const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
const urlKeys = ['url', 'serverUrl', 'httpUrl', 'uri'];

/** The address of a gateway on this machine. */
interface LocalEndpoint {
  readonly port: number;
  /** Empty for the whole gateway. */
  readonly view: string;
}

/**
 * Which part of the gateway at this port an entry of a client leads to: empty for all of it, else the name of a view. Null if it
 * leads elsewhere, perhaps to another server of this machine. It tells entries of connections whose backup is gone.
 * @param port null: any, if the name of the entry says enough
 */
export function gatewayView(entry: unknown, port: number | null): string | null {
  if (!isRecord(entry)) return null;
  const endpoint = urlKeys
    .map((key) => endpointOf(entry[key]))
    .find((found) => found && (port === null || found.port === port));
  return bridgedView(wordsOf(entry)) ?? endpoint?.view ?? null;
}

/** Whether an entry of a client is the gateway at this port: `mcpstead stdio`, or the URL of its `/mcp`, maybe behind a bridge. */
export function isGateway(entry: Mapping, port: number): boolean {
  const words = wordsOf(entry);
  const texts = [...urlKeys.map((key) => entry[key]), ...words];
  return bridgedView(words) !== null || texts.some((text) => endpointOf(text)?.port === port);
}

function wordsOf({ command, cmd, args }: Mapping): string[] {
  return [command ?? cmd, args].flat().filter((word) => typeof word === 'string');
}

/** The view that `mcpstead stdio` shows; null if the words start another program. */
function bridgedView(words: readonly string[]): string | null {
  const at = words.findIndex((word) => program.test(word));
  if (at < 0 || !words.slice(at).includes('stdio')) return null;
  const flag = words.findIndex((word) => word === '--server' || word === '--profile');
  return flag < 0 ? '' : (words[flag + 1] ?? '');
}

function endpointOf(text: unknown): LocalEndpoint | null {
  const url = typeof text === 'string' ? URL.parse(text) : null;
  if (url === null || !loopback.test(url.hostname)) return null;
  const [whole, view = ''] = /^\/mcp(?:\/([^/]*))?\/?$/.exec(url.pathname) ?? [];
  return whole === undefined ? null : { port: Number(url.port || 80), view };
}
