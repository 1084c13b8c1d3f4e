import { GatewayError, messageOf } from '../../errors.ts';
import { type MemberEdit, ObjectText } from '../../json/object.ts';
import type { Caller } from '../../protocol/caller.ts';
import { declaredObject } from '../../protocol/capabilities.ts';
import type { Exchange, ResultAnswer } from '../../protocol/exchange.ts';
import { tasksExtension } from '../../protocol/extensions.ts';
import { type Payload, textOf } from '../../runtime/owned-bytes.ts';
import type { Seal } from '../../state/seal.ts';
import type { Upstream } from '../../upstream/upstream.ts';
import type { DispatchParts } from '../dispatch.ts';
import { EditedDispatch, readObject } from '../edited-dispatch.ts';
import { listPages } from '../list-pages.ts';
import type { Owners } from '../owners.ts';
import { methodNotFound, quoted, requiredString } from '../request-params.ts';
import { linkedUris, mentions } from '../resource-links.ts';
import { KnownTasks } from './known-tasks.ts';
import { TaskCall, type TaskIdMaps } from './task-call.ts';
import { requireTasks } from './task-extension.ts';
import { TaskIds } from './task-ids.ts';
import { listedTasks, tellsOfError, withRelatedId, withTaskId } from './task-texts.ts';
import { TaskWatches, type WatchedTask } from './task-watches.ts';

/** Requests that may be sent twice. */
const repeatableMethods: readonly string[] = ['tasks/get', 'tasks/result'];

interface TaskRequestsParts extends DispatchParts {
  readonly owners: Owners;
  readonly seal: Seal;
}

/** A task's upstream, and its id there. */
interface OwnedTask {
  readonly upstream: Upstream;
  readonly id: string;
}

/**
 * Answers requests about tasks, of the legacy era's core and of the extension. Clients know a task by an id that leads to its
 * upstream. MCP 2025-11-25, Tasks; SEP-2663.
 */
export class TaskRequests {
  readonly #parts: TaskRequestsParts;
  readonly #ids: TaskIds;
  readonly #known = new KnownTasks();
  /** The tasks of which clients hear on their streams. */
  readonly watches: TaskWatches;

