import { type MemberEdit, ObjectText } from '../../json/object.ts';
import { gatewaysIn } from '../../protocol/instance.ts';
import type { MessageLog } from '../../protocol/message-log.ts';
import {
  errorText,
  type InvalidMessage,
  type Message,
  type NotificationMessage,
  notificationText,
  type RequestId,
  type RequestMessage,
  type ResponseMessage,
  type RpcError,
  resultText,
  serialOf,
} from '../../protocol/messages.ts';
import { isLegacyVersion, latestLegacyVersion, legacyVersions } from '../../protocol/versions.ts';
import { Abort, type Signal } from '../../runtime/abort.ts';
import type { Completion } from '../../runtime/completion.ts';
import { deadlines } from '../../runtime/deadlines.ts';
import { freePayload, textOf } from '../../runtime/owned-bytes.ts';
import { build } from '../../version.ts';
import {
  cancelled,
  type FailureKind,
  failureIn,
  loopFailure,
  sessionLossIn,
  UpstreamFailure,
} from '../failure.ts';
import { type Item, ItemList } from '../items/item-list.ts';
import { PendingRequest, type RequestOwner, type UpstreamCall } from '../pending-request.ts';
import { maxRequestsInFlight, RequestTable } from '../request-table.ts';
import { traced } from '../transport/traced.ts';
import type { Transport, TransportEvents } from '../transport/transport.ts';

/** How long a notification, or an answer of ours to the upstream, may take to be accepted. */
const sendTimeoutMs = 10_000;
/** How many of these may be under way at once: an upstream that pings without end gets no more answers for a while. */
const maxUnansweredSends = 1_000;
/** Failures that an upstream which lives can bring about, by its answer. */
const refusalKinds: readonly FailureKind[] = ['returned_error', 'unsupported', 'protocol'];
/** The JSON text of the method that opens a session. */
const openingMethod = '"initialize"';
/** JSON-RPC 2.0 section 5.1. */
const methodNotFound = -32601;
/** The JSON text of the params that ask for the first page of a list. */
const firstPage = '{}';
/** The JSON text of the method that lists tools. */
const listMethod = '"tools/list"';

/** What a session tells the connection that owns it, and what it asks of it. */
export interface SessionEvents {
  /** The id by which this gateway recognizes itself. */
  readonly instance: string;
  /** Is told of each message; absent unless somebody wants to know. */
  readonly messages?: MessageLog | null;
  /** Words of the upstream in a form that may be shown: short, on one line, without secrets. */
  quote(text: string): string;
  onToolsChanged(session: LegacySession): void;
  /** The tools were listed: what of the list was passed over, and why, or null. */
  onToolFaults(faults: string | null): void;
  /** The transport is gone. */
  onClosed(session: LegacySession, error: Error): void;
  /** Something hints at a lost session or a dead upstream. */
  onSuspect(session: LegacySession): void;
  /** The upstream said something. */
  onSeen(): void;
  /** Something that the upstream does was passed over: `what` is one of a fixed number of texts. */
  onOddity(what: string): void;
}

/**
 * One initialized session with an upstream of the legacy era. It owns the ids and progress tokens that go
 * upstream: two clients may use the same ones at the same time.
 */
export class LegacySession implements TransportEvents, RequestOwner {
  /** Whether a client's call went well in it, since another one was told that there is no such session. */
  hasServed = false;
  readonly #transport: Transport;
  readonly #events: SessionEvents;
  readonly #calls = new RequestTable<PendingRequest>();
  #protocolVersion = '';
  #serverInfo = '';
  /** Whether the upstream may have tools: some that do not say so list them all the same. */
  #mayHaveTools = true;
  /** Whether it says that it has. */
  #hasTools = false;
  /** How many tools it listed last; null: none were listed yet. */
  #listedTools: number | null = null;
  #gateways: readonly string[] = [];
  #closedBy: Error | null = null;
  #sending = 0;
  #onIdle: (() => void) | null = null;

  /** @param connect makes the transport, which tells this session what comes in. */
  constructor(connect: (events: TransportEvents) => Transport, events: SessionEvents) {
    this.#transport = (events.messages ? traced(connect, events.messages) : connect)(this);
    this.#events = events;
  }

