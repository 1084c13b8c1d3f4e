import { Abort, type Signal } from '../abort.ts';
import { GatewayError } from '../errors.ts';
import { LiveList } from '../live-list.ts';
import type { DownstreamMetrics } from '../observability/downstream-metrics.ts';
import type { Logger } from '../observability/log.ts';
import type { Answer, Exchange } from '../protocol/exchange.ts';
import { type Accepted, sessionHeader } from '../protocol/headers.ts';
import { elements } from '../protocol/json-text.ts';
import {
  classify,
  errorText,
  type InvalidMessage,
  type Message,
  type RequestMessage,
  resultText,
} from '../protocol/jsonrpc.ts';
import { isLegacyVersion, legacyVersions } from '../protocol/versions.ts';
import type { Router } from '../router/router.ts';
import { errorResponse, rpcErrorText, toGatewayError } from './errors.ts';
import { streamHeaders } from './event-stream.ts';
import { Heartbeat } from './heartbeat.ts';
import { clientName, initializeResult, takeNotification } from './legacy.ts';
import { type AnswerText, Reply } from './reply.ts';
import type { Session, Sessions } from './sessions.ts';

/** The most messages that one batch may hold. */
const maxBatchMessages = 100;

/** A POST to the endpoint, its HTTP side checked and its body read. */
export interface PostedBody {
  readonly text: string;
  readonly accepted: Accepted;
  /** The headers `Mcp-Session-Id` and `MCP-Protocol-Version`. */
  readonly sessionId: string | null;
  readonly protocolVersion: string | null;
  /** Aborted when the client goes away. */
  readonly signal: Signal;
  /** Called when an answer takes long that cannot be kept alive by comments. */
  readonly onLong: () => void;
}

export interface EndpointParts {
  readonly router: Router;
  readonly sessions: Sessions;
  readonly metrics: DownstreamMetrics;
  readonly logger: Logger;
}

/** `/mcp`: takes JSON-RPC over HTTP from clients of the legacy era. MCP 2025-11-25, Transports, Streamable HTTP. */
export class Endpoint {
  readonly #router: Router;
  readonly #sessions: Sessions;
  readonly #metrics: DownstreamMetrics;
  readonly #logger: Logger;
  readonly #heartbeat = new Heartbeat();
  readonly #running = new LiveList<Abort>();
  #onIdle: (() => void) | null = null;

  constructor({ router, sessions, metrics, logger }: EndpointParts) {
    this.#router = router;
    this.#sessions = sessions;
    this.#metrics = metrics;
    this.#logger = logger;
  }

