import { GatewayError } from '../errors.ts';
import type { Exchange } from '../protocol/exchange.ts';
import { type Kind, kinds } from '../protocol/kinds.ts';
import type { CatalogEntry } from '../registry/catalog.ts';
import { splitQualified } from '../registry/names.ts';
import type { Registry } from '../registry/registry.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { quoted } from './request-params.ts';

export interface OwnersParts {
  readonly registry: Registry;
  readonly upstream: (name: string) => Upstream | undefined;
}

/** Finds the upstream that a client's request is for, in the client's view. */
export class Owners {
  readonly #parts: OwnersParts;

  constructor(parts: OwnersParts) {
    this.#parts = parts;
  }

  /** The upstreams of a view, in the order of the configuration. */
  upstreamsOf(_view: string): readonly Upstream[] {
    return this.#parts.registry.catalog('tools').offers.map(({ upstream }) => upstream);
  }

  /** The item that clients of the view know by `name`. */
  item(_view: string, kind: Kind, name: string): CatalogEntry | undefined {
    return this.#parts.registry.catalog(kind).find(name);
  }

  /** The upstream that owns an item that is not listed, by its name. */
  ofName(_view: string, qualified: string): Upstream | undefined {
    const parts = splitQualified(qualified);
    return parts ? this.#parts.upstream(parts.server) : undefined;
  }

  /** The upstream that owns a resource. */
  ofUri(view: string, uri: string): Upstream | undefined {
    return this.item(view, 'resources', uri)?.upstream;
  }

  /** The upstream that owns the resource template with this text. */
  ofTemplate(view: string, text: string): Upstream | undefined {
    return this.item(view, 'resourceTemplates', text)?.upstream;
  }

  /** Remembers that an upstream has handed out a URI in a result. */
  remember(_view: string, _uri: string, _upstream: Upstream): void {}

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
    const upstream = this.ofName(view, name);
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

function unknownItem(kind: Kind, name: string): GatewayError {
  return new GatewayError('invalid_params', `Unknown ${kinds[kind].noun}: ${quoted(name)}`);
}
