import type { GatewayError } from '../errors.ts';
import { longValues, maxShortChars } from '../json/long-values.ts';
import type { Ends } from '../json/scan.ts';
import type { DownstreamMetrics } from '../observability/downstream-metrics.ts';
import type { Logger } from '../observability/log.ts';
import { sessionlessCallers } from '../protocol/caller.ts';
import { sessionHeader, versionHeader } from '../protocol/headers.ts';
import type {
  InvalidMessage,
  Message,
  NotificationMessage,
  RequestMessage,
  ResponseMessage,
} from '../protocol/messages.ts';
import type { Router } from '../router/router.ts';
import { Batch } from './batch.ts';
import { Call, type CallParts } from './call.ts';
import {
  batchMessages,
  checkPost,
  checkVersion,
  classify,
  type Inbound,
  maxBatchMessages,
  messagesOf,
  parseFailure,
} from './classify.ts';
import { errorResponse, toGatewayError } from './error-answers.ts';
import { InFlightReplies } from './in-flight.ts';
import { KeepAlive } from './keep-alive.ts';
import { applyNotification, Lifecycle } from './legacy/lifecycle.ts';
import type { Session, Sessions } from './legacy/sessions.ts';
import { Refusals } from './refusals.ts';
import { Reply, type ReplyParts } from './reply.ts';
import type { BodyReader, EndpointRequest } from './request.ts';
import { RequestLog } from './request-log.ts';

interface EndpointParts {
  readonly router: Router;
  readonly sessions: Sessions;
  readonly metrics: DownstreamMetrics;
  readonly logger: Logger;
  /** Returns the ids of this gateway and of those that it reaches, for clients. */
  readonly gateways: () => string;
}

/** `/mcp`, for clients of the legacy era. MCP 2025-11-25, Transports, Streamable HTTP. */
export class Endpoint implements BodyReader {
  readonly #router: Router;
  readonly #metrics: DownstreamMetrics;
  readonly #logger: Logger;
  readonly #log: RequestLog;
  readonly #lifecycle: Lifecycle;
  readonly #callParts: CallParts;
  readonly #refusals: Refusals;
  readonly #replies = new InFlightReplies();
  readonly #replyParts: ReplyParts;

  constructor({ router, sessions, metrics, logger, gateways }: EndpointParts) {
    this.#router = router;
    this.#metrics = metrics;
    this.#logger = logger;
    const log = new RequestLog(logger);
    const streams = new KeepAlive();
    this.#log = log;
    this.#replyParts = { replies: this.#replies, streams, messages: log.messages };
    this.#lifecycle = new Lifecycle({ sessions, metrics, log, streams, gateways });
    this.#callParts = { router, metrics, logger, log };
    this.#refusals = new Refusals(metrics, log);
  }

  /** Answers a POST, GET or DELETE. Never throws. */
  handle(request: EndpointRequest): void {
    if (request.method === 'POST') this.#post(request);
    else if (request.method === 'GET') this.#lifecycle.listen(request);
    else this.#lifecycle.terminate(request);
  }

  bodyRead(request: EndpointRequest): void {
    if (request.text.length > maxShortChars) void this.#serveLong(request);
    else this.#serve(request);
  }

  bodyFailed(request: EndpointRequest, error: GatewayError, headers: Record<string, string>): void {
    request.respond(this.#refusals.post(error, null, headers));
  }

  /** Resolves when all replies are done, or after `timeoutMs`. */
  idle(timeoutMs: number): Promise<void> {
    return this.#replies.idle(timeoutMs);
  }

  /** Cancels all calls; returns how many for each server. */
  cancelAll(): Map<string, number> {
    return this.#replies.cancelAll((exchange) => this.#router.serverOf(exchange));
  }

  #post(request: EndpointRequest): void {
    try {
      checkPost(request);
    } catch (error) {
      request.respond(this.#refusals.post(error as GatewayError));
      return;
    }
    request.readBody(this);
  }

  /** Scans a long body in slices before it is parsed. */
  async #serveLong(request: EndpointRequest): Promise<void> {
    let ends: Ends | undefined;
    try {
      ends = await longValues(request.text, maxBatchMessages, batchMessages);
    } catch (error) {
      request.respond(this.#refusals.post(parseFailure(error)));
      return;
    }
    this.#serve(request, ends);
  }

  #serve(request: EndpointRequest, ends?: Ends): void {
    let inbound: Inbound | null = null;
    try {
      inbound = classify(request.text, ends);
      if (this.#log.messages) this.#log.received(messagesOf(inbound), request);
      if (inbound.kind !== 'invalid') checkVersion(request.header(versionHeader));
      this.#dispatch(inbound, request);
    } catch (error) {
      request.respond(this.#refusals.post(toGatewayError(error, this.#logger), inbound));
    }
  }

  #dispatch(inbound: Inbound, request: EndpointRequest): void {
    switch (inbound.kind) {
      case 'request':
        this.#call(inbound, this.#sessionOf(request), request);
        break;
      case 'notification':
      case 'response':
        this.#accept(inbound, this.#sessionOf(request));
        request.respond(accepted());
        break;
      case 'batch':
        this.#serveBatch(inbound.messages, this.#sessionOf(request), request);
        break;
      case 'initialize':
        this.#initialize(inbound.request, request);
        break;
      case 'invalid':
        request.respond(errorResponse(this.#refusals.message(inbound), inbound.idText));
    }
  }

  #initialize(message: RequestMessage, request: EndpointRequest): void {
    const { answer, headers } = this.#lifecycle.initialize(message, request.principal);
    new Reply(this.#replyParts, request, null, headers).answer(answer);
  }

  /** The session that the request names, if any. Throws `unknown_session`. */
  #sessionOf(request: EndpointRequest): Session | undefined {
    const id = request.header(sessionHeader);
    return id === null ? undefined : this.#lifecycle.session(id, request.principal);
  }

  #call(message: RequestMessage, session: Session | undefined, request: EndpointRequest): void {
    const reply = new Reply(this.#replyParts, request);
    const call = this.#newCall(message, session, request, reply);
    reply.source = call;
    call.start();
  }

  #newCall(
    message: RequestMessage,
    session: Session | undefined,
    request: EndpointRequest,
    reply: Reply,
  ): Call {
    const caller = session?.caller ?? sessionlessCallers[request.principal];
    return new Call(this.#callParts, message, caller, session, reply);
  }

  #serveBatch(messages: readonly Message[], session: Session | undefined, request: EndpointRequest): void {
    const toAnswer: (RequestMessage | InvalidMessage)[] = [];
    for (const message of messages) {
      if (message.kind === 'request' || message.kind === 'invalid') toAnswer.push(message);
      else this.#accept(message, session);
    }
    if (toAnswer.length === 0) {
      request.respond(accepted());
      return;
    }
    const reply = new Reply(this.#replyParts, request, toAnswer.length);
    void new Batch(reply).run(
      toAnswer,
      (message) => this.#newCall(message, session, request, reply),
      (message) => this.#refusals.message(message),
    );
  }

  /** Accepts a notification, or a response to a request that the gateway never sent. */
  #accept(message: NotificationMessage | ResponseMessage, session: Session | undefined): void {
    session?.touch();
    if (message.kind === 'response') this.#metrics.requestWithoutMethod('invalid', true);
    else {
      applyNotification(message, session);
      this.#metrics.request(message.method, true, 0);
    }
  }
}

/** MCP 2025-11-25, Transports, Sending Messages to the Server. */
function accepted(): Response {
  return new Response(null, { status: 202 });
}
