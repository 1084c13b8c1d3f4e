import type { MemberEdit } from '../json/object.ts';
import type { ToolMetrics } from '../observability/upstream-metrics.ts';
import { type Kind, kinds } from '../protocol/kinds.ts';
import { SharedBytes } from '../runtime/owned-bytes.ts';
import type { Item } from '../upstream/items/item-list.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { qualify } from './names.ts';

/** An item with everything that a request for it needs, in one lookup (docs/performance.md#tool-route). */
export class CatalogEntry {
  /** The qualified name, by which clients know the item. */
  readonly name: string;
  readonly upstream: Upstream;
  readonly item: Item;
  /** The member of the params that names the item to its upstream. */
  readonly target: MemberEdit;
  #metrics: ToolMetrics | null = null;

  constructor(kind: Kind, upstream: Upstream, item: Item) {
    this.name = kinds[kind].isQualified ? qualify(upstream.name, item.name) : item.name;
    this.upstream = upstream;
    this.item = item;
    this.target = { name: kinds[kind].nameKey, value: item.nameText };
  }

  /** Looked up on first use: tools that nobody calls have no series. */
  get metrics(): ToolMetrics {
    this.#metrics ??= this.upstream.metrics.tool(this.item.name);
    return this.#metrics;
  }
}

/** The items of one kind that one upstream offered at some time. */
export class Offer {
  readonly upstream: Upstream;
  readonly entries: readonly CatalogEntry[];
  /** The JSON texts of the entries, separated by commas. */
  readonly listText: string;

  constructor(kind: Kind, upstream: Upstream) {
    this.upstream = upstream;
    this.entries = upstream.items(kind).map((item) => new CatalogEntry(kind, upstream, item));
    const texts = this.entries.map(({ name, item }) => item.before + JSON.stringify(name) + item.after);
    this.listText = texts.join(',');
  }
}

/** The items of one kind that all upstreams offered at some time. It never changes. */
export class Catalog {
  readonly offers: readonly Offer[];
  readonly #kind: Kind;
  /** Made on first use, like the list, so that a burst of changes costs one merge. */
  #entries: ReadonlyMap<string, CatalogEntry> | null = null;
  #list: SharedBytes | null = null;

  /** @param offers in the order of the list */
  constructor(kind: Kind, offers: readonly Offer[]) {
    this.#kind = kind;
    this.offers = offers;
  }

  /** The item with a qualified name. */
  find(name: string): CatalogEntry | undefined {
    this.#entries ??= new Map(
      this.offers.flatMap(({ entries }) => entries.map((entry) => [entry.name, entry])),
    );
    return this.#entries.get(name);
  }

  /** The JSON of the list result, in UTF-8, serialized once (docs/performance.md#list-bytes). */
  list(): SharedBytes {
    const { itemsKey } = kinds[this.#kind];
    this.#list ??= new SharedBytes(Buffer.from(`{"${itemsKey}":[${this.#texts().join(',')}]}`));
    return this.#list;
  }

  /** Whether two catalogs have the same list. */
  hasSameList(other: Catalog): boolean {
    const texts = this.#texts();
    const others = other.#texts();
    return texts.length === others.length && texts.every((text, index) => text === others[index]);
  }

  #texts(): string[] {
    return this.offers.map(({ listText }) => listText).filter((text) => text !== '');
  }
}