  constructor(parts: TaskRequestsParts) {
    this.#parts = parts;
    this.#ids = new TaskIds(parts.seal);
    this.watches = new TaskWatches({ find: (caller, id) => this.#watched(caller, id) });
  }

  /**
   * Answers a request that names one task. Throws `invalid_params` if the client knows no such task, `method_not_found` if its view
   * has no tasks, and `missing_client_capability` if it is of the modern era and has not declared the extension.
   * @param item the member of the params that names an item to its upstream, if one does
   */
  pass(exchange: Exchange, item: MemberEdit | null = null): void {
    const { caller, method, params } = exchange;
    const qualified = requiredString(exchange, 'taskId');
    const task = this.#find(caller, qualified);
    // What the server of a known task offers may be unknown, because it is down.
    if (task === null && !this.#hasTasks(caller)) throw methodNotFound(method);
    if (caller.era === 'modern') requireTasks(caller, method);
    if (task === null)
      throw new GatewayError('invalid_params', `${method}: unknown task ${quoted(qualified)}`);
    const { upstream, id } = task;
    const maps = this.mapsFor(upstream, caller);
    const dispatch = new TaskDispatch(this.#parts, exchange, upstream, maps);
    const edit = { name: 'taskId', value: JSON.stringify(id) };
    const call = new TaskCall(exchange, maps, item && params ? new ObjectText(params.with(item)) : params);
    upstream.call(call, edit, repeatableMethods.includes(method), dispatch);
  }

  /** Answers with the client's tasks at all upstreams that list them. An upstream that fails is left out. */
  list(exchange: Exchange): void {
    const upstreams = this.#parts.owners
      .upstreamsOf(exchange.caller.view)
      .filter(({ capabilities }) => declaredObject(capabilities, 'tasks', 'list') !== undefined);
    if (upstreams.length === 0) throw methodNotFound(exchange.method);
    Promise.all(upstreams.map((upstream) => this.#listOf(upstream, exchange)))
      .then((lists) => exchange.answer({ kind: 'result', payload: `{"tasks":[${lists.flat().join(',')}]}` }))
      .catch((error: unknown) => exchange.fail(error));
  }

  /** The upstream of the task that a request names, if the client knows it. */
  ownerOf({ caller, params }: Exchange): Upstream | undefined {
    const id = params?.string('taskId');
    return id === undefined ? undefined : this.#find(caller, id)?.upstream;
  }

  /** How the ids of an upstream's tasks change on their way to a client and back. */
  mapsFor({ name }: Upstream, { principal }: Caller): TaskIdMaps {
    return {
      toClient: (id) => this.#ids.qualified(name, principal, id),
      toUpstream: (id) => this.#ids.read(id, principal)?.id ?? null,
    };
  }

  /**
   * A call that its client wants a task made of. For a client of the modern era, in which servers decide that, it is an ordinary
   * call. SEP-2663, Backward Compatibility.
   */
  callOf(upstream: Upstream, exchange: Exchange): TaskCall {
    const { caller, params } = exchange;
    const makesTask = caller.era === 'legacy';
    const passed = params && !makesTask ? new ObjectText(params.without('task')) : params;
    return new TaskCall(exchange, this.mapsFor(upstream, caller), passed, makesTask);
  }

  /** Remembers which client has made a task. @param id as clients know it */
  made(caller: Caller, id: string): void {
    this.#known.add(id, caller);
  }

  /** Passes the status of a task on to the client that made it. MCP 2025-11-25, Tasks, Task Status Notification. */
  changed(upstream: Upstream, params: ObjectText): void {
    const id = params.string('taskId');
    if (id === undefined) return;
    for (const principal of ['none', 'bearer'] as const) {
      const qualified = this.#ids.qualified(upstream.name, principal, id);
      const channel = qualified === null ? null : this.#known.channelOf(qualified);
      if (channel === null || qualified === null) continue;
      void this.#forClient(params, qualified).then((text) =>
        channel.notify('notifications/tasks/status', text),
      );
    }
  }

  /** Whether a server of the client's view has tasks as the client's era knows them. */
  #hasTasks({ view, era }: Caller): boolean {
    const path = era === 'legacy' ? ['tasks'] : ['extensions', tasksExtension];
    return this.#parts.owners
      .upstreamsOf(view)
      .some(({ capabilities }) => declaredObject(capabilities, ...path) !== undefined);
  }

  #watched(caller: Caller, qualified: string): WatchedTask | null {
    const task = this.#find(caller, qualified);
    if (task === null) return null;
    const forClient = (state: ObjectText) => {
      for (const uri of linkedUris(state.toString()))
        this.#parts.owners.remember(caller.view, uri, task.upstream);
      return this.#forClient(state, qualified);
    };
    return { ...task, forClient };
  }

  /** Resolves to the state of a task as a client gets it: with its id, and without secrets in what it tells of an error. */
  async #forClient(state: ObjectText, qualified: string): Promise<string> {
    const text = withTaskId(state, () => qualified);
    return tellsOfError(state) ? ((await this.#parts.redactor.redactLongJson(() => text)) ?? text) : text;
  }

  #find({ principal, view }: Caller, qualified: string): OwnedTask | null {
    const name = this.#ids.read(qualified, principal);
    const upstream = this.#parts.owners.upstreamsOf(view).find((one) => one.name === name?.server);
    return name && upstream ? { upstream, id: name.id } : null;
  }

  /** An upstream that all clients share lists the tasks of all, of which a client gets those of its session. */
  async #listOf(upstream: Upstream, exchange: Exchange): Promise<string[]> {
    const { caller } = exchange;
    const { toClient } = this.mapsFor(upstream, caller);
    const isShared = upstream.config.isolation === 'shared';
    const tasks: string[] = [];
    try {
      for await (const { result } of listPages(upstream, exchange))
        for (const text of listedTasks(result)) {
          const task = new ObjectText(text);
          const id = toClient(task.string('taskId') ?? '');
          if (id === null || (isShared && !this.#known.isMaker(caller, id))) continue;
          tasks.push(await this.#forClient(task, id));
        }
    } catch (error) {
      const cause = messageOf(error);
      this.#parts.logger.debug('an upstream does not list its tasks', { server: upstream.name, cause });
    }
    return tasks;
  }
}

/** A request whose result names tasks, by ids that the client must know, and may be the end of one. */
class TaskDispatch extends EditedDispatch {
  /** The result of the task is a member of the state. */
  protected override readonly levels = 2;
  readonly #parts: TaskRequestsParts;
  readonly #upstream: Upstream;
  readonly #maps: TaskIdMaps;

  constructor(parts: TaskRequestsParts, exchange: Exchange, upstream: Upstream, maps: TaskIdMaps) {
    super(parts, exchange, { upstream, item: { name: exchange.method } }, null);
    this.#parts = parts;
    this.#upstream = upstream;
    this.#maps = maps;
  }

  protected override tellsOfError(payload: Payload): boolean {
    if (!mentions(payload, '"failed"') && !mentions(payload, '"isError"')) return false;
    return readObject(textOf(payload), this.ends, tellsOfError) === true;
  }

  protected override refined(result: ResultAnswer): ResultAnswer {
    const { view } = this.exchange.caller;
    for (const uri of linkedUris(result.payload)) this.#parts.owners.remember(view, uri, this.#upstream);
    return super.refined(result);
  }

  protected override edited(result: ObjectText): string {
    const { toClient } = this.#maps;
    if (this.exchange.method === 'tasks/result') return withRelatedId(result, toClient);
    return withTaskId(result, toClient);
  }
}
