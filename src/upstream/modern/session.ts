import type { MemberEdit, ObjectText } from '../../json/object.ts';
import { tasksExtension } from '../../protocol/extensions.ts';
import { allKinds, type Kind } from '../../protocol/kinds.ts';
import {
  type Message,
  type NotificationMessage,
  notificationText,
  type ResponseMessage,
} from '../../protocol/messages.ts';
import { reservedMeta } from '../../protocol/reserved-meta.ts';
import { Abort, type Signal } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import { UpstreamFailure } from '../failure.ts';
import type { Item } from '../items/item-list.ts';
import type { PendingRequest, UpstreamCall } from '../pending-request.ts';
import type { PendingRequests } from '../pending-requests.ts';
import { BaseSession } from '../requests/base-session.ts';
import type { SessionEvents } from '../session.ts';
import type { TransportSource } from '../transport/transport.ts';
import { discover } from './discovery.ts';
import { ListenStream } from './listen-stream.ts';
import { ModernForm } from './modern-form.ts';
import { NotificationFeed } from './notification-feed.ts';
import { ToolHeaders } from './param-headers.ts';
import { readOrFail } from './result.ts';
import { StatelessCall, type StatelessCallOwner } from './stateless-call.ts';

/** How long the opening of a session waits for its stream of notifications. */
const listenWaitMs = 1_000;
const discoverMethod = '"server/discover"';

/** For each announcement of changed lists that a filter may name, the capability of servers that make it. */
const announcements = {
  toolsListChanged: 'tools',
  promptsListChanged: 'prompts',
  resourcesListChanged: 'resources',
} as const;

/** A server of the modern era, which knows no sessions: each request carries the identity of its caller. */
export class ModernSession extends BaseSession implements StatelessCallOwner {
  readonly form: ModernForm;
  readonly #toolHeaders: ToolHeaders | null;
  readonly #runs = new Set<Promise<void>>();
  #feed: NotificationFeed | null = null;
  #relisting: Promise<void> | null = null;

