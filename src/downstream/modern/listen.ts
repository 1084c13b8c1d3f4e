import { ObjectText } from '../../json/object.ts';
import type { Caller, Channel } from '../../protocol/caller.ts';
import { notificationText, type RequestMessage, resultText } from '../../protocol/messages.ts';
import { reservedMeta } from '../../protocol/reserved-meta.ts';
import type { Router } from '../../router/router.ts';
import { Abort } from '../../runtime/abort.ts';
import { deadlines } from '../../runtime/deadlines.ts';
import type { EventStream } from '../event-stream.ts';
import { changeNotifications, filterText, type ListenFilter } from './listen-filter.ts';
import { ownMeta } from './results.ts';

/** How long upstreams may take to accept subscriptions; resources that take longer are not acknowledged. */
const subscribeTimeoutMs = 10_000;
/** The notices that may wait for the acknowledgment, in characters. */
const maxWaitingChars = 1024 * 1024;
/** A longer `_meta` of a notice is left out. */
const maxMetaChars = 32 * 1024;
const updatedNotification = 'notifications/resources/updated';
const taskNotification = 'notifications/tasks';
const ack = 'notifications/subscriptions/acknowledged';

/** One `subscriptions/listen`: a stream of notices until either side ends it. MCP 2026-07-28, Subscriptions. */
export class Listen implements Channel {
  readonly caller: Caller;
  readonly #idText: string;
  readonly #stream: EventStream;
  readonly #router: Pick<Router, 'subscriptions' | 'taskWatches'>;
  /** Aborted when the stream ends, or the subscriptions take too long. */
  readonly #opening = new Abort();
  /** The notifications of changed lists that the client wants. */
  readonly #changes: ReadonlySet<string>;
  readonly #filter: ListenFilter;
  /** The notices that wait for the acknowledgment; null once it is sent. */
  #waiting: string[] | null = [];
  #waitingChars = 0;
  #isClosed = false;

  constructor(
    { idText }: RequestMessage,
    caller: Caller,
    filter: ListenFilter,
    stream: EventStream,
    router: Pick<Router, 'subscriptions' | 'taskWatches'>,
  ) {
    this.caller = caller;
    this.#idText = idText;
    this.#stream = stream;
    this.#router = router;
    this.#filter = filter;
    this.#changes = new Set(changeNotifications(filter));
  }

  /** Subscribes, then acknowledges what works. A stream that has nothing to tell then ends. Never rejects. */
  async open(): Promise<void> {
    const resources = await this.#subscribed();
    if (this.#isClosed) return;
    const tasks = this.#watchedTasks();
    const honored = { lists: this.#filter.lists, resources, tasks };
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    this.#send(ack, `{"_meta":${this.#meta('{}')},"notifications":${filterText(honored)}}`);
    for (const notice of waiting) void this.#stream.send(notice);
    if (honored.lists.length + resources.length + tasks.length === 0) this.end();
  }

  /** Sends an update of a resource or a task. */
  notify(method: string, paramsText = '{}'): void {
    if (method !== updatedNotification && method !== taskNotification) return;
    const params = new ObjectText(paramsText);
    const isShort = params.memberLength('_meta') <= maxMetaChars;
    const meta = (isShort && params.object('_meta')?.toString()) || '{}';
    this.#send(method, params.with({ name: '_meta', value: this.#meta(meta) }));
  }

  /** Tells that a list has changed, by its notification, if the client wants to know. */
  listChanged(method: string): void {
    if (this.#changes.has(method)) this.#send(method, `{"_meta":${this.#meta('{}')}}`);
  }

  /** Ends the stream with the result of the request. MCP 2026-07-28, Subscriptions, Graceful Closure. */
  end(): void {
    if (this.#isClosed) return;
    const result = `{"resultType":"complete","_meta":${this.#meta(ownMeta)}}`;
    void this.#stream.send(resultText(this.#idText, result));
    this.#stream.close();
  }

  /** The stream has ended. */
  onClosed(): void {
    this.#isClosed = true;
    this.#waiting = [];
    this.#opening.abort();
    this.#router.subscriptions.drop(this);
    if (this.#filter.tasks.length > 0) this.#router.taskWatches.drop(this);
  }

  /** The URIs of the resources whose updates will come. */
  async #subscribed(): Promise<string[]> {
    const { resources } = this.#filter;
    const { view } = this.caller;
    if (resources.length === 0) return [];
    const deadline = deadlines.add(subscribeTimeoutMs, () => this.#opening.abort());
    const subscribed = await this.#router.subscriptions.subscribeAll(this, view, resources, this.#opening);
    deadline.clear();
    return subscribed;
  }

  /** The ids of the tasks that are watched. */
  #watchedTasks(): string[] {
    const { tasks } = this.#filter;
    return tasks.length === 0 ? [] : this.#router.taskWatches.watch(this, this.caller, tasks);
  }

  #send(method: string, paramsText: string): void {
    const notice = notificationText(method, paramsText);
    if (this.#waiting === null) void this.#stream.send(notice);
    else if (!this.#isClosed) this.#wait(notice);
  }

  #wait(notice: string): void {
    if (this.#waiting?.includes(notice)) return;
    this.#waitingChars += notice.length;
    if (this.#waitingChars <= maxWaitingChars) this.#waiting?.push(notice);
  }

  /** A `_meta` that names the subscription. */
  #meta(text: string): string {
    return new ObjectText(text).with({ name: reservedMeta.subscriptionId, value: this.#idText });
  }
}
