import type { GatewayError } from '../errors.ts';
import type { LogFields, Logger } from '../observability/log.ts';
import type { Answer } from '../protocol/exchange.ts';
import { sessionHeader } from '../protocol/headers.ts';
import { MessageLog, shown, sizeOf } from '../protocol/message-log.ts';
import type { Message } from '../protocol/messages.ts';
import type { Call } from './call.ts';
import type { Session } from './legacy/sessions.ts';
import type { EndpointRequest } from './request.ts';

/** As much of a session's id as tells it from others. */
const maxSessionChars = 8;
/** An error that is longer is not looked into for its code. */
const maxErrorChars = 65_536;

/**
 * Tells of the requests of clients and what became of them, at level debug, and of all messages from and to clients at level
 * trace. Whoever tells it looks at `isDebug`, or whether there are `messages`, before: at other levels nothing is made.
 */
export class RequestLog {
  readonly isDebug: boolean;
  /** Null unless the level is trace. */
  readonly messages: MessageLog | null;
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.isDebug = logger.isDebug;
    this.messages = logger.isTrace ? new MessageLog(logger) : null;
  }

  /** Logs the messages of a POST body. */
  received(messages: readonly Message[], request: EndpointRequest): void {
    const fields = { session: sessionShown(request.header(sessionHeader)) };
    for (const message of messages) {
      const size = messages.length === 1 ? request.text.length : sizeOf(message);
      this.messages?.message('from client', message, size, fields);
    }
  }

  /** @param server who was to answer a call of a tool */
  answered(call: Call, answer: Answer, nowMs: number, server: string): void {
    const { method, params, caller, message } = call;
    const isCall = method === 'tools/call';
    const told = {
      method: shown(method),
      tool: isCall ? shown(params?.string('name') ?? '') : undefined,
      server: isCall ? server : undefined,
      session: sessionShown(caller.sessionId),
      duration_ms: durationMs(call.startMs, nowMs),
      ...outcomeOf(answer),
    };
    this.#logger.debug('client request answered', told);
    this.messages?.answer('to client', message.idText, answer.payload.length, { session: told.session });
  }

  /** The answer to `initialize`. */
  opened(session: Session, client: string, startMs: number): void {
    this.#logger.debug('client session opened', {
      method: 'initialize',
      client,
      session: sessionShown(session.id),
      duration_ms: durationMs(startMs, performance.now()),
      outcome: 'ok',
    });
  }

  refused(error: GatewayError, method?: string): void {
    this.#logger.debug('client request refused', {
      method: method && shown(method),
      outcome: 'error',
      code: error.rpcCode,
      cause: error.message,
    });
  }

  /** Something has happened to a session as a whole. */
  session(message: string, session: Session): void {
    this.#logger.debug(message, { session: sessionShown(session.id) });
  }
}

function sessionShown(id: string | null | undefined): string | undefined {
  return id?.slice(0, maxSessionChars);
}

function durationMs(startMs: number, endMs: number): number {
  return Math.round((endMs - startMs) * 10) / 10;
}

function outcomeOf(answer: Answer): LogFields {
  if (answer.kind === 'result') return { outcome: answer.isError ? 'tool_error' : 'ok' };
  const { payload } = answer;
  if (typeof payload !== 'string' || payload.length > maxErrorChars) return { outcome: 'error' };
  const { code, data } = JSON.parse(payload) as { code: unknown; data?: { reason?: unknown } | null };
  const reason = typeof data?.reason === 'string' ? shown(data.reason) : undefined;
  return { outcome: 'error', code, reason };
}