  get protocolVersion(): string {
    return this.#protocolVersion;
  }
  /** The server's own name and version, as they may be shown; empty: it did not tell. MCP 2025-11-25, Implementation. */
  get serverInfo(): string {
    return this.#serverInfo;
  }
  /** The ids of the gateways that are reached in this session: the upstream, where it is one, and those behind it. */
  get gateways(): readonly string[] {
    return this.#gateways;
  }
  get transportName(): string {
    return this.#transport.name;
  }

  /** What ended the transport, or null while it lives. */
  get closedBy(): Error | null {
    return this.#closedBy;
  }

  /** Opens the transport and initializes. MCP 2025-11-25, Lifecycle. */
  async open(signal: Signal): Promise<void> {
    await this.#transport.open(signal);
    const params = {
      protocolVersion: latestLegacyVersion,
      capabilities: {},
      clientInfo: { name: 'mcpstead', version: build.version },
    };
    const answer = await this.#askOnce(
      'initialize',
      JSON.stringify(params),
      Number.POSITIVE_INFINITY,
      signal,
    );
    const result = new ObjectText(textOf(answer.payload));
    freePayload(answer.payload);
    if (answer.error) throw this.#refusal('to initialize', answer.error);
    this.#gateways = gatewaysIn(result);
    if (this.#gateways.includes(this.#events.instance))
      throw loopFailure(this.#gateways[0] === this.#events.instance);
    const protocolVersion = result.string('protocolVersion');
    if (!isLegacyVersion(protocolVersion)) {
      const supported = legacyVersions.join(', ');
      const found =
        protocolVersion === undefined
          ? 'no protocol version'
          : `the unknown protocol version ${this.#events.quote(protocolVersion)}`;
      throw new UpstreamFailure('protocol', `speaks ${found}; known are ${supported}`);
    }
    this.#protocolVersion = protocolVersion;
    const info = result.object('serverInfo');
    this.#serverInfo = this.#events.quote(`${info?.string('name') ?? ''} ${info?.string('version') ?? ''}`);
    this.#hasTools = result.object('capabilities')?.member('tools') !== undefined;
    try {
      await this.#transport.send(notificationText('notifications/initialized'), signal);
    } catch (error) {
      // What it is answered means nothing: whether the session lives is seen from what is asked in it next.
      if (!isRefusal(error, 'auth', 'limited', 'broken')) throw error;
      this.#events.onOddity('notifications/initialized is refused');
    }
    this.#transport.initialized(protocolVersion);
  }

  /**
   * Sends a request. `done` gets the response, a result or an error, or an {@link UpstreamFailure}. On timeout and cancellation
   * the upstream is notified.
   *
   * @param target the member of the params that names the target, as the upstream knows it; null: the params stay
   */
  call(
    call: UpstreamCall,
    target: MemberEdit | null,
    timeoutMs: number,
    done: Completion<ResponseMessage>,
  ): void {
    const id = call.signal.aborted ? null : this.#calls.nextId();
    if (id === null) {
      done.reject(call.signal.aborted ? cancelled() : tooManyRequests());
      return;
    }
    const request = new PendingRequest(this, id, call, target, timeoutMs, done);
    this.#calls.add(request);
    request.start(this.#transport);
  }

  onAnswered(request: PendingRequest, answer: ResponseMessage): void {
    this.#remove(request);
    this.#events.onSeen();
    request.done.resolve(answer);
  }

  onFailed(request: PendingRequest, reason: unknown): void {
    this.#remove(request);
    // MCP 2025-11-25, Cancellation: `initialize` must not be cancelled.
    if (!request.aborted || request.call.methodText === openingMethod) {
      request.done.reject(reason);
      return;
    }
    const why = request.reason instanceof UpstreamFailure ? request.reason : cancelled();
    const params = `{"requestId":${request.id},"reason":${JSON.stringify(why.message)}}`;
    this.#send(notificationText('notifications/cancelled', params));
    request.done.reject(why);
  }

  #remove({ id }: PendingRequest): void {
    this.#calls.delete(id);
    if (this.#calls.size === 0) this.#onIdle?.();
  }

  /**
   * Sends a request of the gateway's own, until `signal` is aborted. None of them changes anything, so it is sent a second
   * time where its connection broke: that may be one of those that the server closes as they are used again.
   */
  async #ask(
    method: string,
    paramsText: string,
    timeoutMs: number,
    signal: Signal,
  ): Promise<ResponseMessage> {
    try {
      return await this.#askOnce(method, paramsText, timeoutMs, signal);
    } catch (error) {
      const isBroken = failureIn(error)?.kind === 'broken';
      if (!isBroken || this.#closedBy) throw error;
      return this.#askOnce(method, paramsText, timeoutMs, signal);
    }
  }

  #askOnce(method: string, paramsText: string, timeoutMs: number, signal: Signal): Promise<ResponseMessage> {
    const call = {
      methodText: JSON.stringify(method),
      params: new ObjectText(paramsText),
      meta: undefined,
      signal,
      notify: () => undefined,
    };
    const answer = Promise.withResolvers<ResponseMessage>();
    this.call(call, null, timeoutMs, answer);
    return answer.promise;
  }

  /**
   * Whether the session is one still: asks for the first tools, or for a sign of life where there are none. Rejects with
   * an {@link UpstreamFailure} where the upstream answers with an error, too: a server may say so that it has lost it.
   */
  async check(timeoutMs: number, signal: Signal): Promise<void> {
    if (!this.#mayHaveTools) return this.#ping(timeoutMs, signal);
    const { payload } = await this.#page(firstPage, timeoutMs, signal);
    freePayload(payload);
  }

  /** MCP 2025-11-25, Ping. A server that does not know this method knows the session. */
  async #ping(timeoutMs: number, signal: Signal): Promise<void> {
    const { error, payload } = await this.#ask('ping', '{}', timeoutMs, signal);
    freePayload(payload);
    if (error && error.code !== methodNotFound) throw this.#refusal('a ping', error);
  }

  /**
   * All tools of the upstream, page by page, each page within `pageTimeoutMs` and all within `timeoutMs`. One that says
   * that it has none, and refuses to list any, is asked for a sign of life instead: fetching the list is the health check.
   */
  async listTools(pageTimeoutMs: number, timeoutMs: number, signal: Signal): Promise<Item[]> {
    const list = new ItemList();
    try {
      if (this.#mayHaveTools) await this.#listTools(list, pageTimeoutMs, timeoutMs, signal);
    } catch (error) {
      // As it said.
      if (this.#hasTools || list.pages > 0 || !isRefusal(error)) throw error;
      this.#mayHaveTools = false;
    }
    // What it has listed once it has.
    this.#hasTools = this.#mayHaveTools;
    if (!this.#mayHaveTools) await this.#ping(pageTimeoutMs, signal);
    const tools = list.tools();
    this.#listedTools = tools.length;
    this.#events.onToolFaults(list.faults());
    return tools;
  }

  async #listTools(list: ItemList, pageTimeoutMs: number, timeoutMs: number, signal: Signal): Promise<void> {
    const endMs = performance.now() + timeoutMs;
    for (let params: string | null = firstPage; params !== null; ) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) {
        const found = `${list.pages} pages came within ${timeoutMs / 1000} s`;
        throw new UpstreamFailure('timeout', `did not list all of its tools: ${found}`);
      }
      const page = await this.#page(params, Math.ceil(Math.min(pageTimeoutMs, leftMs)), signal).catch(
        (error) => {
          // Where there is a list from before, that is better than a part of one.
          if (this.#listedTools !== null || list.pages === 0 || !isRefusal(error) || error.loss) throw error;
          list.endsBefore(error.message);
          return null;
        },
      );
      if (page === null) return;
      try {
        params = await list.add(page);
      } finally {
        freePayload(page.payload);
      }
    }
  }

  async #page(params: string, timeoutMs: number, signal: Signal): Promise<ResponseMessage> {
    const answer = await this.#ask('tools/list', params, timeoutMs, signal);
    if (answer.error) {
      freePayload(answer.payload);
      throw this.#refusal('to list its tools', answer.error);
    }
    // A server that had tools, and now answers something else, knows this session no more. What is long is a list.
    const mustList = this.#listedTools && params === firstPage && typeof answer.payload === 'string';
    if (mustList && new ObjectText(textOf(answer.payload)).member('tools') === undefined)
      throw new UpstreamFailure('protocol', 'answered tools/list without a list of tools');
    return answer;
  }

