import { GatewayError } from '../errors.ts';
import type { Exchange } from '../protocol/exchange.ts';
import { UpstreamFailure } from '../upstream/failure.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { Dispatch, type DispatchParts } from './dispatch.ts';
import type { Owners } from './owners.ts';
import { requiredString, resourceNotFound } from './request-params.ts';
import { Subscriptions } from './subscriptions.ts';

interface ResourceRequestsParts extends DispatchParts {
  readonly owners: Owners;
}

/** Answers the requests that name a resource. MCP 2025-11-25, Resources. */
export class ResourceRequests {
  readonly subscriptions: Subscriptions;
  readonly #parts: ResourceRequestsParts;

  constructor(parts: ResourceRequestsParts) {
    this.#parts = parts;
    this.subscriptions = new Subscriptions({
      ownerOf: (view, uri) => parts.owners.ofUri(view, uri),
      hides: (view, upstream, uri) => parts.owners.hidesResource(view, upstream, uri),
      allStarted: (view, signal) => parts.owners.allStarted(view, signal),
    });
  }

  /** Throws a {@link GatewayError} instead of answering. */
  read(exchange: Exchange): void {
    const uri = requiredString(exchange, 'uri');
    const owner = this.#parts.owners.ofUri(exchange.caller.view, uri);
    if (owner) this.#read(exchange, uri, owner);
    else {
      this.#parts.owners
        .allStarted(exchange.caller.view, exchange.signal)
        .then(() => {
          const late = this.#parts.owners.ofUri(exchange.caller.view, uri);
          if (!late) throw resourceNotFound(uri);
          this.#read(exchange, uri, late);
        })
        .catch((error: unknown) => exchange.fail(error));
    }
  }

  #read(exchange: Exchange, uri: string, upstream: Upstream): void {
    const dispatch = new Dispatch(this.#parts, exchange, { upstream, item: { name: uri } }, null);
    // To read changes nothing, so it may happen twice.
    upstream.call(exchange, null, true, dispatch);
  }

  subscribe(exchange: Exchange): void {
    const uri = requiredString(exchange, 'uri');
    const { caller, signal } = exchange;
    const channel = channelOf(exchange);
    this.subscriptions.subscribe(channel, caller.view, uri, signal).then(
      () => exchange.answer({ kind: 'result', payload: '{}' }),
      (error) => this.#subscriptionFailed(exchange, uri, error),
    );
  }

  unsubscribe(exchange: Exchange): void {
    const uri = requiredString(exchange, 'uri');
    this.subscriptions.unsubscribe(channelOf(exchange), uri);
    exchange.answer({ kind: 'result', payload: '{}' });
  }

  #subscriptionFailed(exchange: Exchange, uri: string, error: unknown): void {
    const upstream = this.#parts.owners.ofUri(exchange.caller.view, uri);
    if (!upstream || !(error instanceof UpstreamFailure)) {
      exchange.fail(error);
      return;
    }
    const dispatch = new Dispatch(this.#parts, exchange, { upstream, item: { name: uri } }, null);
    if (error.answer) dispatch.resolve(error.answer);
    else dispatch.reject(error);
  }
}

function channelOf({ method, caller }: Exchange) {
  if (caller.channel) return caller.channel;
  const expected =
    'needs a session, whose stream carries the updates: send initialize first, then its Mcp-Session-Id';
  throw new GatewayError('invalid_request', `${method} ${expected}`);
}
