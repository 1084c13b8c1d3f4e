import { GatewayError } from '../errors.ts';
import { longValues, maxShortChars } from '../json/long-values.ts';
import type { Ends } from '../json/scan.ts';
import type { DownstreamMetrics } from '../observability/downstream-metrics.ts';
import type { Logger } from '../observability/log.ts';
import { type Caller, sessionlessCaller } from '../protocol/caller.ts';
import { sessionHeader, versionHeader } from '../protocol/headers.ts';
import type { Kind } from '../protocol/kinds.ts';
import type {
  InvalidMessage,
  Message,
  NotificationMessage,
  RequestMessage,
  ResponseMessage,
} from '../protocol/messages.ts';
import { type Era, namesModernEra } from '../protocol/versions.ts';
import type { Registry } from '../registry/registry.ts';
import type { Router } from '../router/router.ts';
import type { Seal } from '../state/seal.ts';
import { Batch } from './batch.ts';
import type { CallParts } from './call.ts';
import {
  batchMessages,
  checkVersion,
  classify,
  type Inbound,
  maxBatchMessages,
  messagesOf,
  parseFailure,
  postProblem,
} from './classify.ts';
import type { ClientCounts } from './client-counts.ts';
import { errorResponse, toGatewayError } from './error-answers.ts';
import { InFlightReplies } from './in-flight.ts';
import { KeepAlive } from './keep-alive.ts';
import { applyNotification, takeInvalid, takeResponse } from './legacy/client-messages.ts';
import { LegacyCall } from './legacy/legacy-call.ts';
import { Lifecycle } from './legacy/lifecycle.ts';
import type { Session } from './legacy/session.ts';
import type { Sessions } from './legacy/sessions.ts';
import { ListChanges } from './list-changes.ts';
import { ModernEndpoint } from './modern/modern-endpoint.ts';
import { Rounds } from './modern/rounds.ts';
import { Reply, type ReplyParts } from './reply.ts';
import type { EndpointRequest } from './request.ts';
import { RequestLog } from './request-log.ts';
import { ServerDescriptions } from './server-description.ts';

interface EndpointParts {
  readonly router: Router;
  readonly registry: Registry;
  readonly sessions: Sessions;
  /** Seals what clients of the modern era keep for the gateway. */
  readonly seal: Seal;
  readonly metrics: DownstreamMetrics;
  readonly logger: Logger;
  /** Returns the ids of this gateway and of those that it reaches, for clients. */
  readonly gateways: () => string;
}

