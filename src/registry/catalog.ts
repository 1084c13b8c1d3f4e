import type { MemberEdit } from '../json/object.ts';
import type { ToolMetrics } from '../observability/upstream-metrics.ts';
import { type Kind, kinds } from '../protocol/kinds.ts';
import { type Era, eras } from '../protocol/versions.ts';
import { SharedBytes } from '../runtime/owned-bytes.ts';
import type { Item } from '../upstream/items/item-list.ts';
import { type ParamHeader, paramHeadersOf } from '../upstream/modern/param-headers.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Exposure } from './exposure.ts';
import type { NameFilter } from './name-filter.ts';

/** An item with everything that a request for it needs, in one lookup (docs/performance.md#tool-route). */
export class CatalogEntry {
  /** The name by which clients know the item. */
  readonly name: string;
  readonly upstream: Upstream;
  readonly item: Item;
  /** The member of the params that names the item to its upstream. */
  readonly target: MemberEdit;
  #metrics: ToolMetrics | null = null;
  /** Searched on first use. */
  #paramHeaders: readonly ParamHeader[] | null = null;

  constructor(kind: Kind, upstream: Upstream, item: Item, name: string) {
    this.name = name;
    this.upstream = upstream;
    this.item = item;
    this.target = { name: kinds[kind].nameKey, value: item.nameText };
  }

  /** Looked up on first use: tools that nobody calls have no series. */
  get metrics(): ToolMetrics {
    this.#metrics ??= this.upstream.metrics.tool(this.item.name);
    return this.#metrics;
  }

  /** For a tool, the arguments that headers repeat. One with invalid annotations has none: clients of its upstream's era may use it. */
  get paramHeaders(): readonly ParamHeader[] {
    this.#paramHeaders ??= validParamHeaders(this.item);
    return this.#paramHeaders;
  }

  /** The JSON text of the item in lists for clients of an era. */
  textFor(era: Era): string {
    const { name, item } = this;
    const [before, after] = (era !== item.era && item.adapted) || [item.before, item.after];
    return before + (name === item.name ? item.nameText : JSON.stringify(name)) + after;
  }
}

const noParamHeaders: readonly ParamHeader[] = [];

function validParamHeaders({ before, nameText, after }: Item): readonly ParamHeader[] {
  try {
    const found = paramHeadersOf(before + nameText + after);
    return found.length === 0 ? noParamHeaders : found;
  } catch {
    return noParamHeaders;
  }
}

/** The items of one kind that one upstream offered at some time. */
export class Offer {
  readonly upstream: Upstream;
  readonly entries: readonly CatalogEntry[];
  /** For clients of each era the JSON texts of the entries, separated by commas. */
  readonly listTexts: Readonly<Record<Era, string>>;

  constructor(upstream: Upstream, entries: readonly CatalogEntry[]) {
    this.upstream = upstream;
    this.entries = entries;
    const legacy = listText(entries, 'legacy');
    const isSame = entries.every(({ item }) => item.adapted === null);
    this.listTexts = { legacy, modern: isSame ? legacy : listText(entries, 'modern') };
  }

  /** The present items of an upstream that clients may see, under the names by which they know them. */
  static of(kind: Kind, upstream: Upstream, exposure: Exposure, items = upstream.items(kind)): Offer {
    const entries = items.flatMap((item) => {
      const name = exposure.nameOf(kind, item.name);
      return name === null ? [] : [new CatalogEntry(kind, upstream, item, name)];
    });
    return new Offer(upstream, entries);
  }

  /** The same items under the names that another exposure gives them. */
  renamed(kind: Kind, exposure: Exposure): Offer {
    const items = this.entries.map(({ item }) => item);
    return Offer.of(kind, this.upstream, exposure, items);
  }

  /** The part that a filter of the names that clients know allows. */
  narrowed(filter: NameFilter): Offer {
    return new Offer(
      this.upstream,
      this.entries.filter(({ name }) => filter.allows(name)),
    );
  }

  hasSameList(other: Offer): boolean {
    return eras.every((era) => this.listTexts[era] === other.listTexts[era]);
  }
}

