import type { Environment } from '../runtime/environment.ts';
import type { Logger } from './log.ts';
import type { Tracing } from './tracing.ts';

/**
 * Starts to trace if the environment names a collector, as the OpenTelemetry specification says; resolves to null if it does not.
 * Variables of the environment also choose the sampler, headers, resource attributes and so on.
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export async function openTracing(env: Environment, logger: Logger): Promise<Tracing | null> {
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!endpoint || env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return null;
  if (env.OTEL_TRACES_EXPORTER?.toLowerCase() === 'none') return null;
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || 'http/json';
  if (protocol !== 'http/json')
    logger.warn('traces are sent as http/json, the only OTLP protocol that mcpstead has', {
      configured: protocol,
    });
  // It takes 30 ms to load, which only those who trace should pay.
  const { OtelTracing } = await import('./otel-tracing.ts');
  return new OtelTracing(env, logger);
}
