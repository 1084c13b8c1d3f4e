import { GatewayError } from '../errors.ts';
import { longValues, maxShortChars } from '../json/long-values.ts';
import { type Ends, elementPlaces, TooManyError } from '../json/scan.ts';
import type { DownstreamMetrics } from '../observability/downstream-metrics.ts';
import type { Logger } from '../observability/log.ts';
import type { Answer } from '../protocol/exchange.ts';
import { sessionHeader } from '../protocol/headers.ts';
import {
  errorText,
  type InvalidMessage,
  type Message,
  type NotificationMessage,
  type RequestMessage,
  type ResponseMessage,
  resultText,
} from '../protocol/messages.ts';
import { isLegacyVersion, legacyVersions } from '../protocol/versions.ts';
import type { Router } from '../router/router.ts';
import { nextTurn } from '../runtime/event-loop.ts';
import { Call, type CallTaker } from './call.ts';
import { errorResponse, rpcErrorText, toGatewayError } from './error-answers.ts';
import { streamHeaders } from './event-stream.ts';
import { InFlightReplies } from './in-flight.ts';
import { KeepAlive } from './keep-alive.ts';
import {
  clientMessage,
  clientName,
  factsOf,
  initializeResult,
  takeNotification,
} from './legacy/lifecycle.ts';
import type { Principal } from './legacy/session-ids.ts';
import type { Session, Sessions } from './legacy/sessions.ts';
import { Reply, type ReplyParts, type ReplyTarget } from './reply.ts';
import { type Content, isLong } from './reply-body.ts';
import { RequestLog } from './request-log.ts';

/** The most messages that one batch may hold. */
const maxBatchMessages = 100;
const messagesInBatch = 'messages in a batch';
/** How long the messages of one batch may keep all else waiting. */
const maxTurnMs = 10;

/** A POST to the endpoint, its HTTP side checked and its body read. */
export interface PostedBody extends ReplyTarget {
  readonly text: string;
  /** The headers `Mcp-Session-Id` and `MCP-Protocol-Version`. */
  readonly sessionId: string | null;
  readonly protocolVersion: string | null;
  readonly principal: Principal;
}

interface EndpointParts {
  readonly router: Router;
  readonly sessions: Sessions;
  readonly metrics: DownstreamMetrics;
  readonly logger: Logger;
  /** The ids of this gateway and of those that it reaches, as its clients are told. */
  readonly gateways: () => string;
}

/** `/mcp`: takes JSON-RPC over HTTP from clients of the legacy era. MCP 2025-11-25, Transports, Streamable HTTP. */
export class Endpoint implements CallTaker {
  readonly #router: Router;
  readonly #sessions: Sessions;
  readonly #metrics: DownstreamMetrics;
  readonly #logger: Logger;
  readonly #gateways: () => string;
  readonly #streams = new KeepAlive();
  readonly #replies = new InFlightReplies();
  readonly #replyParts: ReplyParts;
  readonly #log: RequestLog;

  constructor({ router, sessions, metrics, logger, gateways }: EndpointParts) {
    this.#router = router;
    this.#sessions = sessions;
    this.#metrics = metrics;
    this.#logger = logger;
    this.#log = new RequestLog(logger);
    this.#replyParts = { replies: this.#replies, streams: this.#streams, messages: this.#log.messages };
    this.#gateways = gateways;
  }

  /** Answers a POST. Never throws. */
  post(posted: PostedBody): void {
    if (posted.text.length > maxShortChars) void this.#postLong(posted);
    else this.#postText(posted, undefined);
  }

  /** Goes through a long body in slices before it is parsed. */
  async #postLong(posted: PostedBody): Promise<void> {
    let ends: Ends | undefined;
    try {
      ends = await longValues(posted.text, maxBatchMessages, messagesInBatch);
    } catch (error) {
      posted.respond(this.#failed(null, toGatewayError(parseFailure(error), this.#logger)));
      return;
    }
    this.#postText(posted, ends);
  }

