import type { Kind } from '../protocol/kinds.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Catalog } from './catalog.ts';
import type { Exposure } from './exposure.ts';
import type { RememberedLinks } from './remembered-links.ts';
import { UriTemplate } from './uri-template.ts';

/** How long the search among templates may be, in steps of {@link UriTemplate.stepsFor}: some hundredths of a second. */
const maxSteps = 4_000_000;

/** An upstream, and what clients see of it. */
interface ExposedUpstream {
  readonly upstream: Upstream;
  readonly exposure: Exposure;
}

/** Finds the upstream that a resource belongs to, among the upstreams that offered these catalogs. It never changes. */
export class ResourceOwners {
  readonly #upstreams: readonly ExposedUpstream[];
  readonly #catalogs: Readonly<Record<Kind, Catalog>>;
  readonly #links: RememberedLinks;
  /** Made on first use. */
  #toolUris: ReadonlyMap<string, Upstream> | null = null;
  #templates: readonly { readonly template: UriTemplate; readonly source: ExposedUpstream }[] | null = null;

  constructor(
    upstreams: readonly ExposedUpstream[],
    catalogs: Readonly<Record<Kind, Catalog>>,
    links: RememberedLinks,
  ) {
    this.#upstreams = upstreams;
    this.#catalogs = catalogs;
    this.#links = links;
  }

  /**
   * The owner: whoever lists the resource, has a tool that names it, has handed it out, or has a template for it, in this
   * order. An upstream whose filters hide it does not count.
   */
  ownerOf(uri: string): Upstream | undefined {
    return (
      this.#catalogs.resources.find(uri)?.upstream ??
      this.#exposing(uri, this.#ownerByTool(uri)) ??
      this.#exposing(uri, this.#ownerByLink(uri)) ??
      this.#ownerByTemplate(uri)
    );
  }

  #exposing(uri: string, upstream: Upstream | undefined): Upstream | undefined {
    const exposed = this.#upstreams.find((one) => one.upstream === upstream);
    return exposed?.exposure.allows('resources', uri) ? upstream : undefined;
  }

  #ownerByTool(uri: string): Upstream | undefined {
    if (!uri.startsWith('ui://')) return undefined;
    this.#toolUris ??= new Map(
      // In reverse: the last one of a key stays, which is the first of the list.
      this.#catalogs.tools.offers
        .flatMap(({ upstream, entries }) => entries.map(({ item }) => [item.uiUri ?? '', upstream] as const))
        .toReversed(),
    );
    return this.#toolUris.get(uri);
  }

  #ownerByLink(uri: string): Upstream | undefined {
    const name = this.#links.get(uri);
    return name === undefined
      ? undefined
      : this.#upstreams.find((one) => one.upstream.name === name)?.upstream;
  }

  #ownerByTemplate(uri: string): Upstream | undefined {
    this.#templates ??= this.#catalogs.resourceTemplates.offers.flatMap(({ upstream, entries }) => {
      const source = this.#upstreams.find((one) => one.upstream === upstream) as ExposedUpstream;
      return entries.map(({ item }) => ({ template: new UriTemplate(item.name), source }));
    });
    let steps = 0;
    for (const { template, source } of this.#templates) {
      steps += template.stepsFor(uri);
      if (steps > maxSteps) return undefined;
      if (template.matches(uri) && !source.exposure.deniesUri(uri)) return source.upstream;
    }
    return undefined;
  }
}
