import { isDeepStrictEqual } from 'node:util';
import type { LoadedConfig } from './load.ts';
import type { ServerConfig } from './schema.ts';

/** What a reload has to do. The first five hold server names; each server is in exactly one of them. */
export interface ConfigDiff {
  added: string[];
  removed: string[];
  /** The connection itself is another one now: where it goes, or what it authenticates with. */
  restarted: string[];
  /** Something else changed, which takes effect without a new connection. */
  updated: string[];
  unchanged: string[];
  /** Changed keys, as `logging.level`, that take effect only after a restart of the gateway. */
  ignored: string[];
}

/** A change of one of these needs a new connection to the server; a change of a token does, too. */
const connectionKeys = [
  'url',
  'protocol',
  'auth',
  'headers',
  'tls_skip_verify',
] as const satisfies readonly (keyof ServerConfig)[];

/** What has to be done to get from one configuration to the other. The order of the servers does not count. */
export function diffConfig(before: LoadedConfig, after: LoadedConfig): ConfigDiff {
  const diff: ConfigDiff = { added: [], removed: [], restarted: [], updated: [], unchanged: [], ignored: [] };
  const old = new Map(before.config.servers.map((server) => [server.name, server]));
  for (const server of after.config.servers) {
    const previous = old.get(server.name);
    old.delete(server.name);
    if (!previous) diff.added.push(server.name);
    else if (isOtherConnection(previous, server, before, after)) diff.restarted.push(server.name);
    else if (!isDeepStrictEqual(previous, server)) diff.updated.push(server.name);
    else diff.unchanged.push(server.name);
  }
  diff.removed.push(...old.keys());
  diff.ignored.push(...changedKeys(needRestart(before), needRestart(after)));
  return diff;
}

function isOtherConnection(
  a: ServerConfig,
  b: ServerConfig,
  before: LoadedConfig,
  after: LoadedConfig,
): boolean {
  if (before.upstreamTokens.get(a.name) !== after.upstreamTokens.get(b.name)) return true;
  return connectionKeys.some((key) => !isDeepStrictEqual(a[key], b[key]));
}

function needRestart({ config }: LoadedConfig): Record<string, unknown> {
  const { host, port, state_dir, logging, mcp } = config;
  return {
    host,
    port,
    state_dir,
    ...withPrefix('logging', logging),
    ...withPrefix('mcp.session', mcp.session),
  };
}

function withPrefix(prefix: string, values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}.${key}`, value]));
}

function changedKeys(before: Record<string, unknown>, after: Record<string, unknown>): string[] {
  return Object.keys(after).filter((key) => before[key] !== after[key]);
}