  /**
   * Takes no more calls, and ends the session once the running ones are done; each of those has a deadline.
   * Resolves when the upstream was told, or could not be within `timeoutMs`. Without `terminate` it is not told.
   */
  async retire(timeoutMs: number, terminate = true): Promise<void> {
    if (this.#calls.size > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    const abort = new Abort();
    const deadline = deadlines.add(timeoutMs, () => abort.abort());
    try {
      await this.#transport.close(terminate, abort);
    } catch {
      // The upstream is gone, or will find out by itself.
    } finally {
      deadline.clear();
    }
  }

  onMessage(message: Message, requestId: number | null): Promise<void> | undefined {
    this.#events.onSeen();
    if (message.kind === 'notification') return this.#onNotification(message, requestId);
    if (message.kind === 'request') this.#onRequest(message);
    else if (message.kind === 'response') this.#onResponse(message);
    else this.#onInvalid(message);
    return undefined;
  }

  onClosed(error: Error): void {
    this.#closedBy = error;
    this.#events.onClosed(this, error);
    for (const request of this.#calls.values()) request.reject(error);
  }

  onDeaf(failure: UpstreamFailure): void {
    for (const request of this.#calls.values()) if (request.isDeferred) request.reject(failure);
  }

  onSuspect(): void {
    this.#events.onSuspect(this);
  }

  #onNotification(message: NotificationMessage, requestId: number | null): Promise<void> | undefined {
    switch (message.method) {
      case 'notifications/progress': {
        const { params } = message;
        const token = params?.number('progressToken') ?? serialOf(params?.string('progressToken'));
        const running = token === undefined ? undefined : this.#calls.get(token);
        if (params === undefined || running?.progressToken === undefined) return undefined;
        const paramsText = params.with({ name: 'progressToken', value: running.progressToken });
        return running.call.notify(message.method, paramsText);
      }
      case 'notifications/message':
        // Only a stream of its own ties a log message to the call that caused it.
        if (requestId === null) return undefined;
        return this.#calls.get(requestId)?.call.notify(message.method, message.params?.toString());
      case 'notifications/tools/list_changed':
        // Some servers send this ahead of every answer, that of tools/list included: the list that follows is new.
        if (requestId === null || this.#calls.get(requestId)?.call.methodText !== listMethod) {
          this.#mayHaveTools = true;
          this.#events.onToolsChanged(this);
        }
        return undefined;
      default:
        return undefined;
    }
  }

  /** A response that came on another stream than its request's. */
  #onResponse(answer: ResponseMessage): void {
    const asked = this.#askedWith(answer.id);
    if (asked === undefined) {
      freePayload(answer.payload);
      this.#events.onOddity('it answers what was not asked, or no more');
      return;
    }
    asked.drop();
    asked.resolve(answer);
  }

  /** One bad message says nothing about the others, but no better one will follow for the same request. */
  #onInvalid({ answers, problem }: InvalidMessage): void {
    const asked = answers === undefined ? undefined : this.#askedWith(answers);
    if (asked === undefined) {
      this.#events.onOddity(`it sends what is no JSON-RPC: ${problem}`);
      return;
    }
    asked.drop();
    asked.reject(new UpstreamFailure('protocol', `answered with something that is not JSON-RPC: ${problem}`));
  }

