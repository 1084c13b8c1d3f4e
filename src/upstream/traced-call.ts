import type { ServerConfig } from '../config/schema.ts';
import { type MemberEdit, ObjectText } from '../json/object.ts';
import type { TraceSpan } from '../observability/tracing.ts';
import type { Caller } from '../protocol/caller.ts';
import type { ResponseMessage } from '../protocol/messages.ts';
import type { Question, QuestionAnswer } from '../protocol/questions.ts';
import { traceAttributes, traceName, traceOutcome, traceTarget } from '../protocol/trace-words.ts';
import type { Signal } from '../runtime/abort.ts';
import type { Completion } from '../runtime/completion.ts';
import { toFailure } from './failure.ts';
import type { UpstreamCall } from './pending-request.ts';

/** A call at a server within a trace: a span of its own, whose position in the trace the server gets. SEP-414. */
export class TracedCall implements UpstreamCall, Completion<ResponseMessage> {
  readonly params: ObjectText;
  readonly meta: ObjectText | undefined;
  readonly #call: UpstreamCall;
  readonly #span: TraceSpan;
  readonly #done: Completion<ResponseMessage>;

  /** @param target the name of the item at its server */
  constructor(
    trace: TraceSpan,
    server: ServerConfig,
    call: UpstreamCall,
    target: MemberEdit | null,
    done: Completion<ResponseMessage>,
  ) {
    this.#call = call;
    this.#done = done;
    const method = JSON.parse(call.methodText) as string;
    const name =
      target?.name === 'name' ? (JSON.parse(target.value) as string) : traceTarget(method, call.params);
    const attributes = { ...traceAttributes(method, call.params, name), ...serverAttributes(server) };
    this.#span = trace.client(traceName(method, name), attributes);
    const { traceparent, tracestate } = this.#span;
    const edits = [{ name: 'traceparent', value: JSON.stringify(traceparent) }];
    if (tracestate !== null) edits.push({ name: 'tracestate', value: JSON.stringify(tracestate) });
    // The client's tracestate belongs to its traceparent. If that is malformed, this span is in another trace.
    const base = new ObjectText(call.meta?.without('tracestate') ?? '{}');
    const meta = base.with(...edits);
    const params = (call.params ?? new ObjectText('{}')).with({ name: '_meta', value: meta });
    this.params = new ObjectText(params);
    this.meta = this.params.object('_meta');
  }

  get methodText(): string {
    return this.#call.methodText;
  }
  get signal(): Signal {
    return this.#call.signal;
  }
  get caller(): Caller | null {
    return this.#call.caller;
  }
  get makesTask(): boolean | undefined {
    return this.#call.makesTask;
  }

  notify(method: string, paramsText?: string): Promise<void> | undefined {
    return this.#call.notify(method, paramsText);
  }

  ask(question: Question, done: Completion<QuestionAnswer>): void {
    this.#call.ask(question, done);
  }

  resolve(response: ResponseMessage): void {
    traceOutcome(this.#span, response.error?.code ?? null, response.isError);
    this.#span.end();
    this.#done.resolve(response);
  }

  reject(error: unknown): void {
    this.#span.fail(toFailure(error).reason);
    this.#span.end();
    this.#done.reject(error);
  }
}

function serverAttributes({ name, url }: ServerConfig): Record<string, string | number> {
  const own = { 'mcpstead.server.name': name };
  if (url === undefined) return { ...own, 'network.transport': 'pipe' };
  const { hostname, port, protocol } = new URL(url);
  return {
    ...own,
    'network.transport': 'tcp',
    'server.address': hostname,
    'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
  };
}
