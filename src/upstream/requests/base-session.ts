import type { ObjectText } from '../../json/object.ts';
import { allKinds, forEachKind, type Kind, kinds } from '../../protocol/kinds.ts';
import type {
  InvalidMessage,
  Message,
  NotificationMessage,
  ResponseMessage,
} from '../../protocol/messages.ts';
import type { Era } from '../../protocol/versions.ts';
import { Abort } from '../../runtime/abort.ts';
import { deadlines } from '../../runtime/deadlines.ts';
import { freePayload } from '../../runtime/owned-bytes.ts';
import { failureIn, UpstreamFailure } from '../failure.ts';
import type { Item } from '../items/item-list.ts';
import type { PendingRequest, RequestForm } from '../pending-request.ts';
import { PendingRequests, type PendingRequestsOwner } from '../pending-requests.ts';
import type { SessionEvents, UpstreamSession } from '../session.ts';
import { traced } from '../transport/traced.ts';
import type { Transport, TransportEvents, TransportSource } from '../transport/transport.ts';
import { Listing } from './listing.ts';
import { OwnRequests } from './own-requests.ts';
import { noDescription, type UpstreamDescription } from './upstream-description.ts';

/** How long the upstream may take to accept a notification or a response of ours. */
const sendTimeoutMs = 10_000;
/** The most of them in flight: an upstream that pings without end is not answered for a while. */
const maxSends = 10_000;

interface BaseSessionOptions {
  readonly era: Era;
  /** The id of the first request, by default 1. */
  readonly firstId?: number;
  /** What every server of the era answers, by default `ping`. */
  readonly pingMethod?: string;
  /** Sends the gateway's own requests. */
  readonly sender?: (requests: PendingRequests) => Pick<PendingRequests, 'start'>;
}

/**
 * What the sessions of both eras do alike: they know what the server says of itself, keep the requests and lists, and find the
 * request that a message belongs to. The ids and progress tokens that go upstream are the gateway's own.
 */
export abstract class BaseSession implements UpstreamSession, TransportEvents, PendingRequestsOwner {
  readonly era: Era;
  abstract readonly form: RequestForm;
  abstract readonly protocolVersion: string;
  abstract readonly listTtlMs: number | null;
  hasServed = false;
  isDeaf = false;
  readonly transport: Transport;
  protected readonly events: SessionEvents;
  protected readonly requests: PendingRequests;
  protected readonly own: OwnRequests;
  protected listings: Record<Kind, Listing>;
  #server = noDescription;
  #closedBy: Error | null = null;
  #sends = 0;

