import { GatewayError } from '../../errors.ts';
import type { DownstreamMetrics } from '../../observability/downstream-metrics.ts';
import type { Caller } from '../../protocol/caller.ts';
import type { RequestMessage } from '../../protocol/messages.ts';
import type { Router } from '../../router/router.ts';
import { requireTasks } from '../../router/tasks/task-extension.ts';
import { forEachInTurns } from '../../runtime/event-loop.ts';
import { ClientCounter } from '../client-counts.ts';
import { EventStream, streamHeaders } from '../event-stream.ts';
import type { KeepAlive } from '../keep-alive.ts';
import type { ChangedLists } from '../list-changes.ts';
import type { EndpointRequest } from '../request.ts';
import { Listen } from './listen.ts';
import { listenFilterOf } from './listen-filter.ts';

const defaultMaxListens = 10_000;

interface ListensParts {
  readonly router: Router;
  readonly metrics: DownstreamMetrics;
  readonly streams: KeepAlive;
  readonly maxListens?: number;
}

/** The open `subscriptions/listen` streams. */
export class Listens {
  readonly #parts: ListensParts;
  readonly #listens = new Set<Listen>();
  #isAccepting = true;

  constructor(parts: ListensParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#listens.size;
  }

  /** The clients of the open streams. */
  get clients(): ClientCounter {
    const counter = new ClientCounter();
    for (const { caller } of this.#listens) counter.add(caller.clientInfo);
    return counter;
  }

  /** Answers `subscriptions/listen`. Throws a {@link GatewayError} if it is refused. */
  open(message: RequestMessage, caller: Caller, request: EndpointRequest): void {
    const { router, metrics, streams, maxListens = defaultMaxListens } = this.#parts;
    const filter = listenFilterOf(message.params);
    if (filter.tasks.length > 0) requireTasks(caller, 'subscriptions/listen: "taskIds"');
    if (!request.accepted.sse)
      throw new GatewayError('not_acceptable', 'the Accept header must allow text/event-stream');
    if (!this.#isAccepting) throw new GatewayError('unavailable', 'the gateway is shutting down');
    if (this.#listens.size >= maxListens)
      throw new GatewayError(
        'internal',
        `${maxListens} streams are open, which is the limit; try again later`,
      );
    const stream = new EventStream(streams, () => {
      this.#listens.delete(listen);
      listen.onClosed();
    });
    const listen: Listen = new Listen(message, caller, filter, stream, router);
    this.#listens.add(listen);
    const startMs = performance.now();
    request.onEnd();
    request.stream(new Response(stream.readable, { headers: streamHeaders }));
    void listen
      .open()
      .then(() => metrics.request(message.method, true, (performance.now() - startMs) / 1000));
  }

  /** Tells the clients of each view which of its lists have changed. */
  listsChanged(changed: ChangedLists): void {
    void forEachInTurns([...this.#listens], (listen) => {
      for (const method of changed.get(listen.caller.view) ?? []) listen.listChanged(method);
    });
  }

  /** Ends the streams of a view that is gone. */
  endView(view: string): void {
    for (const listen of [...this.#listens]) if (listen.caller.view === view) listen.end();
  }

  /** Ends all streams, and accepts no new ones. */
  endAll(): void {
    this.#isAccepting = false;
    for (const listen of [...this.#listens]) listen.end();
  }
}
