import { messageOf } from '../errors.ts';
import type { Message, NotificationMessage, RequestMessage } from '../protocol/messages.ts';
import { Abort } from '../runtime/abort.ts';
import { Holding } from '../runtime/byte-budget.ts';
import type { BridgedRequest } from './bridged-request.ts';
import { BridgedSession } from './bridged-session.ts';
import { ClientLines } from './client-lines.ts';
import { ClientSide } from './client-side.ts';
import { type BridgeLog, type FindGateway, GatewayLink } from './gateway-link.ts';
import { InitializeRequest, LegacyRequest } from './legacy-request.ts';
import { ListenRequest } from './listen-request.ts';
import type { MessageOutput } from './message-output.ts';
import { headersOf, isModern, KnownTools, ModernRequest } from './modern-request.ts';
import { postOwn } from './own-requests.ts';
import { type BridgeTimes, usualTimes } from './times.ts';

interface BridgeOptions {
  readonly find: FindGateway;
  readonly output: MessageOutput;
  readonly log: BridgeLog;
  readonly times?: BridgeTimes;
}

/** The most requests in flight: each has a connection. */
const maxRequests = 512;
const cancelled = 'notifications/cancelled';
const notExecuted = -32000;

/** Passes the messages of one client on stdio to a gateway over HTTP, and back. MCP 2025-11-25 and 2026-07-28, Transports. */
export class Bridge {
  readonly #log: BridgeLog;
  readonly #times: BridgeTimes;
  readonly #closing = new Abort();
  readonly #client: ClientSide;
  readonly #link: GatewayLink;
  readonly #session: BridgedSession;
  readonly #tools = new KnownTools();
  /** The requests that are not over, by the JSON texts of their ids. */
  readonly #requests = new Map<string, BridgedRequest>();
  #inFlight = 0;
  readonly #lines: ClientLines;
  #hasRefused = false;

  constructor({ find, output, log, times = usualTimes }: BridgeOptions) {
    this.#log = log;
    this.#times = times;
    this.#client = new ClientSide(output);
    const closing = this.#closing;
    this.#link = new GatewayLink({ find, log, times, closing });
    const { link, client } = { link: this.#link, client: this.#client };
    this.#session = new BridgedSession({ link, client, times, log, closing });
    this.#lines = new ClientLines({
      onMessage: (message, text) => this.#take(message, text),
      onRefused: (idText, problem) => this.#refuseLine(idText, problem),
    });
  }

  /** Waits until there is a gateway. Rejects with the `GatewayError` that says why there cannot be one. */
  async reach(): Promise<void> {
    await this.#link.endpoint(this.#closing, performance.now() + this.#times.reachMs);
  }

  /** Takes a part of the client's input. The next one should come when the promise has settled. */
  push(chunk: Uint8Array): Promise<void> {
    return this.#lines.push(chunk);
  }

  /** Ends all requests and the session. Resolves within about a second. @param reason why there cannot be a gateway */
  async close(reason: Error | null = null): Promise<void> {
    for (const request of this.#requests.values()) request.end(reason);
    await this.#session.close();
    this.#closing.abort(reason ?? new Error('the bridge ends'));
    this.#link.close();
  }

  #take(message: Message, text: string): void {
    switch (message.kind) {
      case 'request':
        this.#request(message, text);
        break;
      case 'notification':
        this.#notify(message, text);
        break;
      case 'response': {
        const answer = this.#client.questions.answered(message.id, text);
        if (answer !== null) this.#session.respond(answer);
        break;
      }
      case 'invalid':
        if (message.answers === undefined && message.idText !== 'null')
          this.#client.refuse(
            message.idText,
            -32600,
            `Invalid request: ${message.problem}`,
            'invalid_request',
          );
        else this.#refuseLine(null, message.problem);
    }
  }

  #request(message: RequestMessage, text: string): void {
    const { idText } = message;
    const holding = new Holding();
    if (this.#inFlight >= maxRequests) {
      const what = `${maxRequests} requests are in flight, the most that "mcpstead stdio" passes on at a time`;
      this.#client.refuse(idText, notExecuted, `${what}; wait for answers first`, 'overloaded');
      return;
    }
    if (!holding.tryHold(2 * text.length)) {
      this.#client.refuse(
        idText,
        notExecuted,
        'too many large messages are in flight; try again',
        'overloaded',
      );
      return;
    }
    const request = this.#newRequest(message, text, holding);
    this.#requests.set(idText, request);
    this.#inFlight++;
    void request.run().then(() => {
      this.#inFlight--;
      if (this.#requests.get(idText) === request) this.#requests.delete(idText);
    });
  }

  #newRequest(message: RequestMessage, text: string, holding: Holding): BridgedRequest {
    const parts = { link: this.#link, client: this.#client, times: this.#times, log: this.#log };
    if (isModern(message.params)) {
      const isListen = message.method === 'subscriptions/listen';
      const Modern = isListen ? ListenRequest : ModernRequest;
      return new Modern(message, text, holding, { ...parts, tools: this.#tools });
    }
    const Legacy = message.method === 'initialize' ? InitializeRequest : LegacyRequest;
    return new Legacy(message, text, holding, { ...parts, session: this.#session });
  }

  #notify(message: NotificationMessage, text: string): void {
    const { method, params } = message;
    if (method === cancelled) {
      // One that is over needs none.
      const requestId = params?.member('requestId');
      if (requestId !== undefined) this.#requests.get(requestId)?.cancel(text);
    } else if (isModern(params)) this.#notifyModern(message, text);
    else if (this.#session.isUsed) this.#session.notify(method, text);
  }

  #notifyModern({ method, params }: NotificationMessage, text: string): void {
    const own = { text, headers: () => headersOf(method, params), timeoutMs: this.#times.ownRequestMs };
    postOwn(this.#link, own, this.#closing).catch((error) => {
      if (!this.#closing.aborted) this.#log(`a notification is lost: ${messageOf(error)}`);
    });
  }

  #refuseLine(idText: string | null, problem: string): void {
    if (idText !== null) this.#client.refuse(idText, notExecuted, problem, 'too_long');
    else if (!this.#hasRefused) {
      this.#hasRefused = true;
      this.#log(`what the client sent is skipped: ${problem} (further ones are not reported)`);
    }
  }
}
