import { GatewayError } from '../errors.ts';
import type { Caller } from '../protocol/caller.ts';
import type { Exchange } from '../protocol/exchange.ts';
import { allKinds, type Kind, kinds } from '../protocol/kinds.ts';
import type { CatalogEntry } from '../registry/catalog.ts';
import type { Registry } from '../registry/registry.ts';
import { RememberedLinks } from '../registry/remembered-links.ts';
import type { Signal } from '../runtime/abort.ts';
import type { SharedBytes } from '../runtime/owned-bytes.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { quoted } from './request-params.ts';

/** Longer URIs are of no skill. */
const maxSkillUriChars = 2_048;

export interface OwnersParts {
  readonly registry: Registry;
}

/** Finds the upstream that a client's request is for, in the client's view. Without that view, which a reload may remove, there is none. */
export class Owners {
  readonly #parts: OwnersParts;
  /** Which upstream has a skill, by the directory of the skill. */
  readonly #skills = new RememberedLinks();
  #hasSkills = false;

  constructor(parts: OwnersParts) {
    this.#parts = parts;
  }

  /** The upstreams of a view, in the order of the configuration. */
  upstreamsOf(view: string): readonly Upstream[] {
    return this.#parts.registry.view(view)?.upstreams ?? [];
  }

  /** Whether a view hides from its clients what a message to one of its upstreams names. */
  hides(view: string, upstream: Upstream, name: string | undefined, uri: string | undefined): boolean {
    return this.#parts.registry.view(view)?.hides(upstream, name, uri) ?? true;
  }

  /** Whether a view hides a resource of one of its upstreams from its clients. */
  hidesResource(view: string, upstream: Upstream, uri: string): boolean {
    return this.hides(view, upstream, undefined, uri) && this.ofUri(view, uri) !== upstream;
  }

  /** The list of a kind for a client. Throws `invalid_params` if its view is gone. */
  list({ view, era }: Caller, kind: Kind): SharedBytes {
    const found = this.#parts.registry.view(view);
    if (found) return found.catalog(kind).list(era);
    throw new GatewayError('invalid_params', `"${view}" is no longer in the configuration`);
  }

  /** The item that clients of the view know by `name`. */
  item(view: string, kind: Kind, name: string): CatalogEntry | undefined {
    return this.#parts.registry.view(view)?.catalog(kind).find(name);
  }

  /** The upstream that owns an item that is not listed, by its name. */
  ofName(view: string, kind: Kind, name: string): Upstream | undefined {
    return this.#parts.registry.view(view)?.upstreamOf(kind, name);
  }

  /** The upstream that owns a resource. The files of a skill belong to whoever lists the skill: templates of skills are all alike. */
  ofUri(view: string, uri: string): Upstream | undefined {
    const found = this.#parts.registry.view(view);
    const skillOwner = this.#ofSkillFile(view, uri);
    // As a link, which the filters of the view apply to.
    if (skillOwner) found?.remember(uri, skillOwner);
    return found?.ownerOf(uri);
  }

  /** Remembers that an upstream lists a skill. @param uri of its main file */
  rememberSkill(uri: string, upstream: Upstream): void {
    this.#skills.add(directoryOf(uri), upstream);
    this.#hasSkills = true;
  }

  #ofSkillFile(view: string, uri: string): Upstream | undefined {
    if (!this.#hasSkills || uri.length > maxSkillUriChars) return undefined;
    for (let path = uri; path !== ''; path = directoryOf(path)) {
      const name = this.#skills.get(path);
      if (name !== undefined) return this.upstreamsOf(view).find((upstream) => upstream.name === name);
    }
    return undefined;
  }

  /**
   * Waits for the upstreams of a view that are being connected for the first time: they may own what no other one does. One whose
   * first attempt has failed is not waited for, because it would delay every request for what nobody has. Never rejects.
   */
  async allStarted(view: string, signal: Signal): Promise<void> {
    const starting = this.upstreamsOf(view).filter((upstream) => upstream.isStarting);
    await Promise.allSettled(starting.map((upstream) => upstream.ready(signal)));
  }

  /**
   * Waits for the upstreams of a view that have never been connected, also for those that are down, whose items are not known yet:
   * a filter may hide one of them. Never rejects.
   */
  async allKnown(view: string, signal: Signal): Promise<void> {
    const unknown = this.upstreamsOf(view).filter(isUnknown);
    await Promise.allSettled(unknown.map((upstream) => upstream.ready(signal)));
  }

  /** Whether {@link allKnown} waits for any. */
  mayBeMore(view: string): boolean {
    return this.upstreamsOf(view).some(isUnknown);
  }

  /** The upstream that owns the resource template with this text. */
  ofTemplate(view: string, text: string): Upstream | undefined {
    return this.#parts.registry.view(view)?.templateOwner(text);
  }

  /** Remembers that an upstream has handed out a URI in a result. */
  remember(view: string, uri: string, upstream: Upstream): void {
    this.#parts.registry.view(view)?.remember(uri, upstream);
  }

  /**
   * Finds an item, and waits for the upstream that its name refers to if that is down: its items may not be known yet.
   * @param found called with the item, at once if it is listed
   * @param failed called with the reason why the upstream is down
   * Throws `invalid_params`, or ends the exchange with it, if the upstream is unknown, or is up without such an item.
   */
  withItem(
    exchange: Exchange,
    kind: Kind,
    name: string,
    found: (entry: CatalogEntry) => void,
    failed: (upstream: Upstream, error: unknown) => void,
  ): void {
    const { view } = exchange.caller;
    const listed = this.item(view, kind, name);
    if (listed) {
      found(listed);
      return;
    }
    const upstream = this.ofName(view, kind, name);
    if (!upstream || upstream.isConnected) throw unknownItem(kind, name);
    upstream
      .ready(exchange.signal)
      .then(
        () => {
          const entry = this.item(view, kind, name);
          if (!entry) throw unknownItem(kind, name);
          found(entry);
        },
        (error) => failed(upstream, error),
      )
      .catch((error: unknown) => exchange.fail(error));
  }
}

function isUnknown(upstream: Upstream): boolean {
  return !upstream.isConnected && allKinds.every((kind) => upstream.items(kind).length === 0);
}

/** The URI up to its last slash, without it; empty if there is none. */
function directoryOf(uri: string): string {
  return uri.slice(0, Math.max(0, uri.lastIndexOf('/')));
}

function unknownItem(kind: Kind, name: string): GatewayError {
  return new GatewayError('invalid_params', `Unknown ${kinds[kind].noun}: ${quoted(name)}`);
}
