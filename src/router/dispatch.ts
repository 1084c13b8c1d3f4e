import { CallFailure, type CallFailureReason, cancelledText } from '../errors.ts';
import type { Logger } from '../observability/log.ts';
import type { CallOutcome } from '../observability/recent-calls.ts';
import { maxAtOnceChars, type Redactor } from '../observability/redact.ts';
import type { ToolMetrics } from '../observability/upstream-metrics.ts';
import type { Answer, Exchange, ResultAnswer } from '../protocol/exchange.ts';
import type { ResponseMessage } from '../protocol/messages.ts';
import type { Completion } from '../runtime/completion.ts';
import { freePayload, type Payload, textOf } from '../runtime/owned-bytes.ts';
import { toFailure } from '../upstream/failure.ts';

export interface DispatchParts {
  readonly redactor: Redactor;
  readonly logger: Logger;
}

/** What a request is for, at its upstream: a listed item or not. */
interface DispatchTarget {
  readonly upstream: { readonly name: string };
  readonly item: { readonly name: string };
}

/** A client's request to an upstream: passes the response on, and counts it if it is the call of a tool. */
export class Dispatch implements Completion<ResponseMessage> {
  protected readonly exchange: Exchange;
  readonly #parts: DispatchParts;
  readonly #target: DispatchTarget;
  /** Looked up at once: afterwards the upstream may have dropped the tool, and its series. */
  readonly #metrics: ToolMetrics | null;

  /** @param metrics of the tool that is called; null for other requests */
  constructor(parts: DispatchParts, exchange: Exchange, target: DispatchTarget, metrics: ToolMetrics | null) {
    this.#parts = parts;
    this.exchange = exchange;
    this.#target = target;
    this.#metrics = metrics;
  }

  resolve(response: ResponseMessage): void {
    if (response.error || response.isError || this.tellsOfError(response.payload)) this.#passError(response);
    else this.#pass(this.refined(resultOf(response)));
  }

  reject(error: unknown): void {
    const { reason, message: words } = toFailure(error);
    const message = reason === 'cancelled' ? cancelledText(this.exchange.signal.reason) : words;
    const server = this.#server;
    const { name } = this.#target.item;
    const target = this.#metrics === null ? { item: name } : { tool: name };
    this.#parts.logger.debug('a call failed', { server, ...target, reason, cause: message });
    this.#fail(reason, `upstream "${server}": ${message}`);
  }

  /** Whether a successful result reports an error, as that of a failed task does. By default, none does. */
  protected tellsOfError(_payload: Payload): boolean {
    return false;
  }

  /** What the client gets of a result; by default all of it. */
  protected refined(result: ResultAnswer): ResultAnswer {
    return result;
  }

  /** Removes secrets first: failing upstreams tend to quote what they received, including the gateway's credentials. */
  #passError(response: ResponseMessage): void {
    const { redactor, logger } = this.#parts;
    const { payload } = response;
    const fail = (error: unknown) => {
      freePayload(payload);
      logger.error('a call failed inside the gateway', { server: this.#server, error });
      this.#fail('internal', 'the gateway failed; its log says more');
    };
    if (payload.length > maxAtOnceChars) {
      redactor.redactLongJson(() => textOf(payload)).then((safe) => this.#passRedacted(response, safe), fail);
      return;
    }
    let safe: string | null;
    try {
      const text = textOf(payload);
      safe = redactor.redactJson(text);
      if (safe === text) safe = null;
    } catch (error) {
      fail(error);
      return;
    }
    this.#passRedacted(response, safe);
  }

  /** @param safe the payload without secrets, or null if it has none */
  #passRedacted(response: ResponseMessage, safe: string | null): void {
    const { error, payload } = response;
    const passed = safe === null ? payload : typeof payload === 'string' ? safe : payload.replaced(safe);
    if (error)
      this.#pass({ kind: 'error', payload: passed, code: error.code }, 'error', 'upstream_returned_error');
    else this.#pass(this.refined({ kind: 'result', payload: passed, isError: true }), 'tool_error');
  }

  #pass(answer: Answer, outcome: CallOutcome = 'ok', reason: CallFailureReason | null = null): void {
    this.#metrics?.ended(this.exchange, outcome, reason);
    this.exchange.answer(answer);
  }

  get #server(): string {
    return this.#target.upstream.name;
  }

  #fail(reason: CallFailureReason, message: string): void {
    this.#metrics?.ended(this.exchange, 'error', reason);
    this.exchange.fail(new CallFailure(this.#server, reason, message));
  }
}

function resultOf({ payload, result: members, resultType, cache }: ResponseMessage): ResultAnswer {
  // Those of bytes are of a text that is not all of them, and takes memory.
  const result = typeof payload === 'string' ? members : undefined;
  if (resultType === undefined && cache === undefined) return { kind: 'result', payload, result };
  return {
    kind: 'result',
    payload,
    result,
    ...(resultType !== undefined && { resultType }),
    ...(cache !== undefined && { cache }),
  };
}
