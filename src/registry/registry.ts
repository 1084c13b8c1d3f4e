import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../observability/log.ts';
import { allKinds, type Kind, kinds } from '../protocol/kinds.ts';
import { type Clock, deadlines } from '../runtime/deadlines.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { duplicatesOf } from './duplicates.ts';
import { Exposure, type ExposureConfig, exposureConfigOf } from './exposure.ts';
import { refusedNames } from './names.ts';
import { type Offering, offeringOf } from './offering.ts';
import { RememberedLinks } from './remembered-links.ts';
import { View } from './view.ts';
import { type ProfileConfig, profileScope, serverScope, type ViewScope, wholeScope } from './view-scope.ts';

/** Changes within this time, as at the start, are reviewed together. */
const reviewDelayMs = 1_000;

const qualifiedKinds = allKinds.filter((kind) => kinds[kind].isQualified);

/** Holds the views, and replaces their catalogs when the upstreams or their items change. */
export class Registry {
  readonly #logger: Logger;
  readonly #onChange: (kind: Kind, view: string) => void;
  readonly #links = new RememberedLinks();
  readonly #whole = new View('', this.#links);
  /** What each upstream offers to clients of the whole gateway, in the order of the configuration. */
  #offerings: readonly Offering[] = [];
  /** The settings by which the offerings were made. */
  readonly #configs = new WeakMap<Upstream, ExposureConfig>();
  /** What the named views show. */
  #scopes: ReadonlyMap<string, ViewScope> = new Map();
  /** The named views that clients have used. */
  readonly #views = new Map<string, View>();
  /** The names of the upstreams whose item names were logged as unusable for some clients. */
  readonly #warned = new Set<string>();
  /** The kinds and pairs of upstreams whose duplicates were logged. */
  readonly #warnedDuplicates = new Set<string>();
  readonly #clock: Clock;
  #cancelReview: (() => void) | null = null;

  /** @param onChange called when the list of a kind has changed in a view, which is named */
  constructor(logger: Logger, onChange: (kind: Kind, view: string) => void, clock: Clock = deadlines.clock) {
    this.#logger = logger;
    this.#onChange = onChange;
    this.#clock = clock;
  }

  /** The view of the whole gateway. */
  get whole(): View {
    return this.#whole;
  }

  /** The view of this name: a server or a profile; empty for the whole gateway. Undefined if there is none. */
  view(name: string): View | undefined {
    return name === '' ? this.#whole : (this.#views.get(name) ?? this.#newView(name));
  }

  /** Sets the upstreams, in the order of the configuration, and the profiles. Returns the names of the views that are gone. */
  configure(upstreams: readonly Upstream[], profiles: readonly ProfileConfig[]): string[] {
    const present = new Map(this.#offerings.map((offering) => [offering.upstream, offering]));
    this.#offerings = upstreams.map((upstream) => {
      const offering = present.get(upstream);
      return offering && isDeepStrictEqual(this.#configs.get(upstream), exposureConfigOf(upstream.config))
        ? offering
        : this.#newOffering(upstream);
    });
    this.#scopes = new Map([
      ...upstreams.map(({ name }) => [name, serverScope(name)] as const),
      ...profiles.map((profile) => [profile.name, profileScope(profile)] as const),
    ]);
    this.#report(this.#whole, this.#show(this.#whole, wholeScope));
    this.#scheduleReview();
    const gone: string[] = [];
    for (const [name, view] of this.#views) {
      const scope = this.#scopes.get(name);
      if (scope) this.#report(view, this.#show(view, scope));
      else if (this.#views.delete(name)) gone.push(name);
    }
    return gone;
  }

  /** Reads the items of an upstream again. An upstream that a reload has removed is ignored. */
  update(upstream: Upstream): void {
    const index = this.#offerings.findIndex((offering) => offering.upstream === upstream);
    const present = this.#offerings[index];
    if (present === undefined) return;
    const offering = offeringOf(upstream, present.exposure, present);
    this.#offerings = this.#offerings.with(index, offering);
    this.#warnOfNames(offering);
    this.#scheduleReview();
    this.#report(this.#whole, this.#whole.update(offering));
    for (const [name, view] of this.#views) {
      const scope = this.#scopes.get(name);
      if (scope?.includes(upstream)) this.#report(view, view.update(scope.offering(offering)));
    }
  }

  /** Ends what is scheduled. */
  close(): void {
    this.#cancelReview?.();
  }

  #newView(name: string): View | undefined {
    const scope = this.#scopes.get(name);
    if (scope === undefined) return undefined;
    const view = new View(name, this.#links);
    this.#views.set(name, view);
    this.#show(view, scope);
    return view;
  }

  /** Returns the kinds whose lists have changed. */
  #show(view: View, scope: ViewScope): Kind[] {
    const offerings = this.#offerings.filter(({ upstream }) => scope.includes(upstream));
    return view.show(
      offerings.map((offering) => scope.offering(offering)),
      scope.isServer,
    );
  }

  #report(view: View, changed: readonly Kind[]): void {
    for (const kind of changed) this.#onChange(kind, view.name);
  }

  #newOffering(upstream: Upstream): Offering {
    const config = exposureConfigOf(upstream.config);
    this.#configs.set(upstream, config);
    this.#warned.delete(upstream.name);
    const offering = offeringOf(upstream, new Exposure(config));
    this.#warnOfNames(offering);
    return offering;
  }

  /** Logs names that common clients refuse, once per upstream. */
  #warnOfNames({ upstream, offers }: Offering): void {
    if (this.#warned.has(upstream.name)) return;
    for (const kind of qualifiedKinds)
      for (const { why, count, example } of refusedNames(offers[kind].entries.map(({ name }) => name))) {
        this.#warned.add(upstream.name);
        this.#logger.warn(`a ${kinds[kind].noun}'s name ${why}`, {
          server: upstream.name,
          [kind]: count,
          example,
        });
      }
  }

  #scheduleReview(): void {
    this.#cancelReview ??= this.#clock.startTimer(() => {
      this.#cancelReview = null;
      for (const kind of allKinds) this.#warnOfDuplicates(kind);
    }, reviewDelayMs);
  }

  /** Logs items that others of the same name hide, once per pair of upstreams. */
  #warnOfDuplicates(kind: Kind): void {
    const catalog = this.#whole.catalog(kind);
    for (const { server, hiddenBy, names } of duplicatesOf(catalog)) {
      const key = `${kind} ${server} ${hiddenBy}`;
      if (this.#warnedDuplicates.has(key)) continue;
      this.#warnedDuplicates.add(key);
      const what = `${kinds[kind].nouns} are left out, because others that come first have the same ${kinds[kind].isQualified ? 'names' : 'URIs'}`;
      this.#logger.warn(what, { server, others: hiddenBy, [kind]: names.length, example: names[0] });
    }
  }
}
