import { isDeepStrictEqual } from 'node:util';
import { stateKeyVariable } from '../state/key.ts';
import type { ChangeEffect } from './fields.ts';
import type { LoadedConfig } from './load.ts';
import { allKeys } from './reference.ts';
import { valueAt } from './values.ts';

/** The changes from one configuration to another. The first five lists hold server names; each server is in exactly one. */
export interface ConfigDiff {
  added: string[];
  removed: string[];
  /** Servers to which the gateway connects again: a `reconnect` key or the token changed. */
  restarted: string[];
  /** Servers with other changed keys, which take effect without a new connection. */
  updated: string[];
  unchanged: string[];
  /** Changed keys and variables, such as `logging.level`, that take effect only after a restart of the gateway. */
  ignored: string[];
}

/** The number of servers in each list of a diff, and the ignored keys themselves. */
export type DiffSummary = Record<Exclude<keyof ConfigDiff, 'ignored'>, number> & Pick<ConfigDiff, 'ignored'>;

/** Compares two configurations. The order of the servers does not count. */
export function diffConfig(before: LoadedConfig, after: LoadedConfig): ConfigDiff {
  const diff: ConfigDiff = { added: [], removed: [], restarted: [], updated: [], unchanged: [], ignored: [] };
  const old = new Map(before.config.servers.map((server) => [server.name, server]));
  const reconnectKeys = keysOf('servers[].', 'reconnect');
  for (const server of after.config.servers) {
    const { name } = server;
    const previous = old.get(name);
    old.delete(name);
    if (!previous) diff.added.push(name);
    else if (
      before.upstreamTokens.get(name) !== after.upstreamTokens.get(name) ||
      changedKeys(reconnectKeys, previous, server).length > 0
    )
      diff.restarted.push(name);
    else if (!isDeepStrictEqual(previous, server)) diff.updated.push(name);
    else diff.unchanged.push(name);
  }
  diff.removed.push(...old.keys());
  diff.ignored.push(...changedKeys(keysOf('', 'restart'), before.config, after.config));
  if (!isDeepStrictEqual(before.stateKey, after.stateKey)) diff.ignored.push(stateKeyVariable);
  return diff;
}

export function summaryOf(diff: ConfigDiff): DiffSummary {
  const { added, removed, restarted, updated, unchanged, ignored } = diff;
  return {
    added: added.length,
    removed: removed.length,
    restarted: restarted.length,
    updated: updated.length,
    unchanged: unchanged.length,
    ignored,
  };
}

/** The configuration that a reload applies: `read`, with what needs a restart as it is in `running`. */
export function withRunningSettings(read: LoadedConfig, running: LoadedConfig): LoadedConfig {
  const config = structuredClone(read.config);
  for (const key of keysOf('', 'restart')) {
    const path = key.split('.');
    const section = valueAt(config, path.slice(0, -1)) as Record<string, unknown>;
    section[path.at(-1)!] = valueAt(running.config, path);
  }
  return { ...read, config, stateKey: running.stateKey };
}

/** The keys below `prefix` with this effect, without the prefix. */
function keysOf(prefix: string, effect: ChangeEffect): string[] {
  const keys = allKeys().filter(({ key, schema }) => schema.onChange === effect && key.startsWith(prefix));
  return keys.map(({ key }) => key.slice(prefix.length));
}

function changedKeys(keys: readonly string[], before: unknown, after: unknown): string[] {
  return keys.filter((key) => {
    const path = key.split('.');
    return !isDeepStrictEqual(valueAt(before, path), valueAt(after, path));
  });
}