  /** The request of ours that has that id and no answer yet. */
  #askedWith(id: RequestId | null): PendingRequest | undefined {
    const serial = serialOf(id);
    return serial === undefined ? undefined : this.#calls.get(serial);
  }

  /** We declare no capabilities, so an upstream may ask for nothing but a ping. */
  #onRequest(message: RequestMessage): void {
    if (message.method === 'ping') this.#send(resultText(message.idText, '{}'));
    else this.#send(errorText(message.idText, '{"code":-32601,"message":"Method not found"}'));
  }

  #refusal(what: string, { code, message }: RpcError): UpstreamFailure {
    const reason = this.#events.quote(message);
    return new UpstreamFailure(
      'returned_error',
      `refused ${what}: ${reason === '' ? '' : `${reason} `}(error ${code})`,
      sessionLossIn({ code, message }) ?? undefined,
    );
  }

  /** Sends what needs no answer; whether it arrives is not our concern. */
  #send(body: string): void {
    if (this.#sending === maxUnansweredSends) return;
    this.#sending++;
    const abort = new Abort();
    const deadline = deadlines.add(sendTimeoutMs, () => abort.abort());
    this.#transport
      .send(body, abort)
      .catch(() => {})
      .finally(() => {
        this.#sending--;
        deadline.clear();
      });
  }
}

/** Whether the upstream answered, be it not in the way that it should. */
function isRefusal(error: unknown, ...more: FailureKind[]): boolean {
  const failure = failureIn(error);
  return failure !== null && [...refusalKinds, ...more].includes(failure.kind);
}

function tooManyRequests(): UpstreamFailure {
  return new UpstreamFailure('busy', `has ${maxRequestsInFlight} requests in flight, which is the most`);
}
