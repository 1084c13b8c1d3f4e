import { GatewayError } from '../errors.ts';
import type { ObjectText } from '../json/object.ts';
import type { Exchange } from '../protocol/exchange.ts';
import type { CatalogEntry } from '../registry/catalog.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { Dispatch, type DispatchParts } from './dispatch.ts';
import type { Owners } from './owners.ts';
import { invalidParams, quoted } from './request-params.ts';

interface CompletionRequestsParts extends DispatchParts {
  readonly owners: Owners;
}

/** Passes requests for completions on to the upstream of the prompt or the template. MCP 2025-11-25, Completion. */
export class CompletionRequests {
  readonly #parts: CompletionRequestsParts;

  constructor(parts: CompletionRequestsParts) {
    this.#parts = parts;
  }

  /** Throws a {@link GatewayError} instead of answering. */
  complete(exchange: Exchange): void {
    const { method } = exchange;
    const ref = exchange.params?.object('ref');
    if (ref === undefined) throw invalidParams(method, 'ref', 'must be an object');
    switch (ref.string('type')) {
      case 'ref/prompt':
        this.#completePrompt(exchange, ref);
        break;
      case 'ref/resource':
        this.#completeTemplate(exchange, ref);
        break;
      default:
        throw invalidParams(method, 'ref.type', 'must be "ref/prompt" or "ref/resource"');
    }
  }

  /** The server that a request is for, if that is known. */
  serverOf({ params, caller }: Exchange): string | undefined {
    const ref = params?.object('ref');
    const { owners } = this.#parts;
    const name = ref?.string('name');
    const uri = ref?.string('uri');
    if (name !== undefined)
      return (
        owners.item(caller.view, 'prompts', name)?.upstream ?? owners.ofName(caller.view, 'prompts', name)
      )?.name;
    return uri === undefined ? undefined : this.#templateOwner(caller.view, uri)?.name;
  }

  #completePrompt(exchange: Exchange, ref: ObjectText): void {
    const name = ref.string('name');
    if (name === undefined) throw invalidParams(exchange.method, 'ref.name', 'must be a string');
    const send = ({ upstream, item }: CatalogEntry) =>
      this.#send(exchange, upstream, name, ref.with({ name: 'name', value: item.nameText }));
    const failed = (upstream: Upstream, error: unknown) =>
      new Dispatch(this.#parts, exchange, { upstream, item: { name } }, null).reject(error);
    this.#parts.owners.withItem(exchange, 'prompts', name, send, failed);
  }

  #completeTemplate(exchange: Exchange, ref: ObjectText): void {
    const uri = ref.string('uri');
    if (uri === undefined) throw invalidParams(exchange.method, 'ref.uri', 'must be a string');
    const { view } = exchange.caller;
    const owner = this.#templateOwner(view, uri);
    if (owner) {
      this.#send(exchange, owner, uri, ref.toString());
      return;
    }
    this.#parts.owners
      .allStarted(view, exchange.signal)
      .then(() => {
        const late = this.#templateOwner(view, uri);
        if (!late) throw new GatewayError('invalid_params', `Unknown resource template: ${quoted(uri)}`);
        this.#send(exchange, late, uri, ref.toString());
      })
      .catch((error: unknown) => exchange.fail(error));
  }

  /** The text is that of a template, or the URI of a resource. */
  #templateOwner(view: string, text: string): Upstream | undefined {
    const { owners } = this.#parts;
    return owners.ofTemplate(view, text) ?? owners.ofUri(view, text);
  }

  #send(exchange: Exchange, upstream: Upstream, name: string, refText: string): void {
    const dispatch = new Dispatch(this.#parts, exchange, { upstream, item: { name } }, null);
    // To complete an argument changes nothing, so it may happen twice.
    upstream.call(exchange, { name: 'ref', value: refText }, true, dispatch);
  }
}
