import type { Environment } from '../runtime/environment.ts';
import type { Logger } from './log.ts';
import { displayUrl, type Redactor } from './redact.ts';
import type { Tracing } from './tracing.ts';

/**
 * Starts to trace if the environment names a collector, as the OpenTelemetry specification says; resolves to null if it does not.
 * Variables of the environment also choose the sampler, headers, resource attributes and so on.
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export async function openTracing(
  env: Environment,
  logger: Logger,
  redactor: Redactor,
): Promise<Tracing | null> {
  const names = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];
  const variable = names.find((name) => env[name]?.trim());
  if (variable === undefined || env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') return null;
  if (!isExported(env.OTEL_TRACES_EXPORTER, logger)) return null;
  const endpoint = env[variable] as string;
  // The SDK would send to localhost in place of it.
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) {
    logger.warn(`nothing is traced: ${variable} is no URL such as http://127.0.0.1:4318`);
    return null;
  }
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || 'http/json';
  if (protocol !== 'http/json')
    logger.warn('traces are sent as http/json, the only OTLP protocol that mcpstead has', {
      configured: protocol,
    });
  // It takes 30 ms to load, which only those who trace should pay.
  const { OtelTracing } = await import('./otel-tracing.ts');
  return new OtelTracing(env, { collector: displayUrl(endpoint), logger, redactor });
}

/** Whether the list of exporters, if there is one, names the only one that mcpstead has. */
function isExported(exporters: string | undefined, logger: Logger): boolean {
  const names = (exporters?.trim() || 'otlp').split(',').map((name) => name.trim().toLowerCase());
  if (names.includes('otlp')) return true;
  if (!names.includes('none'))
    logger.warn('nothing is traced: OTEL_TRACES_EXPORTER names another exporter than otlp, the only one');
  return false;
}
