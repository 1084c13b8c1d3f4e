import { GatewayError } from '../errors.ts';
import type { ObjectText } from '../json/object.ts';
import type { Tracing } from '../observability/tracing.ts';
import { type ToolMetrics, unknownTool } from '../observability/upstream-metrics.ts';
import type { Caller } from '../protocol/caller.ts';
import type { Answer, Exchange } from '../protocol/exchange.ts';
import { type Kind, kinds } from '../protocol/kinds.ts';
import type { Era } from '../protocol/versions.ts';
import type { CatalogEntry } from '../registry/catalog.ts';
import type { Seal } from '../state/seal.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { CompletionRequests } from './completion-requests.ts';
import { Dispatch, type DispatchParts } from './dispatch.ts';
import { ExtensionRequests } from './extension-requests.ts';
import { ItemDispatch, type ItemDispatchParts } from './item-dispatch.ts';
import { methods, type OwnerMethod } from './methods.ts';
import { Owners, type OwnersParts } from './owners.ts';
import { passedCapabilities } from './passed-capabilities.ts';
import { requiredString } from './request-params.ts';
import { ResourceRequests } from './resource-requests.ts';
import { SkillRequests } from './skill-requests.ts';
import type { Subscriptions } from './subscriptions.ts';
import { callAsTask } from './tasks/required-task.ts';
import { TaskRequests } from './tasks/task-requests.ts';
import type { TaskWatches } from './tasks/task-watches.ts';
import { handleTraced } from './traced-exchange.ts';

/** The server of a request that none is known to own. */
export const unknownServer = 'unknown';

interface RouterParts extends DispatchParts, OwnersParts {
  /** Seals the ids of tasks. */
  readonly seal: Seal;
  /** Null: requests are not traced. */
  readonly tracing: Tracing | null;
}

/** Answers requests as the table of methods says. */
export class Router {
  readonly #parts: RouterParts;
  readonly #owners: Owners;
  readonly #resources: ResourceRequests;
  readonly #completions: CompletionRequests;
  readonly #extensions: ExtensionRequests;
  readonly #tasks: TaskRequests;
  readonly #skills: SkillRequests;
  readonly #itemParts: ItemDispatchParts;

  constructor(parts: RouterParts) {
    const { redactor, logger, seal } = parts;
    const owners = new Owners(parts);
    const shared = { owners, redactor, logger };
    this.#parts = parts;
    this.#owners = owners;
    this.#resources = new ResourceRequests(shared);
    this.#completions = new CompletionRequests(shared);
    this.#tasks = new TaskRequests({ ...shared, seal });
    this.#extensions = new ExtensionRequests({ ...shared, tasks: this.#tasks });
    this.#skills = new SkillRequests(shared);
    this.#itemParts = { ...shared, tasks: this.#tasks };
  }

  /** The clients' subscriptions to resources. */
  get subscriptions(): Subscriptions {
    return this.#resources.subscriptions;
  }

  /** The tasks of which clients hear on their streams. */
  get taskWatches(): TaskWatches {
    return this.#tasks.watches;
  }

