import type { MemberEdit, ObjectText } from '../../json/object.ts';
import { allKinds, forEachKind, type Kind, kinds } from '../../protocol/kinds.ts';
import {
  errorText,
  type InvalidMessage,
  type Message,
  type NotificationMessage,
  notificationText,
  type RequestMessage,
  type ResponseMessage,
  resultText,
} from '../../protocol/messages.ts';
import { Abort, type Signal } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import { deadlines } from '../../runtime/deadlines.ts';
import { freePayload } from '../../runtime/owned-bytes.ts';
import { UpstreamFailure } from '../failure.ts';
import type { Item } from '../items/item-list.ts';
import type { PendingRequest, UpstreamCall } from '../pending-request.ts';
import { PendingRequests, type PendingRequestsOwner } from '../pending-requests.ts';
import { Listing } from '../requests/listing.ts';
import { isRefusal, OwnRequests } from '../requests/own-requests.ts';
import type { SessionEvents, UpstreamSession } from '../session.ts';
import { traced } from '../transport/traced.ts';
import type { Transport, TransportEvents, TransportSource } from '../transport/transport.ts';
import { initialize, noHandshake } from './handshake.ts';

/** How long the upstream may take to accept a notification or a response of ours. */
const sendTimeoutMs = 10_000;
/** The most of them in flight: an upstream that pings without end is not answered for a while. */
const maxSends = 1_000;

/** An upstream session of the legacy era. The ids and progress tokens that go upstream are its own. */
export class LegacySession implements UpstreamSession, TransportEvents, PendingRequestsOwner {
  readonly era = 'legacy';
  readonly speaks = ['legacy'] as const;
  readonly listTtlMs = null;
  hasServed = false;
  readonly transport: Transport;
  readonly #events: SessionEvents;
  readonly #requests = new PendingRequests(this);
  readonly #own: OwnRequests;
  #handshake = noHandshake;
  #listings: Record<Kind, Listing>;
  #closedBy: Error | null = null;
  #sends = 0;

  constructor(source: TransportSource, events: SessionEvents) {
    this.#events = events;
    this.#own = new OwnRequests(this.#requests, (text) => events.quote(text));
    this.#listings = forEachKind((kind) => new Listing(kind, this.#own, false));
    this.transport = (events.messages ? traced(source, events.messages) : source)(this);
  }

  get protocolVersion(): string {
    return this.#handshake.protocolVersion;
  }
  get serverInfo(): string {
    return this.#handshake.serverInfo;
  }
  get instructions(): string {
    return this.#handshake.instructions;
  }
  get capabilities(): ObjectText {
    return this.#handshake.capabilities;
  }
  get gateways(): readonly string[] {
    return this.#handshake.gateways;
  }
  get transportName(): string {
    return this.transport.name;
  }
  get closedBy(): Error | null {
    return this.#closedBy;
  }

