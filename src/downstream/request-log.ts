import type { GatewayError } from '../errors.ts';
import type { LogFields, Logger } from '../observability/log.ts';
import type { Caller } from '../protocol/caller.ts';
import type { Answer, Exchange } from '../protocol/exchange.ts';
import { MessageLog, sizeOf, truncate } from '../protocol/message-log.ts';
import type { Message } from '../protocol/messages.ts';

/** Enough of a session's id to tell it from others. */
const maxSessionChars = 8;
/** Longer errors are not parsed for their code. */
const maxErrorChars = 65_536;

/**
 * Logs the requests of clients and their outcomes at level debug, and all messages from and to clients at level trace.
 * Callers check `isDebug` or `messages` first, so that other levels cost nothing.
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

  /** Logs the messages of a POST body of `chars` characters. */
  received(messages: readonly Message[], chars: number, sessionId: string | null): void {
    const fields = { session: sessionShown(sessionId) };
    for (const message of messages) {
      const size = messages.length === 1 ? chars : sizeOf(message);
      this.messages?.message('from client', message, size, fields);
    }
  }

  /** @param server the server that a tool call is for */
  answered(exchange: Exchange, idText: string, answer: Answer, nowMs: number, server: string): void {
    const { method, params, caller, startMs } = exchange;
    const isCall = method === 'tools/call';
    const fields = {
      method: truncate(method),
      tool: isCall ? truncate(params?.string('name') ?? '') : undefined,
      server: isCall ? server : undefined,
      era: caller.era,
      session: sessionShown(caller.sessionId),
      duration_ms: durationMs(startMs, nowMs),
      ...outcomeOf(answer),
    };
    this.#logger.debug('client request answered', fields);
    this.messages?.answer('to client', idText, answer.payload.length, { session: fields.session });
  }

  /** Logs a successful `initialize`. */
  opened({ sessionId }: Caller, client: string, startMs: number): void {
    this.#logger.debug('client session opened', {
      method: 'initialize',
      client,
      session: sessionShown(sessionId),
      duration_ms: durationMs(startMs, performance.now()),
      outcome: 'ok',
    });
  }

  refused(error: GatewayError, method?: string): void {
    this.#logger.debug('client request refused', {
      method: method && truncate(method),
      outcome: 'error',
      code: error.rpcCode,
      cause: error.message,
    });
  }

  /** Logs an event of a session. */
  session(message: string, { sessionId }: Caller): void {
    this.#logger.debug(message, { session: sessionShown(sessionId) });
  }
}

function sessionShown(id: string | null): string | undefined {
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
  const reason = typeof data?.reason === 'string' ? truncate(data.reason) : undefined;
  return { outcome: 'error', code, reason };
}