  #postText(posted: PostedBody, ends: Ends | undefined): void {
    let body: Message | Message[] | null = null;
    try {
      body = parse(posted.text, ends);
      if (this.#log.messages) this.#log.received(body, posted.text, posted.sessionId);
      this.#post(body, posted);
    } catch (error) {
      posted.respond(this.#failed(body, toGatewayError(error, this.#logger)));
    }
  }

  /** The answer to a POST that could not even be read; counts it. */
  refusal(error: GatewayError, headers?: Record<string, string>): Response {
    if (this.#log.isDebug) this.#log.refused(error);
    this.#metrics.requestWithoutMethod('invalid', false);
    return errorResponse(error, 'null', headers);
  }

  /** Answers a GET: the stream of messages of a live session. Throws `unknown_session`, `unsupported_protocol_version`. */
  listen(sessionId: string, protocolVersion: string | null, principal: Principal): Response {
    checkVersion(protocolVersion);
    const session = this.#session(sessionId, principal);
    this.#metrics.requestWithoutMethod('listen', true);
    if (this.#log.isDebug) this.#log.session('client listens for messages of its session', session);
    return new Response(session.listen(this.#streams).readable, { headers: streamHeaders });
  }

  /** Answers a DELETE: ends the session. Throws `unknown_session`, `unsupported_protocol_version`. */
  terminate(sessionId: string, protocolVersion: string | null, principal: Principal): Response {
    checkVersion(protocolVersion);
    const session = this.#session(sessionId, principal);
    this.#sessions.end(session, 'client_delete');
    if (this.#log.isDebug) this.#log.session('client session ended by its client', session);
    this.#metrics.requestWithoutMethod('terminate', true);
    // Python clients complain of 202.
    return new Response(null, { status: 204 });
  }

  /** Resolves when no call runs any more, at the latest after `graceMs`. */
  idle(graceMs: number): Promise<void> {
    return this.#replies.empty(graceMs);
  }

  /** Cancels all calls that still run; tells how many for each server. */
  cancelAll(): Map<string, number> {
    const calls = new Map<string, number>();
    for (const call of this.#replies.running()) {
      const server = this.#router.serverOf(call);
      calls.set(server, (calls.get(server) ?? 0) + 1);
      call.abort.abort();
    }
    return calls;
  }

  #post(body: Message | Message[], posted: PostedBody): void {
    if (!Array.isArray(body) && body.kind === 'invalid') {
      posted.respond(errorResponse(this.#refuse(body), body.idText));
      return;
    }
    checkVersion(posted.protocolVersion);
    if (!Array.isArray(body) && body.kind === 'request' && body.method === 'initialize') {
      this.#initialize(body, posted);
      return;
    }
    const { sessionId } = posted;
    const session = sessionId === null ? undefined : this.#session(sessionId, posted.principal);
    if (Array.isArray(body)) this.#serveBatch(body, session, posted);
    else if (body.kind !== 'request') {
      this.#take(body, session);
      posted.respond(accepted());
    } else this.#run(new Call(body, new Reply(this.#replyParts, posted, null), session, this));
  }

  /** The answer to a body that cannot be served as a whole; counts it. */
  #failed(body: Message | Message[] | null, error: GatewayError): Response {
    const isBatch = Array.isArray(body);
    const first = isBatch ? body[0] : body;
    if (first?.kind !== 'request' && first?.kind !== 'notification') return this.refusal(error);
    this.#metrics.request(first.method, false, 0);
    if (this.#log.isDebug) this.#log.refused(error, first.method);
    return errorResponse(error, !isBatch && first.kind === 'request' ? first.idText : 'null');
  }

  #session(id: string, principal: Principal): Session {
    const session = this.#sessions.use(id, principal);
    if (session) return session;
    throw new GatewayError('unknown_session', 'Session not found: it ended or never was; initialize anew');
  }

  /** The error to answer what is no proper request; counts it. */
  #refuse({ method, problem }: InvalidMessage): GatewayError {
    let error: GatewayError;
    if (method !== undefined) {
      this.#metrics.request(method, false, 0);
      error = new GatewayError('invalid_params', `Invalid params: ${problem}`);
    } else {
      this.#metrics.requestWithoutMethod('invalid', false);
      error = new GatewayError('invalid_request', `Invalid request: ${problem}`);
    }
    if (this.#log.isDebug) this.#log.refused(error, method);
    return error;
  }

  /** Opens a new session whatever the request names: a client that begins anew may still send the id of an old one. */
  #initialize(message: RequestMessage, posted: PostedBody): void {
    const startMs = performance.now();
    let headers: Record<string, string> = {};
    let answer: string;
    let ok = false;
    try {
      const result = initializeResult(message.params, this.#gateways());
      const session = this.#sessions.open(factsOf(message.params, posted.principal));
      headers = { [sessionHeader]: session.id };
      if (this.#log.isDebug) this.#log.opened(session, clientName(session.facts), startMs);
      answer = resultText(message.idText, result);
      ok = true;
    } catch (error) {
      if (!(error instanceof GatewayError) || error.kind !== 'invalid_params') throw error;
      this.#sessions.refuse();
      if (this.#log.isDebug) this.#log.refused(error, message.method);
      answer = errorText(message.idText, rpcErrorText(error));
    }
    this.#log.messages?.answer('to client', message.idText, answer.length);
    new Reply(this.#replyParts, posted, null, headers).answer(answer);
    this.#metrics.request(message.method, ok, (performance.now() - startMs) / 1000);
  }

  #serveBatch(messages: readonly Message[], session: Session | undefined, posted: PostedBody): void {
    let answers = 0;
    for (const message of messages) {
      if (message.kind === 'request' || message.kind === 'invalid') answers++;
      else this.#take(message, session);
    }
    if (answers === 0) {
      posted.respond(accepted());
      return;
    }
    void this.#runEach(messages, session, new Reply(this.#replyParts, posted, answers));
  }

  /** Has the requests of a batch answered; where that takes long, in several turns of the event loop. */
  async #runEach(messages: readonly Message[], session: Session | undefined, reply: Reply): Promise<void> {
    let turnEndMs = performance.now() + maxTurnMs;
    for (const message of messages) {
      if (message.kind === 'invalid') {
        reply.answer(errorText(message.idText, rpcErrorText(this.#refuse(message))));
      } else if (message.kind === 'request') this.#run(new Call(message, reply, session, this));
      if (performance.now() < turnEndMs) continue;
      await nextTurn();
      // Its client may have gone.
      if (reply.isDone) return;
      turnEndMs = performance.now() + maxTurnMs;
    }
  }

  /** Takes what needs no answer: a notification, or a response to nothing that was asked. */
  #take(message: NotificationMessage | ResponseMessage, session: Session | undefined): void {
    session?.touch();
    if (message.kind === 'response') this.#metrics.requestWithoutMethod('invalid', true);
    else {
      takeNotification(message, session);
      this.#metrics.request(message.method, true, 0);
    }
  }

  /** Has one request answered. */
  #run(call: Call): void {
    call.reply.await(call);
    call.session?.began(call);
    try {
      if (call.method === 'initialize')
        throw new GatewayError('invalid_request', 'initialize must not be part of a batch');
      this.#router.handle(call);
    } catch (error) {
      call.fail(error);
    }
  }

  /** Sends a call's answer, and counts it. */
  answered(call: Call, answer: Answer): void {
    const { message, reply, session, startMs } = call;
    const nowMs = performance.now();
    call.isOver = true;
    session?.ended(call, nowMs);
    this.#metrics.request(message.method, answer.kind === 'result', (nowMs - startMs) / 1000);
    if (this.#log.isDebug) this.#log.answered(call, answer, nowMs, this.#router.serverOf(call));
    reply.answer(answerText(message.idText, answer));
  }

  failed(call: Call, error: unknown): void {
    this.answered(call, { kind: 'error', payload: rpcErrorText(toGatewayError(error, this.#logger)) });
  }
}

/**
 * The message in a body, or those of a batch: at least one. Throws `parse_error`, `invalid_request`.
 * @param ends where long values end, where that is known
 */
function parse(text: string, ends: Ends | undefined): Message | Message[] {
  try {
    const places = elementPlaces(text, maxBatchMessages, messagesInBatch, ends);
    if (places === null) return clientMessage(text, ends);
    const messages: Message[] = [];
    for (let i = 0; i < places.length; i += 2) messages.push(clientMessage(text, ends, places[i]));
    if (messages.length > 0) return messages;
  } catch (error) {
    throw parseFailure(error);
  }
  throw new GatewayError('invalid_request', 'Invalid request: a batch must not be empty');
}

function parseFailure(error: unknown): GatewayError {
  if (error instanceof TooManyError)
    return new GatewayError('invalid_request', `Invalid request: ${error.message}`);
  return new GatewayError('parse_error', 'Parse error: the body is not valid JSON');
}

/** To what needs no answer: notifications, responses. MCP 2025-11-25, Transports, Sending Messages to the Server. */
function accepted(): Response {
  return new Response(null, { status: 202 });
}

/** MCP 2025-11-25, Transports, Protocol Version Header. */
function checkVersion(version: string | null): void {
  if (version === null || version === '' || isLegacyVersion(version)) return;
  const requested = version.slice(0, 40);
  throw new GatewayError('unsupported_protocol_version', `Unsupported protocol version: ${requested}`, {
    supported: legacyVersions,
    requested,
  });
}

function answerText(idText: string, answer: Answer): Content {
  const { kind, payload } = answer;
  if (typeof payload === 'string' && !isLong(payload))
    return kind === 'error' ? errorText(idText, payload) : resultText(idText, payload);
  return [`{"jsonrpc":"2.0","id":${idText},"${kind}":`, payload, '}'];
}