/**
 * The items of one kind that all upstreams offered at some time. It never changes. Of several items under one name, all but
 * the first are left out.
 */
export class Catalog {
  readonly offers: readonly Offer[];
  readonly #kind: Kind;
  /** Made on first use, like the lists, so that a burst of changes costs one merge. */
  #entries: ReadonlyMap<string, CatalogEntry> | null = null;
  #duplicates: readonly CatalogEntry[] = [];
  readonly #lists: Partial<Record<Era, SharedBytes>> = {};
  /** The item that was found last: a request may look it up more than once (docs/performance.md#found-last). */
  #last: CatalogEntry | undefined;

  /** @param offers in the order of the list */
  constructor(kind: Kind, offers: readonly Offer[]) {
    this.#kind = kind;
    this.offers = offers;
  }

  /** The item with a name, as clients know it. */
  find(name: string): CatalogEntry | undefined {
    if (this.#last?.name === name) return this.#last;
    const found = (this.#entries ?? this.#merge()).get(name);
    if (found !== undefined) this.#last = found;
    return found;
  }

  /** The items that are left out. */
  get duplicates(): readonly CatalogEntry[] {
    if (this.#entries === null) this.#merge();
    return this.#duplicates;
  }

  /** The JSON of the list result, in UTF-8, serialized once (docs/performance.md#list-bytes). */
  list(era: Era): SharedBytes {
    return this.#lists[era] ?? this.#serialize(era);
  }

  /** The catalog with another offer in the place of one. */
  with(index: number, offer: Offer): Catalog {
    return new Catalog(this.#kind, this.offers.with(index, offer));
  }

  /**
   * Whether clients see no difference between this catalog and {@link with}. Duplicates are considered only if they are
   * known already.
   */
  isSameWith(index: number, offer: Offer): boolean {
    const present = this.offers[index]!;
    if (present.hasSameList(offer)) return true;
    if (this.#duplicates.length === 0) return false;
    const others = new Map(
      this.offers.slice(0, index).flatMap(({ entries }) => entries.map((entry) => [entry.name, entry])),
    );
    const visible = ({ entries }: Offer) => entries.filter(({ name }) => !others.has(name));
    return new Offer(offer.upstream, visible(present)).hasSameList(new Offer(offer.upstream, visible(offer)));
  }

  /** Whether two catalogs have the same lists. Duplicates count. */
  hasSameList(other: Catalog): boolean {
    return eras.every((era) => {
      const texts = textsOf(this.offers, era);
      const others = textsOf(other.offers, era);
      return texts.length === others.length && texts.every((text, index) => text === others[index]);
    });
  }

  #merge(): ReadonlyMap<string, CatalogEntry> {
    const entries = new Map<string, CatalogEntry>();
    const duplicates: CatalogEntry[] = [];
    for (const offer of this.offers)
      for (const entry of offer.entries)
        if (entries.has(entry.name)) duplicates.push(entry);
        else entries.set(entry.name, entry);
    this.#entries = entries;
    this.#duplicates = duplicates;
    return entries;
  }

  #serialize(era: Era): SharedBytes {
    const { itemsKey } = kinds[this.#kind];
    const isComplete = this.duplicates.length === 0;
    const text = isComplete
      ? textsOf(this.offers, era).join(',')
      : listText([...(this.#entries as ReadonlyMap<string, CatalogEntry>).values()], era);
    const list = new SharedBytes(Buffer.from(`{"${itemsKey}":[${text}]}`));
    this.#lists[era] = list;
    // Nearly all lists are the same for clients of both eras.
    if (isComplete && this.offers.every(({ listTexts }) => listTexts.legacy === listTexts.modern))
      for (const other of eras) this.#lists[other] ??= list;
    return list;
  }
}

function listText(entries: readonly CatalogEntry[], era: Era): string {
  return entries.map((entry) => entry.textFor(era)).join(',');
}

function textsOf(offers: readonly Offer[], era: Era): string[] {
  return offers.map(({ listTexts }) => listTexts[era]).filter((text) => text !== '');
}
