import type { MemberEdit } from '../../json/object.ts';
import type { Kind } from '../../protocol/kinds.ts';
import {
  errorText,
  type Message,
  type NotificationMessage,
  notificationText,
  type RequestMessage,
  type ResponseMessage,
  resultText,
} from '../../protocol/messages.ts';
import { isQuestionMethod, urlElicitationRequired } from '../../protocol/questions.ts';
import type { Signal } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import type { UpstreamFailure } from '../failure.ts';
import type { Item } from '../items/item-list.ts';
import { type PendingRequest, plainForm, type UpstreamCall } from '../pending-request.ts';
import { BaseSession } from '../requests/base-session.ts';
import { isRefusal } from '../requests/own-requests.ts';
import type { SessionEvents } from '../session.ts';
import type { TransportSource } from '../transport/transport.ts';
import { Elicitations } from './elicitations.ts';
import { initialize } from './handshake.ts';
import { UpstreamLogLevel } from './log-level.ts';
import { ResourceSubscriptions } from './resource-subscriptions.ts';
import { ServerQuestions } from './server-questions.ts';
import { TaskTokens } from './task-tokens.ts';

/** How long a question of an isolated session waits for a call to belong to, and how many do. */
const earlyQuestionMs = 60;
const maxEarlyQuestions = 10;

/** An upstream session of the legacy era. */
export class LegacySession extends BaseSession {
  readonly listTtlMs = null;
  readonly form = plainForm;
  #protocolVersion = '';
  readonly #questions: ServerQuestions;
  readonly #elicitations = new Elicitations();
  readonly #subscriptions = new ResourceSubscriptions(this.own);
  readonly #taskTokens = new TaskTokens(this.requests);
  readonly #logLevel: UpstreamLogLevel;
  /** Questions that wait for a call. */
  readonly #earlyQuestions: RequestMessage[] = [];
  /** Whether they wait no longer. */
  #isHurried = false;