  /** The capabilities that a view has because its upstreams have them, for clients of an era: see {@link passedCapabilities}. */
  capabilitiesOf(view: string, era: Era): Record<string, unknown> {
    return passedCapabilities(this.#owners.upstreamsOf(view), era);
  }

  /** Answers one request, at once if that needs no upstream. Throws a {@link GatewayError} instead of answering. */
  handle(exchange: Exchange): void {
    const { tracing } = this.#parts;
    if (tracing === null) this.#handle(exchange);
    else handleTraced(tracing, exchange, this.#isListed(exchange), (traced) => this.#handle(traced));
  }

  #handle(exchange: Exchange): void {
    const method = methods.get(exchange.method);
    switch (method?.route) {
      case 'owner':
        this.#handleByOwner(exchange, method);
        break;
      case 'resource':
        this.#resources[method.does](exchange);
        break;
      case 'completion':
        this.#completions.complete(exchange);
        break;
      case 'task':
        this.#tasks[method.does](exchange);
        break;
      case 'skills':
        this.#skills.list(exchange);
        break;
      case 'merged':
        exchange.answer(this.#mergedList(exchange, method.kind));
        break;
      case 'gateway':
        exchange.answer(method.answer);
        break;
      default:
        this.#extensions.pass(exchange);
    }
  }

  /** Passes a client's notification on to the upstreams that it concerns. */
  notified(caller: Caller, method: string, params: ObjectText | undefined): void {
    if (method !== 'notifications/roots/list_changed')
      this.#extensions.passNotification(caller, method, params);
    else {
      for (const upstream of this.#owners.upstreamsOf(caller.view))
        upstream.notify(caller, method, params?.toString());
    }
  }

  /** Passes the status of an upstream's task on to the client that made it. @param params of the notification */
  taskChanged(upstream: Upstream, params: ObjectText): void {
    this.#tasks.changed(upstream, params);
  }

  /** The name of the server that a request is for, or {@link unknownServer}. */
  serverOf(exchange: Exchange): string {
    return this.#serverOf(exchange) ?? unknownServer;
  }

  #serverOf(exchange: Exchange): string | undefined {
    const { params, caller } = exchange;
    const method = methods.get(exchange.method);
    switch (method?.route) {
      case 'owner': {
        const name = params?.string('name') ?? '';
        const entry = this.#owners.item(caller.view, method.kind, name);
        return entry?.upstream.name ?? this.#owners.ofName(caller.view, method.kind, name)?.name;
      }
      case 'resource':
        return this.#owners.ofUri(caller.view, params?.string('uri') ?? '')?.name;
      case 'completion':
        return this.#completions.serverOf(exchange);
      case 'task':
        return this.#tasks.ownerOf(exchange)?.name;
      case undefined:
        return this.#extensions.serverOf(exchange);
      default:
        return undefined;
    }
  }

  /** Whether a request names a tool or prompt that a server has. */
  #isListed({ method, params, caller }: Exchange): boolean {
    const route = methods.get(method);
    if (route?.route !== 'owner') return false;
    return this.#owners.item(caller.view, route.kind, params?.string('name') ?? '') !== undefined;
  }

  #mergedList({ method, params, caller }: Exchange, kind: Kind): Answer {
    // The list has one page, so no cursor is valid. Some clients send an empty one for the first page.
    const cursor = params?.member('cursor');
    if (cursor !== undefined && cursor !== '""')
      throw new GatewayError('invalid_params', `${method}: unknown cursor; list again without one`);
    return { kind: 'result', payload: this.#owners.list(caller, kind) };
  }

  #handleByOwner(exchange: Exchange, method: OwnerMethod): void {
    const { kind } = method;
    const name = requiredString(exchange, kinds[kind].nameKey, method.objectKey);
    const entry = this.#owners.item(exchange.caller.view, kind, name);
    if (entry) {
      this.#call(exchange, kind, entry);
      return;
    }
    const found = (listed: CatalogEntry) => this.#call(exchange, kind, listed);
    const failed = (upstream: Upstream, error: unknown) => {
      const metrics = kind === 'tools' ? upstream.metrics.tool(unknownTool) : null;
      new Dispatch(this.#parts, exchange, { upstream, item: { name } }, metrics).reject(error);
    };
    this.#owners.withItem(exchange, kind, name, found, failed);
  }

  #call(exchange: Exchange, kind: Kind, entry: CatalogEntry): void {
    const { upstream, item, target } = entry;
    const metrics = kind === 'tools' ? entry.metrics : null;
    if (upstream.hasPlainTools(exchange.caller.era))
      upstream.call(exchange, target, item.isRepeatable, new Dispatch(this.#parts, exchange, entry, metrics));
    else this.#callItem(exchange, entry, metrics);
  }

  /** A call whose result may concern the gateway. */
  #callItem(exchange: Exchange, entry: CatalogEntry, metrics: ToolMetrics | null): void {
    const { upstream, item, target } = entry;
    const dispatch = new ItemDispatch(this.#itemParts, exchange, { upstream, item }, metrics);
    if (item.needsTask && exchange.caller.era === 'modern') {
      callAsTask(upstream, exchange, target).then(
        (response) => dispatch.resolve(response),
        (error) => dispatch.reject(error),
      );
      return;
    }
    const makesTask = exchange.params?.member('task') !== undefined;
    const call = makesTask ? this.#tasks.callOf(upstream, exchange) : exchange;
    upstream.call(call, target, item.isRepeatable && !makesTask, dispatch);
  }
}