  /** Answers a POST. Never rejects. */
  async post(posted: PostedBody): Promise<Response> {
    try {
      return await this.#post(posted);
    } catch (error) {
      this.#metrics.requestWithoutMethod('invalid', false);
      return errorResponse(toGatewayError(error, this.#logger));
    }
  }

  /** Answers a GET: the stream of messages of a live session. Throws `unknown_session`, `unsupported_protocol_version`. */
  listen(sessionId: string, protocolVersion: string | null): Response {
    checkVersion(protocolVersion);
    const session = this.#session(sessionId) as Session;
    this.#metrics.requestWithoutMethod('listen', true);
    return new Response(session.listen(this.#heartbeat).readable, { headers: streamHeaders });
  }

  /** Answers a DELETE: ends the session. Throws `unknown_session`, `unsupported_protocol_version`. */
  terminate(sessionId: string, protocolVersion: string | null): Response {
    checkVersion(protocolVersion);
    this.#sessions.end(this.#session(sessionId) as Session, 'client_delete');
    this.#metrics.requestWithoutMethod('terminate', true);
    return new Response(null, { status: 202 });
  }

  /** Resolves when no call runs any more, at the latest after `graceMs`. */
  async idle(graceMs: number): Promise<void> {
    if (this.#running.size === 0) return;
    const idle = Promise.withResolvers<void>();
    this.#onIdle = idle.resolve;
    const timer = setTimeout(idle.resolve, graceMs);
    await idle.promise;
    clearTimeout(timer);
  }

  /** Cancels all calls that still run. */
  cancelAll(): void {
    for (const call of this.#running) call.abort();
  }

  async #post(posted: PostedBody): Promise<Response> {
    const { batch, messages } = parse(posted.text);
    const first = messages[0] as Message;
    if (!batch && first.kind === 'invalid') return errorResponse(this.#refuse(first), first.idText);
    const idText = !batch && first.kind === 'request' ? first.idText : 'null';
    try {
      checkVersion(posted.protocolVersion);
      const session = posted.sessionId === null ? undefined : this.#session(posted.sessionId);
      if (!batch && first.kind === 'request' && first.method === 'initialize') {
        return await this.#initialize(first, session, posted);
      }
      return await this.#serve(messages, batch, session, posted);
    } catch (error) {
      if (first.kind === 'request' || first.kind === 'notification')
        this.#metrics.request(first.method, false, 0);
      else this.#metrics.requestWithoutMethod('invalid', false);
      return errorResponse(toGatewayError(error, this.#logger), idText);
    }
  }

  #session(id: string): Session {
    const session = this.#sessions.use(id);
    if (session) return session;
    throw new GatewayError('unknown_session', 'Session not found: it ended or never was; initialize anew');
  }

  /** The error to answer what is no proper request; counts it. */
  #refuse({ method, problem }: InvalidMessage): GatewayError {
    if (method !== undefined) {
      this.#metrics.request(method, false, 0);
      return new GatewayError('invalid_params', `Invalid params: ${problem}`);
    }
    this.#metrics.requestWithoutMethod('invalid', false);
    return new GatewayError('invalid_request', `Invalid request: ${problem}`);
  }

  async #initialize(
    message: RequestMessage,
    session: Session | undefined,
    posted: PostedBody,
  ): Promise<Response> {
    const startMs = performance.now();
    if (session) throw new GatewayError('invalid_request', 'this session is initialized already');
    let headers: Record<string, string> = {};
    let answer: string;
    let ok = false;
    try {
      const result = initializeResult(message.params);
      headers = { [sessionHeader]: this.#sessions.open().id };
      this.#logger.debug('client session opened', { client: clientName(message.params) });
      answer = resultText(message.idText, result);
      ok = true;
    } catch (error) {
      if (!(error instanceof GatewayError) || error.kind !== 'invalid_params') throw error;
      this.#sessions.refuse();
      answer = errorText(message.idText, rpcErrorText(error));
    }
    const reply = this.#reply(posted, 1, false, () => {}, headers);
    reply.answer(answer);
    this.#metrics.request(message.method, ok, (performance.now() - startMs) / 1000);
    return reply.response;
  }

  async #serve(
    messages: readonly Message[],
    batch: boolean,
    session: Session | undefined,
    posted: PostedBody,
  ): Promise<Response> {
    let answers = 0;
    for (const message of messages) {
      if (message.kind === 'request' || message.kind === 'invalid') answers++;
      else if (message.kind === 'response') this.#metrics.requestWithoutMethod('invalid', true);
      else {
        takeNotification(message, session);
        this.#metrics.request(message.method, true, 0);
      }
    }
    // Notifications, and responses to nothing that was asked, need no answer.
    if (answers === 0) return new Response(null, { status: 202 });

    const calls: Abort[] = [];
    const onGone = () => {
      for (const call of calls) call.abort();
    };
    posted.signal.addEventListener('abort', onGone, { once: true });
    const reply = this.#reply(posted, answers, batch, onGone);
    for (const message of messages) {
      if (message.kind === 'invalid') {
        reply.answer(errorText(message.idText, rpcErrorText(this.#refuse(message))));
      } else if (message.kind === 'request') {
        const abort = new Abort();
        calls.push(abort);
        if (posted.signal.aborted) abort.abort();
        void this.#run(message, session, reply, abort);
      }
    }
    return reply.response;
  }

  /** Has one request answered, and counts it. Never rejects. */
  async #run(
    message: RequestMessage,
    session: Session | undefined,
    reply: Reply,
    abort: Abort,
  ): Promise<void> {
    const startMs = performance.now();
    const call = session?.began({ idText: message.idText, abort });
    const running = this.#running.add(abort);
    let answer: Answer;
    try {
      answer = await this.#answer(message, {
        method: message.method,
        params: message.params,
        paramsText: message.paramsText,
        signal: abort,
        notify: (text) => reply.notify(text),
      });
    } catch (error) {
      answer = { kind: 'error', error: rpcErrorText(toGatewayError(error, this.#logger)) };
    }
    if (call) session?.ended(call);
    this.#running.remove(running);
    reply.answer(answerText(message.idText, answer));
    this.#metrics.request(message.method, answer.kind === 'result', (performance.now() - startMs) / 1000);
    if (this.#running.size === 0) this.#onIdle?.();
  }

  async #answer(message: RequestMessage, exchange: Exchange): Promise<Answer> {
    switch (message.method) {
      case 'ping':
        return { kind: 'result', result: '{}' };
      case 'initialize':
        throw new GatewayError('invalid_request', 'initialize must not be part of a batch');
      default:
        return this.#router.handle(exchange);
    }
  }

  #reply(
    posted: PostedBody,
    answers: number,
    batch: boolean,
    onGone: () => void,
    headers?: Record<string, string>,
  ): Reply {
    return new Reply({
      accepted: posted.accepted,
      answers,
      batch,
      heartbeat: this.#heartbeat,
      onGone,
      onLong: posted.onLong,
      ...(headers && { headers }),
    });
  }
}

function parse(text: string): { batch: boolean; messages: Message[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new GatewayError('parse_error', 'Parse error: the body is not valid JSON');
  }
  if (!Array.isArray(value)) return { batch: false, messages: [classify(value, text)] };
  if (value.length === 0)
    throw new GatewayError('invalid_request', 'Invalid request: a batch must not be empty');
  if (value.length > maxBatchMessages) {
    const found = `a batch of ${value.length} messages; at most ${maxBatchMessages} are taken`;
    throw new GatewayError('invalid_request', `Invalid request: ${found}`);
  }
  const texts = elements(text);
  return { batch: true, messages: value.map((entry, index) => classify(entry, texts[index] as string)) };
}

/** MCP 2025-11-25, Transports, Protocol Version Header. */
function checkVersion(version: string | null): void {
  if (version === null || isLegacyVersion(version)) return;
  const requested = version.slice(0, 40);
  throw new GatewayError('unsupported_protocol_version', `Unsupported protocol version: ${requested}`, {
    supported: legacyVersions,
    requested,
  });
}

function answerText(idText: string, answer: Answer): AnswerText {
  if (answer.kind === 'error') return errorText(idText, answer.error);
  if (typeof answer.result === 'string') return resultText(idText, answer.result);
  return { before: `{"jsonrpc":"2.0","id":${idText},"result":`, bytes: answer.result, after: '}' };
}
