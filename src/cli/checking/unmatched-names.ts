import type { Config, ServerConfig } from '../../config/schema.ts';
import { didYouMean } from '../../config/suggest.ts';
import type { ItemWarning } from './served-items.ts';

/** A server that was reached, and the names that settings may refer to. A list is empty if it is unknown or incomplete. */
export interface ItemNames {
  readonly server: ServerConfig;
  /** As the server has them. */
  readonly tools: readonly string[];
  readonly prompts: readonly string[];
  /** The tools as clients of the whole gateway know them. */
  readonly servedTools: readonly string[];
}

/**
 * Warnings about names in the settings that no tool or prompt has. They are probably misspelt, and a misspelt `deny` hides nothing.
 * Patterns with `*` may be meant for tools to come.
 * @param reached a profile with any other server is left out: what that one has is unknown
 */
export function unmatchedNames(profiles: Config['profiles'], reached: readonly ItemNames[]): ItemWarning[] {
  const ofServers = reached.flatMap(({ server: { name, tools, prompts }, ...found }) => [
    ...unmatched(name, 'tools.rename', Object.keys(tools.rename), found.tools, 'tool'),
    ...unmatched(name, 'tools.allow', tools.allow, found.tools, 'tool'),
    ...unmatched(name, 'tools.deny', tools.deny, found.tools, 'tool'),
    ...unmatched(name, 'prompts.allow', prompts.allow, found.prompts, 'prompt'),
    ...unmatched(name, 'prompts.deny', prompts.deny, found.prompts, 'prompt'),
  ]);
  const ofProfiles = profiles.flatMap(({ name, servers, tools }) => {
    const lists = servers.map((own) => reached.find(({ server }) => server.name === own)?.servedTools ?? []);
    const served = lists.some((list) => list.length === 0) ? [] : lists.flat();
    return [
      ...unmatched(name, 'tools.allow', tools.allow, served, 'tool'),
      ...unmatched(name, 'tools.deny', tools.deny, served, 'tool'),
    ];
  });
  return [...ofServers, ...ofProfiles];
}

function unmatched(
  subject: string,
  key: string,
  names: readonly string[],
  found: readonly string[],
  noun: string,
): ItemWarning[] {
  if (found.length === 0) return [];
  return names
    .filter((name) => !name.includes('*') && !found.includes(name))
    .map((name) => ({
      subject,
      text: `${key} names "${name}", but no ${noun} has this name${didYouMean(name, found)}`,
    }));
}
