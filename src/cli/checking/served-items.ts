import type { ServerConfig } from '../../config/schema.ts';
import { allKinds, type Kind, kinds } from '../../protocol/kinds.ts';
import { Exposure, exposureConfigOf } from '../../registry/exposure.ts';
import { refusedNames } from '../../registry/names.ts';
import type { Items } from '../../upstream/items/item-list.ts';

/** What clients of the whole gateway see of a server: the names of its items, by their kinds. */
export type ServedNames = Readonly<Record<Kind, readonly string[]>>;

/** A warning about the items of a server, or about the settings of a server or a profile that are for items. */
export interface ItemWarning {
  /** The name of the server or profile. */
  readonly subject: string;
  readonly text: string;
}

/** A warning about items that do not reach clients as they are. */
export interface FixableWarning extends ItemWarning {
  /** How the user can fix it. */
  readonly fix: string;
}

/** Names are changed in the settings. */
const renaming = 'shorten or change them with "tools.prefix" or "tools.rename" of the server';
/** URIs cannot be changed. */
const hiding = 'hide them with "resources.deny" of one of the servers, or use /mcp/NAME of this one';

/** A server with what clients see of it; null: it is not reachable. */
interface ServedBy {
  readonly name: string;
  readonly served: ServedNames | null;
}

export function servedNames(server: ServerConfig, items: Items): ServedNames {
  const exposure = new Exposure(exposureConfigOf(server));
  const shown = allKinds.map((kind) => [
    kind,
    items[kind].flatMap(({ name }) => exposure.nameOf(kind, name) ?? []),
  ]);
  return Object.fromEntries(shown) as ServedNames;
}

/** The number of items of each kind that the server has, and how many of these clients see. Only tools may be none. */
export function countRows(items: Items, served: ServedNames): Record<string, string | number> {
  const rows: Record<string, string | number> = {};
  for (const kind of allKinds) {
    const all = items[kind].length;
    const shown = served[kind].length;
    if (all > 0 || kind === 'tools') rows[rowTitles[kind]] = shown === all ? all : `${shown} of ${all}`;
  }
  return rows;
}

const rowTitles: Readonly<Record<Kind, string>> = {
  tools: 'tools',
  prompts: 'prompts',
  resources: 'resources',
  resourceTemplates: 'templates',
};

/** Warnings about names that common clients refuse. @param quote makes words of a server fit to be shown */
export function nameWarnings(
  subject: string,
  served: ServedNames,
  quote: (text: string) => string,
): FixableWarning[] {
  return allKinds
    .filter((kind) => kinds[kind].isQualified)
    .flatMap((kind) =>
      refusedNames(served[kind]).map(({ why, count, example }) => {
        const which = count === 1 ? `1 ${kinds[kind].noun}` : `each of ${count} ${kinds[kind].nouns}`;
        return { subject, text: `the name of ${which} ${why}, for example ${quote(example)}`, fix: renaming };
      }),
    );
}

/** A warning about what a server lists, part of which cannot be used. @param fault shown as it is */
export function faultWarning(subject: string, kind: Kind, fault: string): FixableWarning {
  const text = `part of the ${kinds[kind].noun} list cannot be used: ${fault}`;
  return { subject, text, fix: 'report it to the authors of the server; everything else in the list works' };
}

/** Warnings about items that are left out, because a server that comes first in the file has others of the same names. */
export function duplicateWarnings(
  servers: readonly ServedBy[],
  quote: (text: string) => string,
): FixableWarning[] {
  return allKinds.flatMap((kind) => {
    const owners = new Map<string, string>();
    return servers.flatMap(({ name: subject, served }) => {
      const hidden = new Map<string, string[]>();
      for (const name of served?.[kind] ?? []) {
        const owner = owners.get(name);
        if (owner === undefined) owners.set(name, subject);
        else hidden.set(owner, [...(hidden.get(owner) ?? []), name]);
      }
      return [...hidden].map(([owner, [example = '', ...others]]) => {
        const { noun, nouns, isQualified } = kinds[kind];
        const same = isQualified ? 'name' : 'URI';
        const text =
          others.length === 0
            ? `1 ${noun} is left out, because ${owner} has another of the same ${same}`
            : `${others.length + 1} ${nouns} are left out, because ${owner} has others of the same ${same}s`;
        const fix = isQualified ? renaming : hiding;
        return { subject, text: `${text}, for example ${quote(example)}`, fix };
      });
    });
  });
}
