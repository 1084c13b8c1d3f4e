import { GatewayError } from '../errors.ts';
import { unknownTool } from '../observability/upstream-metrics.ts';
import type { Answer, Exchange } from '../protocol/exchange.ts';
import { kinds } from '../protocol/kinds.ts';
import { maxTokenChars } from '../protocol/messages.ts';
import type { OfferedTool, Registry, ToolRoute } from '../registry/catalog.ts';
import { splitQualified } from '../registry/names.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { methods, type OwnerMethod } from './methods.ts';
import { ToolDispatch, type ToolDispatchParts } from './tool-dispatch.ts';

/** As much of a name that came from a client as is quoted back. */
const maxQuotedChars = 200;

/** What the router works with. */
interface RouterParts extends ToolDispatchParts {
  readonly registry: Registry;
  readonly upstream: (name: string) => Upstream | undefined;
}

/** Finds who owns a request and has it answered there. */
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
        exchange.answer(this.#mergedList(exchange));
        break;
      case 'gateway':
        exchange.answer(method.answer);
        break;
      default:
        throw new GatewayError('method_not_found', `Method not found: ${quoted(exchange.method)}`);
    }
  }

  /** The name of the server that a tool call is for. */
  serverOf({ params }: Exchange): string {
    const name = params?.string('name') ?? '';
    return this.#parts.registry.find(name)?.server ?? splitQualified(name)?.server ?? 'unknown';
  }

  #mergedList({ method, params }: Exchange): Answer {
    // The list has one page, so no cursor is valid. Some clients send an empty one for the first page.
    const cursor = params?.member('cursor');
    if (cursor !== undefined && cursor !== '""')
      throw new GatewayError('invalid_params', `${method}: unknown cursor; list again without one`);
    return { kind: 'result', payload: this.#parts.registry.toolsList() };
  }

  #handleByOwner(exchange: Exchange, method: OwnerMethod): void {
    const name = itemName(exchange, method);
    const offered = this.#parts.registry.find(name);
    if (offered) this.#call(exchange, this.#routeOf(offered, name));
    else this.#callUnlisted(exchange, name);
  }

  #call(exchange: Exchange, route: ToolRoute): void {
    const forwarded = new ToolDispatch(this.#parts, exchange, route);
    route.upstream.call(exchange, route.target, route.isRepeatable, forwarded);
  }

  /** Where calls of the tool with that qualified name go. Throws `invalid_params` where its server is gone. */
  #routeOf(offered: OfferedTool, name: string): ToolRoute {
    const { server, tool, route } = offered;
    // A reload may have put another upstream in its place.
    if (route && !route.upstream.isClosed) return route;
    const upstream = this.#parts.upstream(server);
    if (!upstream) throw unknownToolError(name);
    const metrics = upstream.metrics.tool(tool.name);
    offered.route = {
      upstream,
      metrics,
      name: tool.name,
      target: { name: 'name', value: tool.nameText },
      isRepeatable: tool.isRepeatable,
    };
    return offered.route;
  }

  /**
   * Of an upstream that is down the tools may not be known yet: it is waited for, and that it is down is the better
   * answer where that is in vain. Throws `invalid_params` where the tool is unknown.
   */
  #callUnlisted(exchange: Exchange, qualified: string): void {
    const parts = splitQualified(qualified);
    const upstream = parts ? this.#parts.upstream(parts.server) : undefined;
    if (!parts || !upstream || upstream.isConnected) throw unknownToolError(qualified);
    upstream
      .ready(exchange.signal)
      .then(
        () => {
          const offered = this.#parts.registry.find(qualified);
          if (!offered) throw unknownToolError(qualified);
          this.#call(exchange, this.#routeOf(offered, qualified));
        },
        (reason) => {
          const metrics = upstream.metrics.tool(unknownTool);
          const { name } = parts;
          const target = { name: 'name', value: JSON.stringify(name) };
          const route = { upstream, metrics, name, target, isRepeatable: false };
          new ToolDispatch(this.#parts, exchange, route).reject(reason);
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

function quoted(text: string): string {
  const short = text.length > maxQuotedChars ? `${text.slice(0, maxQuotedChars)}…` : text;
  return JSON.stringify(short);
}

function unknownToolError(qualified: string): GatewayError {
  return new GatewayError('invalid_params', `Unknown tool: ${quoted(qualified)}`);
}
