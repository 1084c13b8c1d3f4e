import { allKinds, forEachKind, type Kind, kinds } from '../protocol/kinds.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { Catalog } from './catalog.ts';
import { mergedInstructions, ownInstructions } from './instructions.ts';
import type { Offering } from './offering.ts';
import type { RememberedLinks } from './remembered-links.ts';
import { ResourceOwners } from './resource-owners.ts';

/**
 * What one group of clients sees of the gateway: all of it, one server or one profile. Its catalogs are replaced when the
 * upstreams or their items change.
 */
export class View {
  /** Empty for all of the gateway. */
  readonly name: string;
  readonly #links: RememberedLinks;
  #offerings: readonly Offering[] = [];
  /** Whether it is one server alone. */
  #isServer = false;
  readonly #catalogs: Record<Kind, Catalog>;
  /** Null until it is needed. */
  #owners: ResourceOwners | null = null;

  constructor(name: string, links: RememberedLinks) {
    this.name = name;
    this.#links = links;
    this.#catalogs = forEachKind((kind) => new Catalog(kind, []));
  }

  /** The upstreams that the view shows, in the order of its lists. */
  get upstreams(): readonly Upstream[] {
    return this.#offerings.map(({ upstream }) => upstream);
  }

  /** The current catalog of a kind. */
  catalog(kind: Kind): Catalog {
    return this.#catalogs[kind];
  }

  /** The upstream that a resource belongs to, whether it is listed or not. */
  ownerOf(uri: string): Upstream | undefined {
    this.#owners ??= new ResourceOwners(this.#offerings, { ...this.#catalogs }, this.#links);
    return this.#owners.ownerOf(uri) ?? this.#soleOwner(uri);
  }

  /** The upstream that lists a resource template with this text. */
  templateOwner(text: string): Upstream | undefined {
    return this.catalog('resourceTemplates').find(text)?.upstream;
  }

  /** Remembers that an upstream has handed out a link to a resource, which it may not list. */
  remember(uri: string, upstream: Upstream): void {
    this.#links.add(uri, upstream);
  }

  /** The upstream that the name of an item refers to that is not listed; one that is not connected comes first. */
  upstreamOf(kind: Kind, name: string): Upstream | undefined {
    const found = this.#offerings
      .filter(({ exposure, toolFilter }) => {
        const isHidden = kind === 'tools' && toolFilter?.allows(name) === false;
        return !isHidden && exposure.mayShow(kind, name);
      })
      .map(({ upstream }) => upstream);
    return found.find(({ isConnected }) => !isConnected) ?? found[0];
  }

  /**
   * Whether what a message to an upstream names is hidden from clients.
   * @param name the upstream's own name of an item, or anything else
   * @param uri of a resource that no list and no template leads to
   */
  hides(upstream: Upstream, name: string | undefined, uri: string | undefined): boolean {
    const offering = this.#offerings.find((one) => one.upstream === upstream);
    if (offering === undefined) return true;
    if (uri !== undefined && !offering.exposure.allows('resources', uri)) return true;
    return (
      name !== undefined &&
      allKinds.some((kind) => kinds[kind].isQualified && leavesOut(offering, kind, name))
    );
  }

  /** The instructions of the upstreams for clients; empty if there are none. */
  instructions(): string {
    const [first] = this.#offerings;
    return this.#isServer && first ? ownInstructions(first.upstream) : mergedInstructions(this.upstreams);
  }

  /**
   * Sets what the view shows. Returns the kinds whose lists have changed. For the registry only.
   * @param isServer whether it is one server alone
   */
  show(offerings: readonly Offering[], isServer: boolean): Kind[] {
    this.#offerings = offerings;
    this.#isServer = isServer;
    this.#owners = null;
    return allKinds.filter((kind) => {
      const before = this.#catalogs[kind];
      const after = new Catalog(
        kind,
        offerings.map(({ offers }) => offers[kind]),
      );
      this.#catalogs[kind] = after;
      return !after.hasSameList(before);
    });
  }

  /** Sets what an upstream offers. Returns the kinds whose lists have changed. For the registry only. */
  update(offering: Offering): Kind[] {
    const index = this.#offerings.findIndex(({ upstream }) => upstream === offering.upstream);
    if (index < 0) return [];
    this.#offerings = this.#offerings.with(index, offering);
    return allKinds.filter((kind) => {
      const offer = offering.offers[kind];
      const catalog = this.#catalogs[kind];
      // With another item in it, even an equal list leads elsewhere.
      if (catalog.offers[index] === offer) return false;
      this.#catalogs[kind] = catalog.with(index, offer);
      this.#owners = null;
      return !catalog.isSameWith(index, offer);
    });
  }

  /** In the view of one server, only that server can know more resources than it says. */
  #soleOwner(uri: string): Upstream | undefined {
    const [first] = this.#offerings;
    return this.#isServer && first?.exposure.allows('resources', uri) ? first.upstream : undefined;
  }
}

/** Whether an upstream lists an item that its offering leaves out. */
function leavesOut({ upstream, offers }: Offering, kind: Kind, name: string): boolean {
  const has = (item: { readonly name: string }) => item.name === name;
  return upstream.items(kind).some(has) && !offers[kind].entries.some(({ item }) => has(item));
}
