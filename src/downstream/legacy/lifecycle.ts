import { GatewayError } from '../../errors.ts';
import type { DownstreamMetrics } from '../../observability/downstream-metrics.ts';
import { jsonType, lastEventHeader, sessionHeader, versionHeader } from '../../protocol/headers.ts';
import { errorText, type RequestMessage, resultText } from '../../protocol/messages.ts';
import { sseMessage } from '../../protocol/sse-codec.ts';
import { checkVersion } from '../classify.ts';
import { errorResponse, methodNotAllowed, rpcErrorText } from '../error-answers.ts';
import { type EventStream, streamHeaders } from '../event-stream.ts';
import type { KeepAlive } from '../keep-alive.ts';
import { bodyOf } from '../reply-body.ts';
import type { EndpointRequest } from '../request.ts';
import type { RequestLog } from '../request-log.ts';
import type { ServerDescriptions } from '../server-description.ts';
import { clientName, factsOf, initializeResult } from './initialize.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

interface LifecycleParts {
  readonly descriptions: ServerDescriptions;
  readonly sessions: Sessions;
  readonly metrics: DownstreamMetrics;
  readonly log: RequestLog;
  /** Keeps the GET streams of sessions alive. */
  readonly streams: KeepAlive;
}

/** Opens, finds and ends client sessions. MCP 2025-11-25, Transports, Session Management. */
export class Lifecycle {
  readonly #parts: LifecycleParts;

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
  }

  /**
   * Answers `initialize`. Opens a session, also if the request names one: a client that starts over may still send its old
   * id. Throws `unavailable`.
   */
  initialize({ method, params, idText }: RequestMessage, request: EndpointRequest): void {
    const { descriptions, sessions, metrics, log } = this.#parts;
    const startMs = performance.now();
    let session: Session | undefined;
    let answer: string;
    try {
      answer = resultText(idText, initializeResult(params, descriptions.of(request.view, 'legacy')));
      session = sessions.open(factsOf(params, request));
      if (log.isDebug) log.opened(session.caller, clientName(session.caller), startMs);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.kind !== 'invalid_params') throw error;
      sessions.refuse();
      if (log.isDebug) log.refused(error, method);
      answer = errorText(idText, rpcErrorText(error));
    }
    log.messages?.answer('to client', idText, answer.length);
    metrics.request(method, session !== undefined, (performance.now() - startMs) / 1000);
    const { json } = request.accepted;
    const headers: Record<string, string> = json ? { 'content-type': jsonType } : { ...streamHeaders };
    if (session) headers[sessionHeader] = session.id;
    request.respond(new Response(bodyOf(json ? answer : sseMessage(answer)), { headers }));
  }

  /** The session that the request names, if any. Throws `unknown_session`. */
  sessionOf(request: EndpointRequest): Session | undefined {
    const id = request.header(sessionHeader);
    if (id === null) return undefined;
    const session = this.#parts.sessions.find(id, request.principal, request.view);
    if (session) return session;
    throw new GatewayError(
      'unknown_session',
      'Session not found: it has ended or never existed; initialize again',
    );
  }

  /** Answers a GET with the stream of the session's messages. */
  listen(request: EndpointRequest): void {
    const { metrics, log, streams } = this.#parts;
    if (request.header(sessionHeader) === null || !request.accepted.sse) {
      metrics.requestWithoutMethod('listen', false);
      request.respond(methodNotAllowed(['POST', 'DELETE']));
      return;
    }
    const session = this.#namedSession(request, 'listen');
    if (session === null) return;
    const connection = this.#resumed(session, request) ?? session.listen(streams);
    if (connection instanceof Response) {
      request.respond(connection);
      return;
    }
    if (log.isDebug) log.session('client opened a stream of its session', session.caller);
    request.stream(new Response(connection.readable, { headers: streamHeaders }));
  }

  /**
   * The new connection of the stream that a GET resumes, the response if it cannot be resumed, or null if the GET is to open a new
   * stream. MCP 2025-11-25, Transports, Resumability and Redelivery.
   */
  #resumed(session: Session, request: EndpointRequest): EventStream | Response | null {
    const id = request.header(lastEventHeader);
    if (id === null || id === '') return null;
    const point = session.eventStreams.find(id);
    const isListening = point?.kind === 'g';
    if (point?.stream === undefined) {
      // Nothing is lost with an unknown stream of notices but these.
      if (isListening) return null;
      const problem = 'Last-Event-ID names no stream that can be resumed: it is unknown, or its time is over';
      return errorResponse(new GatewayError('invalid_request', problem));
    }
    // HTML, Server-sent events: a client stops to reconnect.
    if (point.stream.isOver(point.serial)) return new Response(null, { status: 204 });
    return session.resume(point.stream, point.serial, isListening, this.#parts.streams);
  }

  /** Answers a DELETE, which ends the session. */
  terminate(request: EndpointRequest): void {
    const { sessions, log } = this.#parts;
    const session = this.#namedSession(request, 'terminate');
    if (session === null) return;
    // The Python SDK logs a warning on 202. Its version 1 fails if the answers to its calls arrive before this one.
    request.respond(new Response(null, { status: 204 }));
    sessions.end(session, 'client_delete');
    if (log.isDebug) log.session('client ended its session', session.caller);
  }

  /** Counts a request and returns the session that its header names, or responds with an error and returns null. */
  #namedSession(request: EndpointRequest, label: 'listen' | 'terminate'): Session | null {
    const { metrics } = this.#parts;
    try {
      if (request.header(sessionHeader) === null)
        throw new GatewayError('invalid_request', 'DELETE needs the Mcp-Session-Id header');
      checkVersion(request.header(versionHeader));
      const session = this.sessionOf(request) as Session;
      metrics.requestWithoutMethod(label, true);
      return session;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      metrics.requestWithoutMethod(label, false);
      request.respond(errorResponse(error));
      return null;
    }
  }
}
