import { forEachKind, type Kind, kinds } from '../protocol/kinds.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { Offer } from './catalog.ts';
import type { Exposure } from './exposure.ts';
import type { NameFilter } from './name-filter.ts';

/** What one upstream offered at some time, under the names that `exposure` gives it. */
export interface Offering {
  readonly upstream: Upstream;
  readonly exposure: Exposure;
  /** Narrows the tools further, by the names that clients know; null: it shows all. */
  readonly toolFilter: NameFilter | null;
  readonly offers: Readonly<Record<Kind, Offer>>;
}

/** What an upstream offers now. @param present what it offered before; equal lists stay the same objects */
export function offeringOf(upstream: Upstream, exposure: Exposure, present?: Offering): Offering {
  const offers = forEachKind((kind) => {
    const offer = Offer.of(kind, upstream, exposure);
    const before = present?.offers[kind];
    return before?.hasSameList(offer) ? before : offer;
  });
  return { upstream, exposure, toolFilter: null, offers };
}

/** The same under bare names. */
export function bareOffering(whole: Offering): Offering {
  const { upstream } = whole;
  const exposure = whole.exposure.bare;
  if (exposure === whole.exposure) return whole;
  const offers = forEachKind((kind) =>
    kinds[kind].isQualified ? whole.offers[kind].renamed(kind, exposure) : whole.offers[kind],
  );
  return { upstream, exposure, toolFilter: null, offers };
}

/** The part of which a filter allows the names that clients know. */
export function narrowedOffering(whole: Offering, toolFilter: NameFilter): Offering {
  if (toolFilter.isOpen) return whole;
  const tools = whole.offers.tools.narrowed(toolFilter);
  return { ...whole, toolFilter, offers: { ...whole.offers, tools } };
}
