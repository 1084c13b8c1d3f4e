import type { MemberEdit, ObjectText } from '../../json/object.ts';
import { tasksExtension } from '../../protocol/extensions.ts';
import { allKinds, forEachKind, type Kind, kinds } from '../../protocol/kinds.ts';
import {
  type InvalidMessage,
  type Message,
  type NotificationMessage,
  notificationText,
  type ResponseMessage,
} from '../../protocol/messages.ts';
import { reservedMeta } from '../../protocol/reserved-meta.ts';
import { Abort, type Signal } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import { deadlines } from '../../runtime/deadlines.ts';
import { freePayload } from '../../runtime/owned-bytes.ts';
import { UpstreamFailure } from '../failure.ts';
import type { Item } from '../items/item-list.ts';
import type { PendingRequest, UpstreamCall } from '../pending-request.ts';
import { PendingRequests, type PendingRequestsOwner } from '../pending-requests.ts';
import { Listing } from '../requests/listing.ts';
import { OwnRequests } from '../requests/own-requests.ts';
import type { SessionEvents, UpstreamSession } from '../session.ts';
import { traced } from '../transport/traced.ts';
import type { Transport, TransportEvents, TransportSource } from '../transport/transport.ts';
import { discover, noDiscovery } from './discovery.ts';
import { ListenStream } from './listen-stream.ts';
import { ModernForm } from './modern-form.ts';
import { NotificationFeed } from './notification-feed.ts';
import { ToolHeaders } from './param-headers.ts';
import { readResult } from './result.ts';
import { StatelessCall, type StatelessCallOwner } from './stateless-call.ts';

/** How long the opening of a session waits for its stream of notifications. */
const listenWaitMs = 1_000;
/** How long the upstream may take to accept a notification of ours. */
const sendTimeoutMs = 10_000;
const discoverMethod = '"server/discover"';

/** For each announcement of changed lists that a filter may name, the capability of servers that make it. */
const announcements = {
  toolsListChanged: 'tools',
  promptsListChanged: 'prompts',
  resourcesListChanged: 'resources',
} as const;

/**
 * A server of the modern era, which knows no sessions: each request carries the identity of its caller. The ids and progress
 * tokens that go upstream are the gateway's own.
 */
