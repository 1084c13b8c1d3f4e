import { expect, test } from 'bun:test';
import type { Logger } from '../../../src/observability/log.ts';
import { OtelTracing } from '../../../src/observability/otel-tracing.ts';
import { Redactor } from '../../../src/observability/redact.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';

/** The position in which a request arrives at the server, for a client that sent this one. Nothing is exported. */
async function positionAfter(traceparent: string) {
  const logger = { warn() {} } as unknown as Logger;
  const reporting = { collector: 'http://collector.example/', logger, redactor: new Redactor() };
  const tracing = new OtelTracing({ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, reporting);
  const span = tracing.server('tools/call', {}, { traceparent, tracestate: 'vendor=1' }, null);
  const position = { traceparent: span.traceparent, tracestate: span.tracestate };
  span.end();
  await tracing.stop();
  return position;
}

test.each([
  ['as the specification has it', `00-${traceId}-${spanId}-00`],
  ['with the flag of random ids', `00-${traceId}-${spanId}-02`],
  ['of a later version', `01-${traceId}-${spanId}-00`],
  ['of a later version with more fields', `cc-${traceId}-${spanId}-00-what`],
])('a traceparent %s is continued', async (_what, traceparent) => {
  const position = await positionAfter(traceparent);
  expect(position.traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
  expect(position.traceparent).not.toContain(spanId);
  expect(position.tracestate).toBe('vendor=1');
});

test.each([
  ['that is empty', ''],
  ['of version ff', `ff-${traceId}-${spanId}-01`],
  ['of version 00 with more fields', `00-${traceId}-${spanId}-01-what`],
  ['with an id of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
  ['with a parent of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
  ['in upper case', `00-${traceId.toUpperCase()}-${spanId}-01`],
  ['with digits of another script', `00-${traceId.replace('4', '\u0664')}-${spanId}-01`],
  ['with flags that are no number', `00-${traceId}-${spanId}-0g`],
  ['with a line break', `00-${traceId}-${spanId}-01\n`],
  ['of a million characters', `00-${'a'.repeat(1_000_000)}`],
])('a traceparent %s begins a trace, without the tracestate', async (_what, traceparent) => {
  const position = await positionAfter(traceparent);
  expect(position.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(position.traceparent).not.toContain(traceId);
  expect(position.tracestate).toBeNull();
});
