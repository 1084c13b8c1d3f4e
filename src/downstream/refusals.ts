import { GatewayError } from '../errors.ts';
import type { DownstreamMetrics } from '../observability/downstream-metrics.ts';
import type { InvalidMessage } from '../protocol/messages.ts';
import { type Inbound, messagesOf } from './classify.ts';
import { errorResponse } from './error-answers.ts';
import type { RequestLog } from './request-log.ts';

/** Refuses messages and requests; counts and logs each. */
export class Refusals {
  readonly #metrics: DownstreamMetrics;
  readonly #log: RequestLog;

  constructor(metrics: DownstreamMetrics, log: RequestLog) {
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Refuses an invalid message; returns the error to answer it with. */
  message({ method, problem }: InvalidMessage): GatewayError {
    const error =
      method === undefined
        ? new GatewayError('invalid_request', `Invalid request: ${problem}`)
        : new GatewayError('invalid_params', `Invalid params: ${problem}`);
    this.#count(error, method);
    return error;
  }

  /**
   * Refuses a POST as a whole; returns the response.
   * @param inbound the content of its body, if that could be read
   */
  post(error: GatewayError, inbound: Inbound | null = null, headers?: Record<string, string>): Response {
    const first = inbound === null ? undefined : messagesOf(inbound)[0];
    const hasMethod = first?.kind === 'request' || first?.kind === 'notification';
    this.#count(error, hasMethod ? first.method : undefined);
    const hasId = first?.kind === 'request' && inbound?.kind !== 'batch';
    return errorResponse(error, hasId ? first.idText : 'null', headers);
  }

  #count(error: GatewayError, method: string | undefined): void {
    if (method === undefined) this.#metrics.requestWithoutMethod('invalid', false);
    else this.#metrics.request(method, false, 0);
    if (this.#log.isDebug) this.#log.refused(error, method);
  }
}
