import type { Catalog } from './catalog.ts';

/** Items that are left out of a catalog because those of another upstream have their names. */
interface Duplicates {
  readonly server: string;
  readonly hiddenBy: string;
  readonly names: readonly string[];
}

/** What a catalog leaves out, by the two upstreams that have it. */
export function duplicatesOf(catalog: Catalog): Duplicates[] {
  const found = new Map<string, { server: string; hiddenBy: string; names: string[] }>();
  for (const { name, upstream } of catalog.duplicates) {
    const hiddenBy = catalog.find(name)?.upstream.name ?? '';
    const key = `${upstream.name} ${hiddenBy}`;
    const pair = found.get(key) ?? { server: upstream.name, hiddenBy, names: [] };
    pair.names.push(name);
    found.set(key, pair);
  }
  return [...found.values()];
}