  /** Opens the transport and initializes the session. MCP 2025-11-25, Lifecycle. */
  async open(signal: Signal): Promise<void> {
    await this.transport.open(signal);
    this.#handshake = await initialize(this.#own, this.#events, signal);
    const { capabilities } = this.#handshake;
    this.#listings = forEachKind((kind) => {
      const isDeclared = capabilities.member(kinds[kind].capability) !== undefined;
      return new Listing(kind, this.#own, isDeclared);
    });
    try {
      await this.transport.send(notificationText('notifications/initialized'), signal);
    } catch (error) {
      // A refusal means nothing: the next request shows whether the session lives.
      if (!isRefusal(error, 'auth', 'limited', 'broken')) throw error;
      this.#events.onOddity('notifications/initialized is refused');
    }
    this.transport.initialized(this.protocolVersion);
  }

  call(
    call: UpstreamCall,
    target: MemberEdit | null,
    timeoutMs: number,
    done: Completion<ResponseMessage>,
  ): void {
    this.#requests.start(call, target, timeoutMs, done);
  }

  async list(kind: Kind, pageTimeoutMs: number, timeoutMs: number, signal: Signal): Promise<Item[]> {
    const { items, faults } = await this.#listings[kind].list(pageTimeoutMs, timeoutMs, signal);
    this.#events.onItemFaults(kind, faults);
    return items;
  }

  /** MCP 2025-11-25, Resources, Subscriptions. */
  async subscribe(uri: string, timeoutMs: number, signal: Signal): Promise<void> {
    const params = JSON.stringify({ uri });
    const answer = await this.#own.ask('resources/subscribe', params, timeoutMs, signal);
    freePayload(answer.payload);
    if (answer.error) throw this.#own.refusal('a subscription', answer.error);
  }

  unsubscribe(uri: string): void {
    const params = JSON.stringify({ uri });
    this.#own.ask('resources/unsubscribe', params, sendTimeoutMs, new Abort()).then(
      ({ payload }) => freePayload(payload),
      () => {},
    );
  }

  notify(method: string, paramsText?: string): void {
    this.#send(notificationText(method, paramsText));
  }

  check(timeoutMs: number, signal: Signal): Promise<void> {
    return this.#listings.tools.check(timeoutMs, signal);
  }

  async retire(timeoutMs: number, terminate = true): Promise<void> {
    await this.#requests.idle();
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

  onAnswered(): void {
    // An upstream that refuses to initialize does not count as seen.
    if (this.#handshake !== noHandshake) this.#events.onSeen();
  }

  onGivenUp({ id, call }: PendingRequest, { message }: UpstreamFailure): void {
    // MCP 2025-11-25, Cancellation: `initialize` must not be cancelled.
    if (call.methodText === '"initialize"') return;
    const params = `{"requestId":${id},"reason":${JSON.stringify(message)}}`;
    this.#send(notificationText('notifications/cancelled', params));
  }

  onMessage(message: Message, requestId: number | null): Promise<void> | undefined {
    this.#events.onSeen();
    if (message.kind === 'notification') return this.#takeNotification(message, requestId);
    if (message.kind === 'request') this.#answer(message);
    else if (message.kind === 'response') this.#takeResponse(message);
    else this.#takeInvalid(message);
    return undefined;
  }

  onClosed(error: Error): void {
    this.#closedBy = error;
    this.#events.onClosed(this, error);
    this.#requests.rejectAll(error);
  }

  onDeaf(failure: UpstreamFailure): void {
    this.#requests.rejectDeferred(failure);
  }

  onSuspect(): void {
    this.#events.onSuspect(this);
  }

  #takeNotification(message: NotificationMessage, requestId: number | null): Promise<void> | undefined {
    switch (message.method) {
      case 'notifications/progress': {
        const { params } = message;
        const token = params?.number('progressToken') ?? params?.string('progressToken');
        const request = this.#requests.find(token);
        if (params === undefined || request?.progressToken === undefined) return undefined;
        const paramsText = params.with({ name: 'progressToken', value: request.progressToken });
        return request.call.notify(message.method, paramsText);
      }
      case 'notifications/message':
        // Only a request's own stream tells which call a log message belongs to.
        return this.#requests.find(requestId)?.call.notify(message.method, message.params?.toString());
      case 'notifications/resources/updated': {
        const uri = message.params?.string('uri');
        if (uri !== undefined) this.#events.onResourceUpdated(this, uri, String(message.params));
        return undefined;
      }
      default:
        this.#takeChange(message.method, requestId);
        return undefined;
    }
  }

  /** Some servers announce a change before every answer, that of the list included. That list is new. */
  #takeChange(method: string, requestId: number | null): void {
    const answered = this.#requests.find(requestId)?.call.methodText;
    const changed = allKinds.filter(
      (kind) =>
        kinds[kind].changedNotification === method && JSON.stringify(kinds[kind].listMethod) !== answered,
    );
    for (const kind of changed) this.#listings[kind].changed();
    if (changed.length > 0) this.#events.onItemsChanged(this, changed);
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

  /** The gateway declares no capabilities, so an upstream may request nothing but a ping. */
  #answer({ method, idText }: RequestMessage): void {
    if (method === 'ping') this.#send(resultText(idText, '{}'));
    else this.#send(errorText(idText, '{"code":-32601,"message":"Method not found"}'));
  }

  /** Sends a message that is not answered. Its failure does not matter. */
  #send(body: string): void {
    if (this.#sends === maxSends) return;
    this.#sends++;
    const abort = new Abort();
    const deadline = deadlines.add(sendTimeoutMs, () => abort.abort());
    this.transport
      .send(body, abort)
      .catch(() => {})
      .finally(() => {
        this.#sends--;
        deadline.clear();
      });
  }
}