/** `/mcp`, for clients of both eras. MCP 2025-11-25 and 2026-07-28, Transports, Streamable HTTP. */
export class Endpoint {
  readonly #parts: CallParts;
  readonly #sessions: Sessions;
  readonly #lifecycle: Lifecycle;
  readonly #modern: ModernEndpoint;
  readonly #rounds: Rounds;
  readonly #replies = new InFlightReplies();
  readonly #replyParts: ReplyParts;
  readonly #listChanges = new ListChanges((changed) => {
    this.#sessions.listsChanged(changed);
    this.#modern.listens.listsChanged(changed);
  });

  constructor({ router, registry, sessions, seal, metrics, logger, gateways }: EndpointParts) {
    const log = new RequestLog(logger);
    const streams = new KeepAlive();
    this.#parts = { router, metrics, logger, log };
    this.#sessions = sessions;
    this.#replyParts = { replies: this.#replies, streams, messages: log.messages };
    const descriptions = new ServerDescriptions({ router, registry, gateways });
    this.#rounds = new Rounds({ seal, metrics, logger, serverOf: (exchange) => router.serverOf(exchange) });
    this.#modern = new ModernEndpoint({
      calls: this.#parts,
      replies: this.#replyParts,
      rounds: this.#rounds,
      registry,
      descriptions,
    });
    this.#lifecycle = new Lifecycle({ descriptions, sessions, metrics, log, streams });
  }

  /** Answers a POST, GET or DELETE. Never throws. */
  handle(request: EndpointRequest): void {
    if (request.method === 'POST') this.#post(request);
    else if (request.method === 'GET') this.#lifecycle.listen(request);
    else this.#lifecycle.terminate(request);
  }

  /** Serves a POST whose body has been read. */
  bodyRead(request: EndpointRequest, text: string): void {
    if (text.length > maxShortChars) void this.#serveLong(request, text);
    else this.#serve(request, text);
  }

  /** Returns the response to a POST whose body could not be read. */
  bodyFailed(request: EndpointRequest, error: GatewayError): Response {
    return this.#refusePost(error, request);
  }

  /** The items of a kind have changed in a view. */
  listChanged(kind: Kind, view: string): void {
    this.#listChanges.add(kind, view);
  }

  /** The most frequent clients of each era: how many sessions, or streams of subscriptions, those with one description have. */
  clients(max: number): Readonly<Record<Era, ClientCounts>> {
    return { legacy: this.#sessions.clients.most(max), modern: this.#modern.listens.clients.most(max) };
  }

  /** These views are gone, and what belongs to them ends. */
  viewsGone(views: readonly string[]): void {
    for (const view of views) {
      this.#sessions.endView(view);
      this.#modern.listens.endView(view);
    }
  }

  /**
   * Ends the streams of subscriptions. Waits until all replies are done, at most `timeoutMs`, then cancels the calls that still
   * run. Resolves to the number of these for each server.
   */
  async drain(timeoutMs: number): Promise<Map<string, number>> {
    this.#modern.listens.endAll();
    await this.#replies.idle(timeoutMs);
    const cause = new GatewayError('unavailable', 'the gateway is shutting down');
    const cut = this.#replies.cancelAll((exchange) => this.#parts.router.serverOf(exchange), cause);
    // Those that wait for their clients have no reply.
    for (const [server, count] of this.#rounds.cancelAll(cause))
      cut.set(server, (cut.get(server) ?? 0) + count);
    return cut;
  }

  #post(request: EndpointRequest): void {
    const problem = postProblem(request);
    if (problem === null) request.readBody();
    else request.respond(this.#refusePost(problem, request));
  }

  /** Scans a long body in slices before it is parsed. */
  async #serveLong(request: EndpointRequest, text: string): Promise<void> {
    let ends: Ends;
    try {
      ends = await longValues(text, maxBatchMessages, batchMessages);
    } catch (error) {
      request.respond(this.#refusePost(parseFailure(error), request));
      return;
    }
    this.#serve(request, text, ends);
  }

  #serve(request: EndpointRequest, text: string, ends?: Ends): void {
    const { log, logger } = this.#parts;
    let inbound: Inbound | null = null;
    try {
      const version = request.header(versionHeader);
      inbound = classify(text, version, ends ?? this.#modern.endsIn(text, version));
      if (log.messages) log.received(messagesOf(inbound), text.length, request.header(sessionHeader));
      if (inbound.kind !== 'invalid' && inbound.kind !== 'modern') checkVersion(version);
      this.#dispatch(inbound, version, request);
    } catch (error) {
      request.respond(this.#refusePost(toGatewayError(error, logger), request, inbound));
    }
  }

  #dispatch(inbound: Inbound, version: string | null, request: EndpointRequest): void {
    switch (inbound.kind) {
      case 'request':
        this.#call(inbound, this.#lifecycle.sessionOf(request), request);
        break;
      case 'notification':
      case 'response':
        this.#accept(inbound, this.#lifecycle.sessionOf(request), request);
        request.respond(accepted());
        break;
      case 'batch':
        this.#serveBatch(inbound.messages, this.#lifecycle.sessionOf(request), request);
        break;
      case 'modern':
        this.#modern.serve(inbound, version, request);
        break;
      case 'initialize':
        this.#lifecycle.initialize(inbound.request, request);
        break;
      case 'invalid':
        if (inbound.answers !== undefined) takeInvalid(inbound, this.#lifecycle.sessionOf(request));
        request.respond(errorResponse(this.#refuse(inbound, request), inbound.idText));
    }
  }

  #call(message: RequestMessage, session: Session | undefined, request: EndpointRequest): void {
    const reply = new Reply(this.#replyParts, request, null, session);
    const call = new LegacyCall(this.#parts, message, callerOf(session, request), session, reply);
    reply.source = call;
    call.start();
  }

  #serveBatch(messages: readonly Message[], session: Session | undefined, request: EndpointRequest): void {
    const toAnswer: (RequestMessage | InvalidMessage)[] = [];
    for (const message of messages) {
      if (message.kind === 'invalid') takeInvalid(message, session);
      if (message.kind === 'request' || message.kind === 'invalid') toAnswer.push(message);
      else this.#accept(message, session, request);
    }
    if (toAnswer.length === 0) {
      request.respond(accepted());
      return;
    }
    const reply = new Reply(this.#replyParts, request, toAnswer.length, session);
    const caller = callerOf(session, request);
    void new Batch(reply).run(
      toAnswer,
      (message) => new LegacyCall(this.#parts, message, caller, session, reply),
      (message) => this.#refuse(message, request),
    );
  }

  /** Accepts a notification, or a response to a request of the gateway. One that the gateway never sent counts as an error. */
  #accept(
    message: NotificationMessage | ResponseMessage,
    session: Session | undefined,
    request: EndpointRequest,
  ): void {
    const { metrics, router } = this.#parts;
    session?.touch();
    if (message.kind === 'response') metrics.requestWithoutMethod('invalid', takeResponse(message, session));
    else {
      if (!applyNotification(message, session))
        router.notified(callerOf(session, request), message.method, message.params);
      metrics.request(message.method, true, 0);
    }
  }

  /** Refuses an invalid message; returns the error to answer it with. */
  #refuse({ method, problem }: InvalidMessage, request: EndpointRequest): GatewayError {
    const paramsError = hasModernHeader(request) ? 'invalid_envelope' : 'invalid_params';
    const error =
      method === undefined
        ? new GatewayError('invalid_request', `Invalid request: ${problem}`)
        : new GatewayError(paramsError, `Invalid params: ${problem}`);
    this.#countRefusal(error, method);
    return error;
  }

  /**
   * Refuses a POST as a whole; returns the response.
   * @param inbound the content of its body, if that could be read
   */
  #refusePost(error: GatewayError, request: EndpointRequest, inbound: Inbound | null = null): Response {
    const first = inbound === null ? undefined : messagesOf(inbound)[0];
    const hasMethod = first?.kind === 'request' || first?.kind === 'notification';
    this.#countRefusal(error, hasMethod ? first.method : undefined);
    const hasId = first?.kind === 'request' && inbound?.kind !== 'batch';
    const isModern = inbound?.kind === 'modern' || hasModernHeader(request);
    return errorResponse(error, hasId ? first.idText : 'null', isModern ? 'modern' : 'legacy');
  }

  #countRefusal(error: GatewayError, method: string | undefined): void {
    const { metrics, log } = this.#parts;
    if (method === undefined) metrics.requestWithoutMethod('invalid', false);
    else metrics.request(method, false, 0);
    if (log.isDebug) log.refused(error, method);
  }
}

function callerOf(session: Session | undefined, { principal, view }: EndpointRequest): Caller {
  return session?.caller ?? sessionlessCaller(principal, view);
}

function hasModernHeader(request: EndpointRequest): boolean {
  return namesModernEra(request.header(versionHeader) ?? '');
}

/** MCP 2025-11-25, Transports, Sending Messages to the Server. */
function accepted(): Response {
  return new Response(null, { status: 202 });
}
