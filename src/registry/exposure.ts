import type { ServerConfig } from '../config/schema.ts';
import { type Kind, kinds } from '../protocol/kinds.ts';
import { NameFilter } from './name-filter.ts';
import { qualify } from './names.ts';

/** The settings of a server that decide what clients see of it. */
export interface ExposureConfig extends Pick<ServerConfig, 'name' | 'prompts' | 'resources'> {
  readonly tools: Omit<ServerConfig['tools'], 'ttl_seconds'>;
}

export function exposureConfigOf({ name, tools, prompts, resources }: ServerConfig): ExposureConfig {
  const { ttl_seconds: _, ...shown } = tools;
  return { name, tools: shown, prompts, resources };
}

/** What clients see of a server: which of its items, and under which names. */
export class Exposure {
  /** Stands before the names of tools and prompts, with a separator; null: their names are bare. */
  readonly prefix: string | null;
  readonly #config: ExposureConfig;
  readonly #filters: Readonly<Record<Kind, NameFilter>>;
  readonly #renamed: ReadonlyMap<string, string>;
  #bare: Exposure | null = null;

  /** @param isQualified whether names get the configured prefix */
  constructor(config: ExposureConfig, isQualified = true) {
    const { name, tools, prompts, resources } = config;
    const prefix = tools.prefix === true ? name : tools.prefix === false ? null : tools.prefix;
    const resourceFilter = new NameFilter(resources);
    this.prefix = isQualified ? prefix : null;
    this.#config = config;
    this.#renamed = new Map(Object.entries(tools.rename));
    this.#filters = {
      tools: new NameFilter(tools),
      prompts: new NameFilter(prompts),
      resources: resourceFilter,
      resourceTemplates: resourceFilter,
    };
  }

  /** The same under bare names. */
  get bare(): Exposure {
    if (this.prefix === null) return this;
    this.#bare ??= new Exposure(this.#config, false);
    return this.#bare;
  }

  /** The name by which clients know an item; null: it is hidden from them. @param name the upstream's own */
  nameOf(kind: Kind, name: string): string | null {
    if (!this.allows(kind, name)) return null;
    if (!kinds[kind].isQualified) return name;
    const shown = kind === 'tools' ? (this.#renamed.get(name) ?? name) : name;
    return this.prefix === null ? shown : qualify(this.prefix, shown);
  }

  /** Whether an item that clients know by the name `shown` may be one of the server's. */
  mayShow(kind: Kind, shown: string): boolean {
    const prefix = this.prefix === null ? '' : qualify(this.prefix, '');
    if (!shown.startsWith(prefix)) return false;
    const name = shown.slice(prefix.length);
    if (this.nameOf(kind, name) === shown) return true;
    if (kind !== 'tools') return false;
    return [...this.#renamed].some(([own, renamed]) => renamed === name && this.allows(kind, own));
  }

  /** Whether the filters show an item. @param name the upstream's own name, or a URI */
  allows(kind: Kind, name: string): boolean {
    return this.#filters[kind].allows(name);
  }

  /** Whether a URI is hidden even if a template that clients see leads to it. */
  deniesUri(uri: string): boolean {
    return this.#filters.resources.denies(uri);
  }
}
