import { CallFailure, GatewayError } from '../errors.ts';
import type { ObjectText } from '../json/object.ts';
import type { TraceContext, TraceSpan, Tracing } from '../observability/tracing.ts';
import type { Caller } from '../protocol/caller.ts';
import type { Answer, Exchange } from '../protocol/exchange.ts';
import type { Question, QuestionAnswer } from '../protocol/questions.ts';
import { traceAttributes, traceName, traceOutcome, traceTarget } from '../protocol/trace-words.ts';
import type { Signal } from '../runtime/abort.ts';
import type { Completion } from '../runtime/completion.ts';

/** Longer ids are truncated. */
const maxIdChars = 128;

/**
 * Handles an exchange in a span of its own. Throws what `handle` throws.
 * @param isListed whether it names a tool or prompt that a server has
 */
export function handleTraced(
  tracing: Tracing,
  exchange: Exchange,
  isListed: boolean,
  handle: (traced: Exchange) => void,
): void {
  const traced = new TracedExchange(tracing, exchange, isListed);
  try {
    handle(traced);
  } catch (error) {
    traced.failed(error);
    throw error;
  }
}

/** An exchange whose span ends with its answer. */
class TracedExchange implements Exchange {
  readonly trace: TraceSpan;
  readonly #exchange: Exchange;

  constructor(tracing: Tracing, exchange: Exchange, isListed: boolean) {
    const { method, params, meta, caller, httpTraceparent } = exchange;
    const target = traceTarget(method, params);
    const attributes = {
      ...traceAttributes(method, params, target),
      ...callerAttributes(caller),
      'jsonrpc.request.id': exchange.idText.slice(0, maxIdChars).replace(/^"|"$/g, ''),
      'network.transport': 'tcp',
      'network.protocol.name': 'http',
    };
    this.#exchange = exchange;
    const name = traceName(method, isListed ? target : undefined);
    this.trace = tracing.server(name, attributes, contextOf(meta), httpTraceparent);
  }

  get method(): string {
    return this.#exchange.method;
  }
  get methodText(): string {
    return this.#exchange.methodText;
  }
  get idText(): string {
    return this.#exchange.idText;
  }
  get startMs(): number {
    return this.#exchange.startMs;
  }
  get params(): ObjectText | undefined {
    return this.#exchange.params;
  }
  get meta(): ObjectText | undefined {
    return this.#exchange.meta;
  }
  get caller(): Caller {
    return this.#exchange.caller;
  }
  get signal(): Signal {
    return this.#exchange.signal;
  }
  get httpTraceparent(): string | null {
    return this.#exchange.httpTraceparent;
  }

  notify(method: string, paramsText?: string): Promise<void> | undefined {
    return this.#exchange.notify(method, paramsText);
  }

  ask(question: Question, done: Completion<QuestionAnswer>): void {
    this.#exchange.ask(question, done);
  }

  answer(answer: Answer): void {
    traceOutcome(
      this.trace,
      answer.kind === 'error' ? answer.code : null,
      answer.kind === 'result' && answer.isError,
    );
    this.trace.end();
    this.#exchange.answer(answer);
  }

  fail(error: unknown): void {
    this.failed(error);
    this.#exchange.fail(error);
  }

  /** Ends the span with an error that the client gets. */
  failed(error: unknown): void {
    const { trace } = this;
    if (error instanceof GatewayError) {
      const { code } = this.caller.era === 'modern' ? error.modern : { code: error.rpcCode };
      trace.set('rpc.response.status_code', String(code));
      trace.fail(error instanceof CallFailure ? error.reason : String(code), error.message);
    } else trace.fail('internal');
    trace.end();
  }
}

function callerAttributes({ sessionId }: Caller): Record<string, string> {
  if (sessionId === null) return {};
  // The id admits to the session, so that it must not leave the process.
  const hash = new Bun.CryptoHasher('sha256').update(sessionId).digest('hex').slice(0, 16);
  return { 'mcp.session.id': hash };
}

/** The client's position in a trace. SEP-414. */
function contextOf(meta: ObjectText | undefined): TraceContext | null {
  const traceparent = meta?.string('traceparent');
  if (traceparent === undefined) return null;
  return { traceparent, tracestate: meta?.string('tracestate') ?? null };
}
