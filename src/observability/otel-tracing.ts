import {
  DiagLogLevel,
  diag,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Environment } from '../runtime/environment.ts';
import { build } from '../version.ts';
import type { Logger } from './log.ts';
import type { TraceAttributes, TraceContext, TraceSpan, Tracing } from './tracing.ts';

/** How long the export at the end may take. */
const stopTimeoutMs = 3_000;
/** Longer values of attributes are truncated. */
const maxValueChars = 1_024;
const minWarningIntervalMs = 60_000;

/** {@link Tracing} by the OpenTelemetry SDK. */
export class OtelTracing implements Tracing {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;

  constructor(env: Environment, logger: Logger) {
    warnOfFailures(logger);
    const own = resourceFromAttributes({ 'service.name': 'mcpstead', 'service.version': build.version });
    const named = detectResources({ detectors: [envDetector] });
    this.#provider = new TracerProvider({
      resource: defaultResource().merge(own).merge(named),
      sampler: samplerOf(env, logger),
      spanLimits: { attributeValueLengthLimit: maxValueChars },
      spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), ...batchOptions(env) })],
    });
    this.#tracer = this.#provider.getTracer('mcpstead', build.version);
  }

  server(
    name: string,
    attributes: TraceAttributes,
    parent: TraceContext | null,
    linked: string | null,
  ): TraceSpan {
    const link = linked === null ? null : spanContextOf({ traceparent: linked, tracestate: null });
    const links: Link[] = link === null ? [] : [{ context: link }];
    const remote = parent && spanContextOf(parent);
    const context = remote === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote);
    const span = this.#tracer.startSpan(name, { kind: SpanKind.SERVER, attributes, links }, context);
    return new OtelSpan(this.#tracer, span, parent?.tracestate ?? null);
  }

  async stop(): Promise<void> {
    const stopped = this.#provider.shutdown().catch(() => {});
    await Promise.race([stopped, Bun.sleep(stopTimeoutMs)]);
  }
}

class OtelSpan implements TraceSpan {
  readonly #tracer: Tracer;
  readonly #span: Span;
  /** Vendors' own data, which belongs to the trace and passes through unread. */
  readonly tracestate: string | null;

  constructor(tracer: Tracer, span: Span, tracestate: string | null) {
    this.#tracer = tracer;
    this.#span = span;
    this.tracestate = tracestate;
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  client(name: string, attributes: TraceAttributes): TraceSpan {
    const context = trace.setSpan(ROOT_CONTEXT, this.#span);
    const span = this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, context);
    return new OtelSpan(this.#tracer, span, this.tracestate);
  }

  set(name: string, value: string | number | boolean): void {
    this.#span.setAttribute(name, value);
  }

  fail(type: string, message?: string): void {
    this.#span.setAttribute('error.type', type);
    this.#span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
  }

  end(): void {
    this.#span.end();
  }
}

const traceparent = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

/** The context that a client sent; null if it is malformed. W3C Trace Context, traceparent Header. */
function spanContextOf(context: TraceContext): SpanContext | null {
  const [, traceId, spanId, flags] = traceparent.exec(context.traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || context.traceparent.startsWith('ff')) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  const traceFlags = Number.parseInt(flags as string, 16) & TraceFlags.SAMPLED;
  return { traceId, spanId, traceFlags, isRemote: true };
}

/** OpenTelemetry, SDK Environment Variables, `OTEL_TRACES_SAMPLER`. */
function samplerOf(
  { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument }: Environment,
  logger: Logger,
): Sampler {
  const ratio = argument === undefined || argument === '' ? 1 : Number(argument);
  const isRatio = ratio >= 0 && ratio <= 1;
  if (!isRatio) logger.warn('OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1: every trace is sampled');
  const byRatio = new TraceIdRatioBasedSampler(isRatio ? ratio : 1);
  const samplers: Readonly<Record<string, Sampler>> = {
    always_on: new AlwaysOnSampler(),
    always_off: new AlwaysOffSampler(),
    traceidratio: byRatio,
    parentbased_always_on: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    parentbased_always_off: new ParentBasedSampler({ root: new AlwaysOffSampler() }),
    parentbased_traceidratio: new ParentBasedSampler({ root: byRatio }),
  };
  const byDefault = samplers.parentbased_always_on as Sampler;
  if (!name) return byDefault;
  if (Object.hasOwn(samplers, name)) return samplers[name] as Sampler;
  logger.warn('OTEL_TRACES_SAMPLER names no sampler: every trace is sampled', {
    known: Object.keys(samplers).join(', '),
  });
  return byDefault;
}

/** OpenTelemetry, SDK Environment Variables, Batch Span Processor. */
function batchOptions(env: Environment): Record<string, number> {
  const variables = {
    scheduledDelayMillis: env.OTEL_BSP_SCHEDULE_DELAY,
    exportTimeoutMillis: env.OTEL_BSP_EXPORT_TIMEOUT,
    maxQueueSize: env.OTEL_BSP_MAX_QUEUE_SIZE,
    maxExportBatchSize: env.OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
  };
  const numbers = Object.entries(variables).map(
    ([name, text]) => [name, Number(text || Number.NaN)] as const,
  );
  return Object.fromEntries(numbers.filter(([, value]) => Number.isInteger(value) && value > 0));
}

/** Logs what the SDK reports, such as a collector that does not answer, at most once a minute. */
function warnOfFailures(logger: Logger): void {
  let nextMs = 0;
  const report = (message: string, ...details: readonly unknown[]) => {
    if (performance.now() < nextMs) return;
    nextMs = performance.now() + minWarningIntervalMs;
    const cause = [message, ...details].map(String).join(' ').slice(0, 300);
    logger.warn('traces cannot be exported', { cause });
  };
  const ignore = () => {};
  diag.setLogger(
    { error: report, warn: report, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