  constructor(source: TransportSource, events: SessionEvents) {
    super(source, events, { era: 'modern', pingMethod: 'server/discover', sender: readingSender });
    this.#toolHeaders = this.transport.hasRequestStreams ? new ToolHeaders() : null;
    this.form = new ModernForm(events.client, this.#toolHeaders);
  }

  get protocolVersion(): string {
    return this.form.version;
  }
  get hasHeaders(): boolean {
    return this.transport.hasRequestStreams;
  }
  get listTtlMs(): number | null {
    const ttls = allKinds.map((kind) => this.listings[kind].ttlMs).filter((ttlMs) => ttlMs !== null);
    return ttls.length === 0 ? null : Math.min(...ttls);
  }

  /**
   * Opens the transport, and finds out which revision the server speaks, and what it offers. Rejects with a `LegacyServerFailure` if
   * it speaks only the legacy era.
   */
  async discover(signal: Signal): Promise<void> {
    await this.transport.open(signal);
    const server = await discover(this.own, this.form, this.events, signal);
    this.introduced(server);
    this.form.hasTasks = server.capabilities.object('extensions')?.member(tasksExtension) !== undefined;
    this.transport.initialized(this.protocolVersion);
  }

  /** The same, and opens the stream of notifications. */
  async open(signal: Signal): Promise<void> {
    await this.discover(signal);
    if (!this.events.wantsChanges) return;
    const lists = Object.entries(announcements)
      .filter(([, capability]) => this.capabilities.object(capability)?.isText('listChanged', 'true'))
      .map(([list]) => list);
    this.#feed = new NotificationFeed({
      lists,
      start: (stream) => this.requests.start(stream, null, Number.POSITIVE_INFINITY, stream),
      onGap: (uris) => this.#missed(uris),
      onSuspect: () => this.events.onSuspect(this),
    });
    await this.#feed.start(listenWaitMs, signal);
    if (signal.aborted) throw signal.reason;
  }

  call(
    call: UpstreamCall,
    target: MemberEdit | null,
    timeoutMs: number,
    done: Completion<ResponseMessage>,
  ): void {
    new StatelessCall(this, call, target, timeoutMs, done).start();
  }

  start(
    call: UpstreamCall,
    target: MemberEdit | null,
    timeoutMs: number,
    done: Completion<ResponseMessage>,
  ): void {
    this.requests.start(call, target, timeoutMs, done);
  }

  async list(kind: Kind, pageTimeoutMs: number, timeoutMs: number, signal: Signal): Promise<Item[]> {
    const next = kind === 'tools' && this.#toolHeaders !== null ? new ToolHeaders() : null;
    const vet = next === null ? undefined : (tool: ObjectText) => next.add(tool);
    const { items, faults } = await this.listings[kind].list(pageTimeoutMs, timeoutMs, signal, vet);
    if (next !== null) this.#toolHeaders?.replaceBy(next);
    this.events.onItemFaults(kind, faults);
    return items;
  }

  relistTools(timeoutMs: number): Promise<void> {
    this.#relisting ??= this.list('tools', timeoutMs, timeoutMs, new Abort())
      .then(() => this.events.onItemsChanged(this, ['tools']))
      .finally(() => {
        this.#relisting = null;
      });
    return this.#relisting;
  }

  keep(run: Promise<void>): void {
    this.#runs.add(run);
    void run.finally(() => this.#runs.delete(run));
  }

  async subscribe(uri: string, timeoutMs: number, signal: Signal): Promise<void> {
    if (this.#feed === null) throw new UpstreamFailure('refused', 'sends no notifications in this session');
    await this.#feed.subscribe(uri, timeoutMs, signal);
  }

  unsubscribe(uri: string): void {
    this.#feed?.unsubscribe(uri);
  }

  /** The era has no notifications from clients but cancellations. MCP 2026-07-28, Streamable HTTP, Sending Messages. */
  notify(): void {}

  check(timeoutMs: number, signal: Signal): Promise<void> {
    return this.own.ping(timeoutMs, signal);
  }

  async retire(timeoutMs: number): Promise<void> {
    this.#feed?.close();
    await this.requests.idle();
    while (this.#runs.size > 0) await Promise.all(this.#runs);
    await this.closeTransport(timeoutMs, false);
  }

  /** Over HTTP, the end of the stream cancels the request. MCP 2026-07-28, Cancellation. */
  onGivenUp({ id }: PendingRequest, { message }: UpstreamFailure): void {
    if (this.transport.hasRequestStreams) return;
    const params = `{"requestId":${id},"reason":${JSON.stringify(message)}}`;
    this.send(notificationText('notifications/cancelled', params));
  }

  onMessage(message: Message, requestId: number | null): Promise<void> | undefined {
    this.events.onSeen();
    if (message.kind === 'notification') return this.#takeNotification(message, requestId);
    if (message.kind === 'response') this.takeResponse(message);
    else if (message.kind === 'invalid') this.takeInvalid(message);
    else this.events.onOddity('it sends requests, which the modern era does not have');
    return undefined;
  }

  override onClosed(error: Error): void {
    this.#feed?.close();
    super.onClosed(error);
  }

  #takeNotification(message: NotificationMessage, requestId: number | null): Promise<void> | undefined {
    const { method, params } = message;
    switch (method) {
      case 'notifications/progress':
        return this.takeProgress(message);
      case 'notifications/message':
        return this.takeLogMessage(message, this.#wantingLogs(requestId));
      case 'notifications/subscriptions/acknowledged':
        this.#streamOf(message, requestId)?.acknowledge(params);
        return undefined;
      case 'notifications/cancelled':
        // MCP 2026-07-28, Cancellation: a server ends its stream of notifications.
        this.#endStream(params);
        return undefined;
      case 'notifications/resources/updated': {
        const uri = params?.string('uri');
        if (params !== undefined && uri !== undefined)
          this.events.onResourceUpdated(this, uri, withoutSubscription(params));
        return undefined;
      }
      default:
        return this.takeOther(message, requestId);
    }
  }

  /** The request that a log message belongs to, if its caller wants them. MCP 2026-07-28, Logging. */
  #wantingLogs(requestId: number | null): PendingRequest | 'none' | 'several' {
    const concerned = this.concerned(requestId);
    return typeof concerned === 'string' || concerned.call.caller?.logLevel ? concerned : 'none';
  }

  /** Changes may have been missed. */
  #missed(uris: readonly string[]): void {
    this.events.onItemsChanged(this, allKinds);
    for (const uri of uris) this.events.onResourceUpdated(this, uri, JSON.stringify({ uri }));
  }

  /** The stream of notifications that a message belongs to. */
  #streamOf({ params }: NotificationMessage, requestId: number | null): ListenStream | null {
    const meta = params?.object('_meta');
    const id = meta?.number(reservedMeta.subscriptionId) ?? meta?.string(reservedMeta.subscriptionId);
    const call = this.requests.find(requestId ?? id)?.call;
    return call instanceof ListenStream ? call : null;
  }

  #endStream(params: ObjectText | undefined): void {
    const request = this.requests.find(params?.number('requestId') ?? params?.string('requestId'));
    if (!(request?.call instanceof ListenStream)) return;
    request.drop();
    request.reject(new UpstreamFailure('returned_error', 'ended its stream of notifications'));
  }
}

/** Sends requests whose results are rid of what belongs to the hop, except the discovery itself. */
function readingSender(requests: PendingRequests): Pick<PendingRequests, 'start'> {
  return {
    start(call, target, timeoutMs, done) {
      requests.start(call, target, timeoutMs, {
        resolve(answer) {
          const isDiscovery = call.methodText === discoverMethod;
          const result = isDiscovery ? answer : readOrFail(answer, call.methodText, done);
          if (result !== null) done.resolve(result);
        },
        reject: (reason) => done.reject(reason),
      });
    },
  };
}

/** The params of a notification without the id of our stream. */
function withoutSubscription(params: ObjectText): string {
  const meta = params.object('_meta');
  if (meta?.member(reservedMeta.subscriptionId) === undefined) return params.toString();
  const others = meta.without(reservedMeta.subscriptionId);
  return meta.size === 1 ? params.without('_meta') : params.with({ name: '_meta', value: others });
}
