import { GatewayError } from '../errors.ts';
import { unknownTool } from '../observability/upstream-metrics.ts';
import type { Answer, Exchange } from '../protocol/exchange.ts';
import { type Kind, kinds } from '../protocol/kinds.ts';
import { maxTokenChars } from '../protocol/messages.ts';
import type { CatalogEntry } from '../registry/catalog.ts';
import { splitQualified } from '../registry/names.ts';
import type { Registry } from '../registry/registry.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { methods, type OwnerMethod } from './methods.ts';
import { ToolDispatch, type ToolDispatchParts } from './tool-dispatch.ts';

/** Longer names are truncated in error messages. */
const maxQuotedChars = 200;

interface RouterParts extends ToolDispatchParts {
  readonly registry: Registry;
  readonly upstream: (name: string) => Upstream | undefined;
}

/** Answers requests as the table of methods says. */
export class Router {
  readonly #parts: RouterParts;

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  /** Answers one request, at once if that needs no upstream. Throws a {@link GatewayError} instead of answering. */
  handle(exchange: Exchange): void {
    const method = methods.get(exchange.method);
    switch (method?.route) {
      case 'owner':
        this.#handleByOwner(exchange, method);
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
  serverOf({ method, params }: Exchange): string {
    const row = methods.get(method);
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
    const name = itemName(exchange, method);
    const entry = this.#parts.registry.catalog(method.kind).find(name);
    if (entry) this.#call(exchange, entry);
    else this.#callUnlisted(exchange, method.kind, name);
  }

  #call(exchange: Exchange, entry: CatalogEntry): void {
    const dispatch = new ToolDispatch(this.#parts, exchange, entry);
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
          this.#call(exchange, entry);
        },
        (error) => {
          const tool = { upstream, item: { name: parts.name }, metrics: upstream.metrics.tool(unknownTool) };
          new ToolDispatch(this.#parts, exchange, tool).reject(error);
        },
      )
      .catch((error: unknown) => exchange.fail(error));
  }
}

/** The name of the item that a request is for. Throws `invalid_params` if the params do not fit the method. */
function itemName(exchange: Exchange, { kind, objectKey }: OwnerMethod): string {
  const { method, params } = exchange;
  const { nameKey } = kinds[kind];
  const name = params?.string(nameKey);
  if (params === undefined || name === undefined) throw invalidParams(method, nameKey, 'must be a string');
  if (!params.isObjectOrAbsent(objectKey)) throw invalidParams(method, objectKey, 'must be an object');
  if ((exchange.meta?.member('progressToken')?.length ?? 0) > maxTokenChars) {
    const expected = `must have at most ${maxTokenChars} characters: it goes back with each notification`;
    throw invalidParams(method, 'progressToken', expected);
  }
  return name;
}

function invalidParams(method: string, key: string, expected: string): GatewayError {
  return new GatewayError('invalid_params', `${method}: "${key}" ${expected}`);
}

function unknownItem(kind: Kind, qualified: string): GatewayError {
  return new GatewayError('invalid_params', `Unknown ${kinds[kind].noun}: ${quoted(qualified)}`);
}

function quoted(text: string): string {
  const short = text.length > maxQuotedChars ? `${text.slice(0, maxQuotedChars)}…` : text;
  return JSON.stringify(short);
}
