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
import { type Redactor, sanitizeReason } from './redact.ts';
import type { TraceAttributes, TraceContext, TraceSpan, Tracing } from './tracing.ts';

/** How long the export at the end may take. */
const stopTimeoutMs = 3_000;
/** Longer values of attributes are truncated. */
const maxValueChars = 1_024;
const minWarningIntervalMs = 60_000;

interface Reporting {
  /** The URL of the collector, fit to be shown. */
  readonly collector: string;
  readonly logger: Logger;
  readonly redactor: Redactor;
}

/** {@link Tracing} by the OpenTelemetry SDK. */
export class OtelTracing implements Tracing {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;

  constructor(env: Environment, reporting: Reporting) {
    const { logger } = reporting;
    reportSettings(reporting);
    const own = resourceFromAttributes({ 'service.name': 'mcpstead', 'service.version': build.version });
    const named = detectResources({ detectors: [envDetector] });
    this.#provider = new TracerProvider({
      resource: defaultResource().merge(own).merge(named),
      sampler: samplerOf(env, logger),
      spanLimits: { attributeValueLengthLimit: maxValueChars },
      spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), ...batchOptions(env) })],
    });
    this.#tracer = this.#provider.getTracer('mcpstead', build.version);
    reportFailures(reporting);
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
    // W3C Trace Context, A traceparent is received: without a valid one, there is no tracestate either.
    return new OtelSpan(this.#tracer, span, remote === null ? null : (parent?.tracestate ?? null));
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
    const words = message?.slice(0, maxValueChars).toWellFormed();
    this.#span.setStatus({ code: SpanStatusCode.ERROR, ...(words !== undefined && { message: words }) });
  }

  end(): void {
    this.#span.end();
  }
}

/** Versions after 00 may have more fields. */
const traceparent =
  /^(?:00(?=.{53}$)|(?!00|ff)[0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

/** The context that a client sent; null if it is malformed. W3C Trace Context, traceparent Header. */
function spanContextOf(context: TraceContext): SpanContext | null {
  const [, traceId, spanId, flags] = traceparent.exec(context.traceparent) ?? [];
  if (traceId === undefined || spanId === undefined) return null;
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

/** Logs what the SDK says about the environment while it is set up. */
function reportSettings({ logger, redactor }: Reporting): void {
  setReport((words) => {
    logger.warn('a setting of OpenTelemetry is not used', { cause: sanitizeReason(words, redactor) });
  });
}

/** Logs what the SDK reports later, such as a collector that does not answer, at most once a minute. */
function reportFailures({ collector, logger, redactor }: Reporting): void {
  let nextMs = 0;
  setReport((words) => {
    if (performance.now() < nextMs) return;
    nextMs = performance.now() + minWarningIntervalMs;
    logger.warn('traces cannot be exported', { collector, cause: sanitizeReason(words, redactor) });
  });
}

function setReport(report: (words: string) => void): void {
  const say = (...details: readonly unknown[]) => report(details.map(wordsOf).join(' '));
  const ignore = () => {};
  diag.setLogger(
    { error: say, warn: say, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

/** The SDK reports an exception as a JSON text of all its properties, with its stack. */
function wordsOf(detail: unknown): string {
  const text = String(detail);
  if (!text.startsWith('{')) return text;
  try {
    const { message, code, data } = JSON.parse(text) as Record<string, string | undefined>;
    const words = [message, code === undefined ? '' : `(${code})`, data ?? ''];
    return words.filter(Boolean).join(' ') || text;
  } catch {
    return text;
  }
}