export class ModernSession
  implements UpstreamSession, TransportEvents, PendingRequestsOwner, StatelessCallOwner
{
  readonly era = 'modern';
  hasServed = false;
  readonly transport: Transport;
  readonly form: ModernForm;
  readonly #events: SessionEvents;
  readonly #requests = new PendingRequests(this);
  readonly #own: OwnRequests;
  readonly #toolHeaders: ToolHeaders | null;
  readonly #runs = new Set<Promise<void>>();
  #discovery = noDiscovery;
  #listings: Record<Kind, Listing>;
  #feed: NotificationFeed | null = null;
  #relisting: Promise<void> | null = null;
  #closedBy: Error | null = null;

  constructor(source: TransportSource, events: SessionEvents) {
    this.#events = events;
    this.transport = (events.messages ? traced(source, events.messages) : source)(this);
    this.#toolHeaders = this.transport.hasRequestStreams ? new ToolHeaders() : null;
    this.form = new ModernForm(events.client, this.#toolHeaders);
    const own = { start: (...args: Parameters<PendingRequests['start']>) => this.#startOwn(...args) };
    this.#own = new OwnRequests(own, (text) => events.quote(text), 'server/discover');
    this.#listings = this.#makeListings();
  }

  get protocolVersion(): string {
    return this.form.version;
  }
  get serverInfo(): string {
    return this.#discovery.serverInfo;
  }
  get instructions(): string {
    return this.#discovery.instructions;
  }
  get capabilities(): ObjectText {
    return this.#discovery.capabilities;
  }
  get gateways(): readonly string[] {
    return this.#discovery.gateways;
  }
  get transportName(): string {
    return this.transport.name;
  }
  get isBusy(): boolean {
    return this.#requests.hasCalls;
  }
  get closedBy(): Error | null {
    return this.#closedBy;
  }
  get hasHeaders(): boolean {
    return this.transport.hasRequestStreams;
  }
  get listTtlMs(): number | null {
    const ttls = allKinds.map((kind) => this.#listings[kind].ttlMs).filter((ttlMs) => ttlMs !== null);
    return ttls.length === 0 ? null : Math.min(...ttls);
  }

  /**
   * Opens the transport, and finds out which revision the server speaks, and what it offers. Rejects with a `LegacyServerFailure` if that is only
   * the legacy era.
   */
  async discover(signal: Signal): Promise<void> {
    await this.transport.open(signal);
    const discovery = await discover(this.#own, this.form, this.#events, signal);
    this.#discovery = discovery;
    this.form.hasTasks = discovery.capabilities.object('extensions')?.member(tasksExtension) !== undefined;
    this.transport.initialized(this.protocolVersion);
    this.#listings = this.#makeListings();
  }

  /** The same, and opens the stream of notifications. */
  async open(signal: Signal): Promise<void> {
    await this.discover(signal);
    if (!this.#events.wantsChanges) return;
    const lists = Object.entries(announcements)
      .filter(([, capability]) => this.capabilities.object(capability)?.isText('listChanged', 'true'))
      .map(([list]) => list);
    this.#feed = new NotificationFeed({
      lists,
      start: (stream) => this.#requests.start(stream, null, Number.POSITIVE_INFINITY, stream),
      onGap: (uris) => this.#missed(uris),
      onSuspect: () => this.#events.onSuspect(this),
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
    this.#requests.start(call, target, timeoutMs, done);
  }

  async list(kind: Kind, pageTimeoutMs: number, timeoutMs: number, signal: Signal): Promise<Item[]> {
    const next = kind === 'tools' && this.#toolHeaders !== null ? new ToolHeaders() : null;
    const vet = next === null ? undefined : (tool: ObjectText) => next.add(tool);
    const { items, faults } = await this.#listings[kind].list(pageTimeoutMs, timeoutMs, signal, vet);
    if (next !== null) this.#toolHeaders?.replaceBy(next);
    this.#events.onItemFaults(kind, faults);
    return items;
  }

  relistTools(timeoutMs: number): Promise<void> {
    this.#relisting ??= this.list('tools', timeoutMs, timeoutMs, new Abort())
      .then(() => this.#events.onItemsChanged(this, ['tools']))
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
    return this.#own.ping(timeoutMs, signal);
  }

  async retire(timeoutMs: number): Promise<void> {
    this.#feed?.close();
    await this.#requests.idle();
    while (this.#runs.size > 0) await Promise.all(this.#runs);
    const abort = new Abort();
    const deadline = deadlines.add(timeoutMs, () => abort.abort());
    try {
      await this.transport.close(false, abort);
    } catch {
      // The upstream is gone.
    } finally {
      deadline.clear();
    }
  }

  onAnswered(): void {
    // An upstream of another era does not count as seen.
    if (this.#discovery !== noDiscovery) this.#events.onSeen();
  }

  /** Over HTTP, the end of the stream cancels the request. MCP 2026-07-28, Cancellation. */
  onGivenUp({ id }: PendingRequest, { message }: UpstreamFailure): void {
    if (this.transport.hasRequestStreams) return;
    const params = `{"requestId":${id},"reason":${JSON.stringify(message)}}`;
    const abort = new Abort();
    const deadline = deadlines.add(sendTimeoutMs, () => abort.abort());
    this.transport
      .send(notificationText('notifications/cancelled', params), abort)
      .catch(() => {})
      .finally(() => deadline.clear());
  }

  onMessage(message: Message, requestId: number | null): Promise<void> | undefined {
    this.#events.onSeen();
    if (message.kind === 'notification') return this.#takeNotification(message, requestId);
    if (message.kind === 'response') this.#takeResponse(message);
    else if (message.kind === 'invalid') this.#takeInvalid(message);
    else this.#events.onOddity('it sends requests, which the modern era does not have');
    return undefined;
  }

  onClosed(error: Error): void {
    this.#closedBy = error;
    this.#feed?.close();
    this.#events.onClosed(this, error);
    this.#requests.rejectAll(error);
  }

  onDeaf(failure: UpstreamFailure): void {
    this.#requests.rejectDeferred(failure);
  }

  onSuspect(): void {
    this.#events.onSuspect(this);
  }

  #makeListings(): Record<Kind, Listing> {
    return forEachKind((kind) => {
      const isDeclared = this.capabilities.member(kinds[kind].capability) !== undefined;
      return new Listing(kind, 'modern', this.#own, isDeclared);
    });
  }

  #startOwn(
    call: UpstreamCall,
    target: MemberEdit | null,
    timeoutMs: number,
    done: Completion<ResponseMessage>,
  ): void {
    this.#requests.start(call, target, timeoutMs, {
      resolve: (answer) =>
        done.resolve(call.methodText === discoverMethod ? answer : readResult(answer, call.methodText)),
      reject: (reason) => done.reject(reason),
    });
  }

  #takeNotification(message: NotificationMessage, requestId: number | null): Promise<void> | undefined {
    const { method, params } = message;
    switch (method) {
      case 'notifications/progress': {
        const request = this.#requests.find(
          params?.number('progressToken') ?? params?.string('progressToken'),
        );
        if (params === undefined || request?.progressToken === undefined) return undefined;
        return request.call.notify(
          method,
          params.with({ name: 'progressToken', value: request.progressToken }),
        );
      }
      case 'notifications/message':
        return this.#takeLogMessage(message, requestId);
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
          this.#events.onResourceUpdated(this, uri, withoutSubscription(params));
        return undefined;
      }
      default:
        if (this.#takeChange(method, requestId)) return undefined;
        return this.#requests.find(requestId)?.call.notify(method, params?.toString());
    }
  }

  /** Nothing but its stream tells which call a log message belongs to. MCP 2026-07-28, Logging. */
  #takeLogMessage(
    { method, params }: NotificationMessage,
    requestId: number | null,
  ): Promise<void> | undefined {
    const concerned = this.#requests.concerned(requestId, this.#events.client !== null);
    if (typeof concerned !== 'string' && concerned.call.caller?.logLevel)
      return concerned.call.notify(method, params?.toString());
    this.#events.onLogDropped();
    return undefined;
  }

  /**
   * Takes the notification that a list has changed. Returns whether it is one. Some servers announce a change before every answer,
   * that of the list included. That list is new.
   */
  #takeChange(method: string, requestId: number | null): boolean {
    const named = allKinds.filter((kind) => kinds[kind].changedNotification === method);
    if (named.length === 0) return false;
    const answered = this.#requests.find(requestId)?.call.methodText;
    const changed = named.filter((kind) => JSON.stringify(kinds[kind].listMethod) !== answered);
    for (const kind of changed) this.#listings[kind].changed();
    if (changed.length > 0) this.#events.onItemsChanged(this, changed);
    return true;
  }

  /** Changes may have been missed. */
  #missed(uris: readonly string[]): void {
    this.#events.onItemsChanged(this, allKinds);
    for (const uri of uris) this.#events.onResourceUpdated(this, uri, JSON.stringify({ uri }));
  }

  /** The stream of notifications that a message belongs to. */
  #streamOf({ params }: NotificationMessage, requestId: number | null): ListenStream | null {
    const meta = params?.object('_meta');
    const id = meta?.number(reservedMeta.subscriptionId) ?? meta?.string(reservedMeta.subscriptionId);
    const call = this.#requests.find(requestId ?? id)?.call;
    return call instanceof ListenStream ? call : null;
  }

  #endStream(params: ObjectText | undefined): void {
    const request = this.#requests.find(params?.number('requestId') ?? params?.string('requestId'));
    if (!(request?.call instanceof ListenStream)) return;
    request.drop();
    request.reject(new UpstreamFailure('returned_error', 'ended its stream of notifications'));
  }

  /** Takes a response that came on another stream than its request's. */
  #takeResponse(answer: ResponseMessage): void {
    const request = this.#requests.find(answer.id);
    if (request === undefined) {
      freePayload(answer.payload);
      this.#events.onOddity('it answers a request that is unknown or has ended');
      return;
    }
    request.drop();
    request.resolve(answer);
  }

  /** An invalid response fails its request, for which no better one will follow. Other messages are not affected. */
  #takeInvalid({ answers, problem }: InvalidMessage): void {
    const request = this.#requests.find(answers);
    if (request === undefined) {
      this.#events.onOddity(`it sends something that is not JSON-RPC: ${problem}`);
      return;
    }
    request.drop();
    request.reject(
      new UpstreamFailure('protocol', `answered with something that is not JSON-RPC: ${problem}`),
    );
  }
}

/** The params of a notification without the id of our stream. */
function withoutSubscription(params: ObjectText): string {
  const meta = params.object('_meta');
  if (meta?.member(reservedMeta.subscriptionId) === undefined) return params.toString();
  const others = meta.without(reservedMeta.subscriptionId);
  return meta.size === 1 ? params.without('_meta') : params.with({ name: '_meta', value: others });
}
