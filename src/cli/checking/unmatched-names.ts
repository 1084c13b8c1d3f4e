import type { Config, ServerConfig } from '../../config/schema.ts';
import { didYouMean } from '../../config/suggest.ts';

/** A server that was connected to, and the names of all its tools and prompts, its own and those that clients know. */
export interface NamedItems {
  readonly server: ServerConfig;
  /** Empty if its list is unknown or incomplete. */
  readonly tools: readonly string[];
  readonly prompts: readonly string[];
  readonly servedTools: readonly string[];
}

/**
 * Names in the settings that no tool or prompt has, probably because they are misspelt: a tool that should be hidden is not then.
 * Patterns with `*` may be meant for tools to come. Each begins with its server or profile.
 * @param servers those that are reachable
 */
export function unmatchedNames({ servers, profiles }: Config, named: readonly NamedItems[]): string[] {
  const ofServers = named.flatMap(({ server: { name, tools, prompts }, ...found }) => [
    ...unmatched(`${name}: tools.rename`, Object.keys(tools.rename), found.tools, 'tool'),
    ...unmatched(`${name}: tools.allow`, tools.allow, found.tools, 'tool'),
    ...unmatched(`${name}: tools.deny`, tools.deny, found.tools, 'tool'),
    ...unmatched(`${name}: prompts.allow`, prompts.allow, found.prompts, 'prompt'),
    ...unmatched(`${name}: prompts.deny`, prompts.deny, found.prompts, 'prompt'),
  ]);
  const ofProfiles = profiles.flatMap(({ name, servers: own, tools }) => {
    const all = servers.filter((server) => own.includes(server.name));
    const lists = all.map((server) => named.find((one) => one.server === server)?.servedTools ?? []);
    const served = lists.some((list) => list.length === 0) ? [] : lists.flat();
    return [
      ...unmatched(`${name}: tools.allow`, tools.allow, served, 'tool'),
      ...unmatched(`${name}: tools.deny`, tools.deny, served, 'tool'),
    ];
  });
  return [...ofServers, ...ofProfiles];
}

function unmatched(key: string, names: readonly string[], found: readonly string[], noun: string): string[] {
  if (found.length === 0) return [];
  return names
    .filter((name) => !name.includes('*') && !found.includes(name))
    .map((name) => `${key} names "${name}", but no ${noun} has this name${didYouMean(name, found)}`);
}
