import { GatewayError } from '../errors.ts';
import { unknownTool } from '../observability/upstream-metrics.ts';
import type { Answer, Exchange } from '../protocol/exchange.ts';
import { type Kind, kinds } from '../protocol/kinds.ts';
import type { CatalogEntry } from '../registry/catalog.ts';
import { splitQualified } from '../registry/names.ts';
import type { Registry } from '../registry/registry.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { Dispatch, type DispatchParts } from './dispatch.ts';
import { methods, type OwnerMethod } from './methods.ts';
import { quoted, requiredString } from './request-params.ts';
import { ResourceRequests } from './resource-requests.ts';
import type { Subscriptions } from './subscriptions.ts';

interface RouterParts extends DispatchParts {
  readonly registry: Registry;
  readonly upstream: (name: string) => Upstream | undefined;
}

/** Answers requests as the table of methods says. */
export class Router {
  readonly #parts: RouterParts;
  readonly #resources: ResourceRequests;

  constructor(parts: RouterParts) {
    this.#parts = parts;
    this.#resources = new ResourceRequests(parts);
  }

  /** The clients' subscriptions to resources. */
  get subscriptions(): Subscriptions {
    return this.#resources.subscriptions;
  }

  /** Answers one request, at once if that needs no upstream. Throws a {@link GatewayError} instead of answering. */
  handle(exchange: Exchange): void {
    const method = methods.get(exchange.method);
    switch (method?.route) {
      case 'owner':
        this.#handleByOwner(exchange, method);
        break;
      case 'resource':
        this.#resources[method.does](exchange);
        break;
      case 'merged':
        exchange.answer(this.#mergedList(exchange, method.kind));
        break;
      case 'gateway':
        exchange.answer(method.answer);
        break;
      default:
        throw new GatewayError('method_not_found', `Method not found: ${quoted(exchange.method)}`);
    }
  }

  /** The name of the server that a request is for, or `unknown`. */
  serverOf({ method, params, caller }: Exchange): string {
    const row = methods.get(method);
    if (row?.route === 'resource')
      return this.#resources.ownerOf(caller.view, params?.string('uri') ?? '')?.name ?? 'unknown';
    if (row?.route !== 'owner') return 'unknown';
    const name = params?.string(kinds[row.kind].nameKey) ?? '';
    const entry = this.#parts.registry.catalog(row.kind).find(name);
    return entry?.upstream.name ?? splitQualified(name)?.server ?? 'unknown';
  }

  #mergedList({ method, params }: Exchange, kind: Kind): Answer {
    // The list has one page, so no cursor is valid. Some clients send an empty one for the first page.
    const cursor = params?.member('cursor');
    if (cursor !== undefined && cursor !== '""')
      throw new GatewayError('invalid_params', `${method}: unknown cursor; list again without one`);
    return { kind: 'result', payload: this.#parts.registry.catalog(kind).list() };
  }

  #handleByOwner(exchange: Exchange, method: OwnerMethod): void {
    const name = requiredString(exchange, kinds[method.kind].nameKey, method.objectKey);
    const entry = this.#parts.registry.catalog(method.kind).find(name);
    if (entry) this.#call(exchange, method.kind, entry);
    else this.#callUnlisted(exchange, method.kind, name);
  }

  #call(exchange: Exchange, kind: Kind, entry: CatalogEntry): void {
    const metrics = kind === 'tools' ? entry.metrics : null;
    const dispatch = new Dispatch(this.#parts, exchange, entry, metrics);
    entry.upstream.call(exchange, entry.target, entry.item.isRepeatable, dispatch);
  }

  /**
   * Waits for the upstream that the name refers to: the items of an upstream that is down may not be known yet. If it stays
   * down, the request fails for that reason. Throws `invalid_params` if the upstream is unknown, or is up without such an item.
   */
  #callUnlisted(exchange: Exchange, kind: Kind, qualified: string): void {
    const parts = splitQualified(qualified);
    const upstream = parts ? this.#parts.upstream(parts.server) : undefined;
    if (!parts || !upstream || upstream.isConnected) throw unknownItem(kind, qualified);
    upstream
      .ready(exchange.signal)
      .then(
        () => {
          const entry = this.#parts.registry.catalog(kind).find(qualified);
          if (!entry) throw unknownItem(kind, qualified);
          this.#call(exchange, kind, entry);
        },
        (error) => {
          const target = { upstream, item: { name: parts.name } };
          const metrics = kind === 'tools' ? upstream.metrics.tool(unknownTool) : null;
          new Dispatch(this.#parts, exchange, target, metrics).reject(error);
        },
      )
      .catch((error: unknown) => exchange.fail(error));
  }
}

function unknownItem(kind: Kind, qualified: string): GatewayError {
  return new GatewayError('invalid_params', `Unknown ${kinds[kind].noun}: ${quoted(qualified)}`);
}
