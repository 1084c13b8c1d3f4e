import type { Logger } from '../observability/log.ts';
import { allKinds, forEachKind, type Kind, kinds } from '../protocol/kinds.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { Catalog, Offer } from './catalog.ts';
import { refusedNames } from './names.ts';

/** Holds the current catalog of each kind and replaces it when the upstreams or their items change. */
export class Registry {
  readonly #logger: Logger;
  readonly #onChange: (kind: Kind) => void;
  readonly #catalogs: Record<Kind, Catalog>;
  /** The names of the upstreams whose item names were logged as unusable for some clients. */
  readonly #warned = new Set<string>();

  /** @param onChange called when the merged list of a kind has changed */
  constructor(logger: Logger, onChange: (kind: Kind) => void) {
    this.#logger = logger;
    this.#onChange = onChange;
    this.#catalogs = forEachKind((kind) => new Catalog(kind, []));
  }

  /** The current catalog of a kind. */
  catalog(kind: Kind): Catalog {
    return this.#catalogs[kind];
  }

  /** Sets the upstreams, in the order of the configuration. */
  setUpstreams(upstreams: readonly Upstream[]): void {
    for (const kind of allKinds) {
      const offers = new Map(this.#catalogs[kind].offers.map((offer) => [offer.upstream, offer]));
      this.#replace(
        kind,
        upstreams.map((upstream) => offers.get(upstream) ?? new Offer(kind, upstream)),
      );
    }
  }

  /** Reads the items of an upstream again. An upstream that a reload has removed is ignored. */
  update(upstream: Upstream): void {
    for (const kind of allKinds) {
      const { offers } = this.#catalogs[kind];
      const index = offers.findIndex((offer) => offer.upstream === upstream);
      if (index < 0) return;
      const offer = new Offer(kind, upstream);
      if (kinds[kind].isQualified) this.#warnOfNames(kind, offer);
      if (offer.listText !== offers[index]?.listText) this.#replace(kind, offers.with(index, offer));
    }
  }

  #replace(kind: Kind, offers: readonly Offer[]): void {
    const before = this.#catalogs[kind];
    const after = new Catalog(kind, offers);
    this.#catalogs[kind] = after;
    if (!after.hasSameList(before)) this.#onChange(kind);
  }

  /** Logs names that common clients refuse, once per upstream. */
  #warnOfNames(kind: Kind, { upstream, entries }: Offer): void {
    if (this.#warned.has(upstream.name)) return;
    for (const { why, ...refused } of refusedNames(entries.map(({ name }) => name))) {
      this.#warned.add(upstream.name);
      this.#logger.warn(`a ${kinds[kind].noun}'s name ${why}`, { server: upstream.name, ...refused });
    }
  }
}