  constructor(source: TransportSource, events: SessionEvents, options: BaseSessionOptions) {
    const { era, firstId, pingMethod, sender = (requests) => requests } = options;
    this.era = era;
    this.events = events;
    this.requests = new PendingRequests(this, firstId);
    this.own = new OwnRequests(sender(this.requests), (text) => events.quote(text), pingMethod);
    this.listings = forEachKind((kind) => this.#listingOf(kind));
    this.transport = (events.messages ? traced(source, events.messages) : source)(this);
  }

  get serverInfo(): string {
    return this.#server.serverInfo;
  }
  get instructions(): string {
    return this.#server.instructions;
  }
  get capabilities(): ObjectText {
    return this.#server.capabilities;
  }
  get gateways(): readonly string[] {
    return this.#server.gateways;
  }
  get transportName(): string {
    return this.transport.name;
  }
  get isBusy(): boolean {
    return this.requests.hasCalls;
  }
  get closedBy(): Error | null {
    return this.#closedBy;
  }

  abstract call(...args: Parameters<UpstreamSession['call']>): void;
  abstract list(...args: Parameters<UpstreamSession['list']>): Promise<Item[]>;
  abstract subscribe(...args: Parameters<UpstreamSession['subscribe']>): Promise<void>;
  abstract unsubscribe(uri: string): void;
  abstract notify(method: string, paramsText?: string): void;
  abstract check(...args: Parameters<UpstreamSession['check']>): Promise<void>;
  abstract retire(timeoutMs: number, terminate?: boolean): Promise<void>;

  /** The server has introduced itself. */
  protected introduced(server: UpstreamDescription): void {
    this.#server = server;
    this.listings = forEachKind((kind) => this.#listingOf(kind));
  }

  #listingOf(kind: Kind): Listing {
    const isDeclared = this.capabilities.member(kinds[kind].capability) !== undefined;
    return new Listing(kind, this.era, this.own, isDeclared);
  }

  /** Closes the transport. Does not reject. */
  protected async closeTransport(timeoutMs: number, terminate: boolean): Promise<void> {
    const abort = new Abort();
    const deadline = deadlines.add(timeoutMs, () => abort.abort());
    try {
      await this.transport.close(terminate, abort);
    } catch {
      // The upstream is gone, or will notice later.
    } finally {
      deadline.clear();
    }
  }

  /**
   * Sends a message that is not answered. Its failure does not matter. It is sent a second time if its connection breaks, which
   * may be one that the server closes while it is used again; to get it twice does no harm.
   */
  protected send(body: string): void {
    if (this.#sends === maxSends) return;
    this.#sends++;
    const abort = new Abort();
    const deadline = deadlines.add(sendTimeoutMs, () => abort.abort());
    this.transport
      .send(body, abort)
      .catch((error) => {
        if (failureIn(error)?.kind === 'broken') return this.transport.send(body, abort);
      })
      .catch(() => {})
      .finally(() => {
        this.#sends--;
        deadline.clear();
      });
  }

  abstract onMessage(message: Message, requestId: number | null): Promise<void> | undefined;
  abstract onGivenUp(request: PendingRequest, reason: UpstreamFailure): void;

  onAnswered(_request: PendingRequest, _answer: ResponseMessage): void {
    // An upstream that has not introduced itself, or is of another era, does not count as seen.
    if (this.#server !== noDescription) this.events.onSeen();
  }

  onClosed(error: Error): void {
    this.#closedBy = error;
    this.events.onClosed(this, error);
    this.requests.rejectAll(error);
  }

  onDeaf(failure: UpstreamFailure): void {
    this.isDeaf = true;
    this.requests.rejectDeferred(failure);
  }

  onSuspect(): void {
    this.events.onSuspect(this);
  }

  /** The request that a message of the server belongs to, or why that is unknown. */
  protected concerned(requestId: number | null): PendingRequest | 'none' | 'several' {
    return this.requests.concerned(requestId, this.events.client !== null);
  }

  /**
   * Passes a log message on to the caller of its request. One that belongs to no single call may be about another client's, unless
   * the session has only one.
   */
  protected takeLogMessage(
    { method, params }: NotificationMessage,
    concerned: PendingRequest | 'none' | 'several',
  ): Promise<void> | undefined {
    if (typeof concerned !== 'string') return concerned.call.notify(method, params?.toString());
    const channel = this.events.client?.channel;
    if (channel) channel.notify(method, params?.toString());
    else this.events.onLogDropped();
    return undefined;
  }

  /** Passes progress on to the caller of its request, under the caller's own token. */
  protected takeProgress({ method, params }: NotificationMessage): Promise<void> | undefined {
    const request = this.requests.find(params?.number('progressToken') ?? params?.string('progressToken'));
    if (params === undefined || request?.progressToken === undefined) return undefined;
    return request.call.notify(method, params.with({ name: 'progressToken', value: request.progressToken }));
  }

  /**
   * Takes the notification that a list has changed, and passes another one on to the caller of the request on whose stream it
   * comes. Some servers announce a change before every answer, that of the list included. That list is new.
   */
  protected takeOther(
    { method, params }: NotificationMessage,
    requestId: number | null,
  ): Promise<void> | undefined {
    const call = this.requests.find(requestId)?.call;
    const named = allKinds.filter((kind) => kinds[kind].changedNotification === method);
    if (named.length === 0) return call?.notify(method, params?.toString());
    const changed = named.filter((kind) => JSON.stringify(kinds[kind].listMethod) !== call?.methodText);
    for (const kind of changed) this.listings[kind].changed();
    if (changed.length > 0) this.events.onItemsChanged(this, changed);
    return undefined;
  }

  /** Takes a response that came on another stream than its request's. */
  protected takeResponse(answer: ResponseMessage): void {
    const request = this.requests.find(answer.id);
    if (request === undefined) {
      freePayload(answer.payload);
      this.requests.answeredLate(answer.id);
      this.events.onOddity('it answers a request that is unknown or has ended');
      return;
    }
    request.drop();
    request.resolve(answer);
  }

  /** An invalid response fails its request, for which no better one will follow. Other messages are not affected. */
  protected takeInvalid({ answers, problem }: InvalidMessage): void {
    const request = this.requests.find(answers);
    if (request === undefined) {
      this.events.onOddity(`it sends something that is not JSON-RPC: ${problem}`);
      return;
    }
    request.drop();
    request.reject(
      new UpstreamFailure('protocol', `answered with something that is not JSON-RPC: ${problem}`),
    );
  }
}
