import type { MemberEdit, ObjectText } from '../json/object.ts';
import type { Caller } from '../protocol/caller.ts';
import { errorCodes } from '../protocol/error-codes.ts';
import type { Exchange } from '../protocol/exchange.ts';
import type { ResponseMessage } from '../protocol/messages.ts';
import { freePayload } from '../runtime/owned-bytes.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { Dispatch, type DispatchParts } from './dispatch.ts';
import type { Owners } from './owners.ts';
import { methodNotFound } from './request-params.ts';
import type { TaskRequests } from './tasks/task-requests.ts';

/** Methods that are not for upstreams: those of the edges of the gateway, and those by which servers ask clients. */
const ownMethods: ReadonlySet<string> = new Set([
  'initialize',
  'server/discover',
  'subscriptions/listen',
  'logging/setLevel',
  'elicitation/create',
  'sampling/createMessage',
  'roots/list',
]);

/** The upstream that a message is clearly for, and what names its object there. */
interface ClearOwner {
  readonly upstream: Upstream;
  readonly edit: MemberEdit | null;
}

interface ExtensionRequestsParts extends DispatchParts {
  readonly owners: Owners;
  readonly tasks: Pick<TaskRequests, 'ownerOf' | 'pass'>;
}

/**
 * Passes on what the gateway does not know, such as the methods of extensions: between a client and the one upstream that it is
 * clearly for.
 */
export class ExtensionRequests {
  readonly #parts: ExtensionRequestsParts;

  constructor(parts: ExtensionRequestsParts) {
    this.#parts = parts;
  }

  /** Throws `method_not_found`, or ends the exchange with it, if no upstream clearly owns the request. */
  pass(exchange: Exchange): void {
    const { params, caller, signal } = exchange;
    const { owners } = this.#parts;
    const isNamed = params?.string('name') !== undefined || params?.string('uri') !== undefined;
    if (!isNamed || !owners.mayBeMore(caller.view)) this.#pass(exchange);
    else {
      // What it names may be one of the items that are not known yet, under another name or hidden.
      owners
        .allKnown(caller.view, signal)
        .then(() => this.#pass(exchange))
        .catch((error: unknown) => exchange.fail(error));
    }
  }

  #pass(exchange: Exchange): void {
    const { method, params, caller } = exchange;
    const ofTask = this.#parts.tasks.ownerOf(exchange);
    const owner = ownMethods.has(method) ? null : this.#ownerOf(caller, params, ofTask);
    if (owner === null) throw methodNotFound(method);
    // Only the gateway can translate the id of a task.
    if (ofTask !== undefined) {
      this.#parts.tasks.pass(exchange, owner.edit);
      return;
    }
    const dispatch = new ExtensionDispatch(this.#parts, exchange, {
      upstream: owner.upstream,
      item: { name: method },
    });
    owner.upstream.call(exchange, owner.edit, false, dispatch);
  }

  /** Passes a notification on. One that no upstream clearly owns is dropped. */
  passNotification(caller: Caller, method: string, params: ObjectText | undefined): void {
    const owner = this.#ownerOf(caller, params);
    const paramsText = owner?.edit && params ? params.with(owner.edit) : params?.toString();
    owner?.upstream.notify(caller, method, paramsText);
  }

  /** The server that a request is for, if that is known. */
  serverOf(exchange: Exchange): string | undefined {
    const { caller, params } = exchange;
    return this.#ownerOf(caller, params, this.#parts.tasks.ownerOf(exchange))?.upstream.name;
  }

  /**
   * An owner is clear if the name, the URI and the task in the params, as far as they are there and known, lead to the same
   * upstream, and no filter hides one of them.
   */
  #ownerOf({ view }: Caller, params: ObjectText | undefined, ofTask?: Upstream): ClearOwner | null {
    const { owners } = this.#parts;
    const [only, ...others] = owners.upstreamsOf(view);
    const name = params?.string('name');
    const entries = (['tools', 'prompts'] as const).flatMap((kind) =>
      name === undefined ? [] : (owners.item(view, kind, name) ?? []),
    );
    const uri = params?.string('uri');
    const ofUri = uri === undefined ? undefined : owners.ofUri(view, uri);
    const known = [...entries.map((entry) => entry.upstream), ofUri, ofTask];
    const named = known.filter((one) => one !== undefined);
    const upstream = named[0] ?? (others.length === 0 ? only : undefined);
    if (upstream === undefined || named.some((one) => one !== upstream)) return null;
    const isHidden = owners.hides(
      view,
      upstream,
      entries.length === 0 ? name : undefined,
      ofUri ? undefined : uri,
    );
    return isHidden ? null : { upstream, edit: entries[0]?.target ?? null };
  }
}

/** A request of an extension. An upstream that does not know the method makes it unknown here, too. */
class ExtensionDispatch extends Dispatch {
  constructor(parts: DispatchParts, exchange: Exchange, target: ConstructorParameters<typeof Dispatch>[2]) {
    super(parts, exchange, target, null);
  }

  override resolve(response: ResponseMessage): void {
    if (response.error?.code !== errorCodes.methodNotFound) {
      super.resolve(response);
      return;
    }
    freePayload(response.payload);
    this.exchange.fail(methodNotFound(this.exchange.method));
  }
}
