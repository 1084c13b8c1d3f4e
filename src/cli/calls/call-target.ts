import { didYouMean } from '../../config/suggest.ts';
import { GatewayError } from '../../errors.ts';

/** What a call is for. */
export interface CallTarget {
  /** The server whose view has the tool; null: that of the whole gateway. */
  readonly server: string | null;
  /** The name of the tool in that view. */
  readonly tool: string;
}

/**
 * Reads `SERVER.TOOL`, or the name by which clients of the whole gateway know a tool, such as `SERVER__TOOL`. Names of servers and of
 * tools may have dots: the longest name of a server counts. Throws a {@link GatewayError} if no server has the name.
 */
export function callTarget(word: string, servers: readonly string[]): CallTarget {
  const separators = ['.', '__'];
  const [found] = servers
    .flatMap((server) => separators.map((separator) => ({ server, start: server + separator })))
    .filter(({ start }) => word.startsWith(start) && word.length > start.length)
    .toSorted((a, b) => b.server.length - a.server.length);
  if (found?.start.endsWith('__')) return { server: null, tool: word };
  if (found) return { server: found.server, tool: word.slice(found.start.length) };
  if (servers.includes(word.replace(/\.$/, ''))) {
    const name = word.replace(/\.$/, '');
    throw new GatewayError(
      'unavailable',
      `expected SERVER.TOOL, found only a server; its tools: mcpstead tools ${name}`,
    );
  }
  const [prefix, rest] = /^([^.]+)\.(.+)$/s.exec(word)?.slice(1) ?? [];
  if (prefix === undefined || rest === undefined || word.includes('__')) return { server: null, tool: word };
  throw unknownServer(prefix, servers);
}

/** The error about a name that no server has. */
export function unknownServer(name: string, servers: readonly string[]): GatewayError {
  const known = servers.length === 0 ? 'there are no servers' : `servers: ${servers.join(', ')}`;
  return new GatewayError(
    'unavailable',
    `no server is named "${name}"${didYouMean(name, servers)} (${known})`,
  );
}

/** The error about a name that no tool has. @param tools those that there are */
export function unknownTool({ server, tool }: CallTarget, tools: readonly string[]): GatewayError {
  const who = server === null ? 'no server' : server;
  const list = server === null ? 'mcpstead tools' : `mcpstead tools ${server}`;
  const what = `${who} has ${server === null ? 'a' : 'no'} tool "${tool}"`;
  return new GatewayError('unavailable', `${what}${didYouMean(tool, tools)}\nAll tools: ${list}`);
}
