import { GatewayError } from '../errors.ts';
import type { DownstreamMetrics } from '../observability/downstream-metrics.ts';
import type { Logger } from '../observability/log.ts';
import type { Answer } from '../protocol/exchange.ts';
import { errorText, type InvalidMessage, resultText } from '../protocol/messages.ts';
import type { Router } from '../router/router.ts';
import type { Call, CallOwner } from './call.ts';
import { rpcErrorText, toGatewayError } from './error-answers.ts';
import { type Content, isLong } from './reply-body.ts';
import type { RequestLog } from './request-log.ts';

interface CallsParts {
  readonly router: Router;
  readonly metrics: DownstreamMetrics;
  readonly logger: Logger;
  readonly log: RequestLog;
}

/** Passes calls to the router; counts, logs and sends their answers. */
export class Calls implements CallOwner {
  readonly #router: Router;
  readonly #metrics: DownstreamMetrics;
  readonly #logger: Logger;
  readonly #log: RequestLog;

  constructor({ router, metrics, logger, log }: CallsParts) {
    this.#router = router;
    this.#metrics = metrics;
    this.#logger = logger;
    this.#log = log;
  }

  start(call: Call): void {
    call.session?.callStarted(call);
    try {
      if (call.method === 'initialize')
        throw new GatewayError('invalid_request', 'initialize must not be part of a batch');
      this.#router.handle(call);
    } catch (error) {
      call.fail(error);
    }
  }

  callAnswered(call: Call, answer: Answer): void {
    const { message, reply, session, startMs } = call;
    const nowMs = performance.now();
    call.isOver = true;
    session?.callEnded(call, nowMs);
    this.#metrics.request(message.method, answer.kind === 'result', (nowMs - startMs) / 1000);
    if (this.#log.isDebug) this.#log.answered(call, answer, nowMs, this.#router.serverOf(call));
    reply.answer(answerText(message.idText, answer));
  }

  /** Counts an invalid message; returns the error to answer it with. */
  refuse({ method, problem }: InvalidMessage): GatewayError {
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

  callFailed(call: Call, error: unknown): void {
    this.callAnswered(call, { kind: 'error', payload: rpcErrorText(toGatewayError(error, this.#logger)) });
  }
}

/** The text of an answer; its payload stays apart if it is long. */
function answerText(idText: string, answer: Answer): Content {
  const { kind, payload } = answer;
  if (typeof payload === 'string' && !isLong(payload))
    return kind === 'error' ? errorText(idText, payload) : resultText(idText, payload);
  return [`{"jsonrpc":"2.0","id":${idText},"${kind}":`, payload, '}'];
}