  /** @param firstId the id of the first request */
  constructor(source: TransportSource, events: SessionEvents, firstId = 1) {
    super(source, events, { era: 'legacy', firstId });
    this.#questions = new ServerQuestions({
      isShared: events.client === null,
      send: (body) => this.send(body),
      onRefused: (method) => events.onQuestionRefused(method),
    });
    this.#logLevel = new UpstreamLogLevel(this.own, events.client !== null);
  }

  get protocolVersion(): string {
    return this.#protocolVersion;
  }

  /** Opens the transport and initializes the session. MCP 2025-11-25, Lifecycle. */
  async open(signal: Signal): Promise<void> {
    await this.transport.open(signal);
    const handshake = await initialize(this.own, this.events, signal);
    this.#protocolVersion = handshake.protocolVersion;
    this.introduced(handshake.server);
    try {
      await this.transport.send(notificationText('notifications/initialized'), signal);
    } catch (error) {
      // A refusal means nothing: the next request shows whether the session lives.
      if (!isRefusal(error, 'auth', 'limited', 'broken')) throw error;
      this.events.onOddity('notifications/initialized is refused');
    }
    this.transport.initialized(this.protocolVersion);
  }

  call(
    call: UpstreamCall,
    target: MemberEdit | null,
    timeoutMs: number,
    done: Completion<ResponseMessage>,
  ): void {
    const level = call.caller === null ? null : call.caller.logLevel;
    if (level !== null && this.#logLevel.isNews(level)) {
      const isDeclared = this.capabilities.member('logging') !== undefined;
      void this.#logLevel
        .set(level, isDeclared, call.signal)
        .finally(() => this.#start(call, target, timeoutMs, done));
    } else this.#start(call, target, timeoutMs, done);
  }

  #start(
    call: UpstreamCall,
    target: MemberEdit | null,
    timeoutMs: number,
    done: Completion<ResponseMessage>,
  ): void {
    this.requests.start(call, target, timeoutMs, done);
    if (this.#earlyQuestions.length > 0) this.#takeEarlyQuestions();
  }

  async list(kind: Kind, pageTimeoutMs: number, timeoutMs: number, signal: Signal): Promise<Item[]> {
    const { items, faults } = await this.listings[kind].list(pageTimeoutMs, timeoutMs, signal);
    this.events.onItemFaults(kind, faults);
    return items;
  }

  subscribe(uri: string, timeoutMs: number, signal: Signal): Promise<void> {
    return this.#subscriptions.subscribe(uri, timeoutMs, signal);
  }

  unsubscribe(uri: string): void {
    this.#subscriptions.unsubscribe(uri);
  }

  notify(method: string, paramsText?: string): void {
    this.send(notificationText(method, paramsText));
  }

  check(timeoutMs: number, signal: Signal): Promise<void> {
    return this.listings.tools.check(timeoutMs, signal);
  }

  async retire(timeoutMs: number, terminate = true): Promise<void> {
    this.#subscriptions.close();
    await this.requests.idle();
    await this.closeTransport(timeoutMs, terminate);
  }

  override onAnswered(request: PendingRequest, answer: ResponseMessage): void {
    super.onAnswered(request, answer);
    if (request.call.makesTask) this.#taskTokens.answered(request);
    if (answer.error?.code === urlElicitationRequired) this.#elicitations.required(request.call, answer);
  }

  onGivenUp({ id, call }: PendingRequest, { message }: UpstreamFailure): void {
    // MCP 2025-11-25, Cancellation: `initialize` must not be cancelled.
    if (call.methodText === '"initialize"') return;
    const params = `{"requestId":${id},"reason":${JSON.stringify(message)}}`;
    this.send(notificationText('notifications/cancelled', params));
  }

  onMessage(message: Message, requestId: number | null): Promise<void> | undefined {
    this.events.onSeen();
    if (message.kind === 'notification') return this.#takeNotification(message, requestId);
    if (message.kind === 'request') this.#takeRequest(message, requestId);
    else if (message.kind === 'response') this.takeResponse(message);
    else this.takeInvalid(message);
    return undefined;
  }

  #takeNotification(message: NotificationMessage, requestId: number | null): Promise<void> | undefined {
    switch (message.method) {
      case 'notifications/progress':
        return this.takeProgress(message) ?? this.#taskTokens.take(message.method, message.params, requestId);
      case 'notifications/message':
        return this.takeLogMessage(message, this.concerned(requestId));
      case 'notifications/cancelled':
        this.#questions.withdraw(message.params?.member('requestId'), requestId);
        return undefined;
      case 'notifications/elicitation/complete':
        return this.#takeCompletion(message, requestId);
      case 'notifications/resources/updated': {
        const uri = message.params?.string('uri');
        if (uri !== undefined) this.events.onResourceUpdated(this, uri, String(message.params));
        return undefined;
      }
      case 'notifications/tasks/status':
        if (message.params) this.events.onTaskStatus(message.params);
        return undefined;
      default:
        return this.takeOther(message, requestId);
    }
  }

  /** MCP 2025-11-25, Elicitation, Completion Notifications: they come whenever the client is done, and name no call. */
  #takeCompletion(
    { method, params }: NotificationMessage,
    requestId: number | null,
  ): Promise<void> | undefined {
    const paramsText = params?.toString();
    const channel = this.#elicitations.take(params?.string('elicitationId') ?? '');
    if (channel === undefined) return this.requests.find(requestId)?.call.notify(method, paramsText);
    channel.notify(method, paramsText);
    return undefined;
  }

  #takeRequest(message: RequestMessage, requestId: number | null): void {
    const { method, idText, params } = message;
    if (method === 'ping') this.send(resultText(idText, '{}'));
    else if (!isQuestionMethod(method))
      this.send(errorText(idText, '{"code":-32601,"message":"Method not found"}'));
    else if (requestId === null && this.#mayBeEarly()) {
      this.#earlyQuestions.push(message);
      setTimeout(() => this.#takeEarlyQuestions(), earlyQuestionMs);
    } else {
      const concerned = this.concerned(requestId);
      if (typeof concerned !== 'string') this.#elicitations.asked(concerned.call, params);
      // On a shared stream, it may belong to any call of the client.
      const isLoose = requestId === null && this.events.client !== null;
      const others = (ruledOut: ReadonlySet<PendingRequest>) =>
        isLoose ? this.requests.concerned(null, true, ruledOut) : 'none';
      this.#questions.take(message, method, concerned, others);
    }
  }

  /** An isolated session is opened for a call, which follows at once. Many servers ask for roots when it is open. */
  #mayBeEarly(): boolean {
    const isIdle = this.events.client !== null && this.concerned(null) === 'none';
    return isIdle && !this.#isHurried && this.#earlyQuestions.length < maxEarlyQuestions;
  }

  #takeEarlyQuestions(): void {
    this.#isHurried = true;
    for (const message of this.#earlyQuestions.splice(0)) this.#takeRequest(message, null);
    this.#isHurried = false;
  }
}
