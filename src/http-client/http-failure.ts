import { OverBudgetError } from '../runtime/byte-budget.ts';

/**
 * The kinds of failed requests.
 *
 * - `refused`: no connection was established, so nothing was sent.
 * - `exhausted`: this process is out of file descriptors, so nothing was sent.
 * - `broken`: a connection broke; whether the request was executed is unknown.
 * - `protocol`: the response is not valid HTTP, or exceeds a bound.
 * - `overloaded`: this process holds as many bytes as it may; the request may have been executed.
 */
type HttpFailureKind = 'refused' | 'exhausted' | 'broken' | 'protocol' | 'overloaded';

/** The failure of a request. Its message may be shown: it quotes nothing of a body and holds no credentials. */
export class HttpFailure extends Error {
  readonly kind: HttpFailureKind;

  constructor(kind: HttpFailureKind, message: string) {
    super(message);
    this.name = 'HttpFailure';
    this.kind = kind;
  }
}

/** The failure behind whatever a socket, or the reading of a body, threw. */
export function toHttpFailure(error: unknown): HttpFailure {
  if (error instanceof HttpFailure) return error;
  if (error instanceof OverBudgetError) return new HttpFailure('overloaded', error.message);
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return new HttpFailure('broken', 'connection closed unexpectedly');
  const detail = /^[A-Za-z0-9_]{1,60}$/.test(code) ? ` (${code})` : '';
  return new HttpFailure('broken', `connection failed${detail}`);
}
