import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProgram } from '../support/program.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { startSdkV2Modern } from '../support/sdk-v2.ts';
import { certificateFor } from '../support/tls.ts';
import { type CollectedSpan, startTraceCollector } from '../support/trace-collector.ts';
import { freePort, waitUntil } from '../support/wait.ts';

// Starting a process takes long on a busy machine.
setDefaultTimeout(30_000);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-tracing-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const client = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
const traceparent = `00-${client.traceId}-${client.spanId}-01`;

/** The part of an answer that the tests read. */
interface CallAnswer {
  readonly result: { readonly structuredContent?: { readonly meta: unknown } };
}

/** A gateway process in front of `url`. Calls a tool, or another method, with these params; returns the answer. */
async function startTraced(url: string, env: Record<string, string>, bunArgs: readonly string[] = []) {
  const port = freePort();
  const config = join(folder, 'mcpstead.yaml');
  writeFileSync(config, `port: ${port}\nservers: [{ name: up, url: '${url}', required: true }]\n`);
  const program = startProgram(['--config', config], {
    env: { OTEL_BSP_SCHEDULE_DELAY: '20', ...env },
    bunArgs,
  });
  await program.printed('serving http://');
  const call = async (params: unknown, headers: Record<string, string> = {}, method = 'tools/call') => {
    const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json', ...headers },
      body: JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }),
    });
    return (await response.json()) as CallAnswer;
  };
  return { call, program, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

/** The two spans of a call, once they have arrived. */
async function spansOf(spans: readonly CollectedSpan[]) {
  await waitUntil('two spans', () => spans.length >= 2);
  const server = spans.find(({ kind }) => kind === 2);
  const upstream = spans.find(({ kind }) => kind === 3);
  if (!server || !upstream) throw new Error(`other spans: ${JSON.stringify(spans)}`);
  return { server, upstream };
}

describe.each([
  ['legacy', startSdkV1],
  ['modern', startSdkV2Modern],
] as const)('with a collector, a call at a %s server', (_era, start) => {
  test('is a span in the trace of the client, with one at the server below it', async () => {
    using collector = startTraceCollector();
    await using server = await start();
    await using gateway = await startTraced(server.url, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const answer = await gateway.call(
      {
        name: 'up__mirror',
        arguments: { secret: 'hidden' },
        _meta: { traceparent, tracestate: 'vendor=1' },
      },
      { traceparent: `00-${client.traceId}-aaaaaaaaaaaaaaaa-01` },
    );
    const { server: own, upstream } = await spansOf(collector.spans);
    expect(own).toMatchObject({
      name: 'tools/call up__mirror',
      traceId: client.traceId,
      parentSpanId: client.spanId,
      links: [{ spanId: 'aaaaaaaaaaaaaaaa' }],
      service: 'mcpstead',
      attributes: {
        'mcp.method.name': 'tools/call',
        'gen_ai.tool.name': 'up__mirror',
        'gen_ai.operation.name': 'execute_tool',
        'jsonrpc.request.id': '7',
      },
    });
    expect(upstream).toMatchObject({
      name: 'tools/call mirror',
      traceId: client.traceId,
      parentSpanId: own.spanId,
      attributes: {
        'gen_ai.tool.name': 'mirror',
        'mcpstead.server.name': 'up',
        'network.transport': 'tcp',
        'server.address': '127.0.0.1',
      },
    });
    expect(answer.result.structuredContent?.meta).toMatchObject({
      traceparent: `00-${client.traceId}-${upstream.spanId}-01`,
      tracestate: 'vendor=1',
    });
    expect(JSON.stringify(collector.spans)).not.toContain('hidden');
  });
});

test('a call that fails is a span with the error, at both ends', async () => {
  using collector = startTraceCollector();
  await using server = await startSdkV1();
  await using gateway = await startTraced(server.url, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  await gateway.call({ name: 'up__fail', arguments: {} });
  const { server: own, upstream } = await spansOf(collector.spans);
  for (const span of [own, upstream]) {
    expect(span).toMatchObject({ status: { code: 2 }, attributes: { 'error.type': 'tool_error' } });
  }
});

test('a call of an unknown tool has its code', async () => {
  using collector = startTraceCollector();
  await using server = await startSdkV1();
  await using gateway = await startTraced(server.url, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  await gateway.call({ name: 'nobody__t' });
  await waitUntil('a span', () => collector.spans.length > 0);
  expect(collector.spans).toMatchObject([
    { status: { code: 2 }, attributes: { 'error.type': '-32602', 'rpc.response.status_code': '-32602' } },
  ]);
});

test('spans that are not exported yet are when the gateway stops', async () => {
  using collector = startTraceCollector();
  await using server = await startSdkV1();
  await using gateway = await startTraced(server.url, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '600000',
  });
  await gateway.call({ name: 'up__mirror', arguments: {} });
  expect(collector.spans).toEqual([]);
  gateway.program.signal('SIGTERM');
  expect(await gateway.program.ended()).toMatchObject({ exitCode: 0 });
  expect(collector.spans).toHaveLength(2);
});

test('a collector that is gone costs a warning, and no call', async () => {
  await using server = await startSdkV1();
  const endpoint = `http://127.0.0.1:${freePort()}`;
  await using gateway = await startTraced(server.url, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
  const answer = await gateway.call({ name: 'up__mirror', arguments: {} });
  expect(answer.result.structuredContent).toBeDefined();
  await gateway.program.printed('traces cannot be exported');
});

test.each([
  ['no collector is named', () => ({})],
  ['the SDK is disabled', (url: string) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SDK_DISABLED: 'true' })],
  [
    'the sampler is off',
    (url: string) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_TRACES_SAMPLER: 'always_off' }),
  ],
] as const)('nothing is exported while %s', async (_what, env) => {
  using collector = startTraceCollector();
  await using server = await startSdkV1();
  await using gateway = await startTraced(server.url, env(collector.url));
  const answer = await gateway.call({ name: 'up__mirror', arguments: {}, _meta: { traceparent: 'odd' } });
  expect(answer.result.structuredContent).toBeDefined();
  gateway.program.signal('SIGTERM');
  await gateway.program.ended();
  expect(collector.spans).toEqual([]);
});

test('without a collector, the trace context of the client passes as it is', async () => {
  await using server = await startSdkV1();
  await using gateway = await startTraced(server.url, {});
  const answer = await gateway.call({ name: 'up__mirror', arguments: {}, _meta: { traceparent } });
  expect(answer.result.structuredContent?.meta).toEqual({ traceparent });
});

test('names that clients make up are attributes, and no names of spans', async () => {
  using collector = startTraceCollector();
  await using server = await startSdkV1();
  await using gateway = await startTraced(server.url, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  await gateway.call({ name: 'up__invented' });
  await gateway.call({ name: 'x' }, {}, 'invented/method');
  await gateway.call({ name: 'x' }, {}, 'constructor');
  await waitUntil('five spans', () => collector.spans.length >= 5);
  const own = collector.spans.filter(({ kind }) => kind === 2);
  expect(own.map(({ name }) => name)).toEqual(['tools/call', '_OTHER', '_OTHER']);
  expect(own.map(({ attributes }) => attributes['mcp.method.name'])).toEqual([
    'tools/call',
    'invented/method',
    'constructor',
  ]);
  expect(own[0]?.attributes).toMatchObject({ 'gen_ai.tool.name': 'up__invented' });
  // Without a tool of that name, the first one went to no server.
  const passedOn = collector.spans.filter(({ kind }) => kind === 3);
  expect(passedOn.map(({ name }) => name)).toEqual(['_OTHER', '_OTHER']);
});

test('a traceparent that is malformed begins a trace, to which its tracestate does not belong', async () => {
  using collector = startTraceCollector();
  await using server = await startSdkV1();
  await using gateway = await startTraced(server.url, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  const _meta = { traceparent: `ff${traceparent.slice(2)}`, tracestate: 'vendor=1', baggage: 'kept=1' };
  const answer = await gateway.call({ name: 'up__mirror', arguments: {}, _meta });
  const { server: own, upstream } = await spansOf(collector.spans);
  expect(own.traceId).not.toBe(client.traceId);
  expect(own.parentSpanId ?? '').toBe('');
  expect(answer.result.structuredContent?.meta).toEqual({
    baggage: 'kept=1',
    traceparent: `00-${own.traceId}-${upstream.spanId}-01`,
  });
});

test('a collector that refuses is named in the log with its reason, without secrets and stacks', async () => {
  using collector = startTraceCollector({
    answer: ({ headers }) => new Response(`unknown key ${headers.get('x-key')}`, { status: 401 }),
  });
  await using server = await startSdkV1();
  await using gateway = await startTraced(server.url, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-key=c0llector-key',
  });
  await gateway.call({ name: 'up__mirror', arguments: {} });
  await gateway.program.printed('traces cannot be exported');
  const line = gateway.program
    .stderr()
    .split('\n')
    .find((text) => text.includes('cannot be exported'));
  expect(JSON.parse(line as string)).toMatchObject({
    collector: `${collector.url}/`,
    cause: 'Unauthorized (401) unknown key [redacted]',
  });
  expect(gateway.program.stderr()).not.toContain('c0llector-key');
});

test('a collector that hangs delays neither calls nor, for long, the end', async () => {
  using collector = startTraceCollector({ answer: () => new Promise<never>(() => {}) });
  await using server = await startSdkV1();
  await using gateway = await startTraced(server.url, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  const calls = Array.from({ length: 50 }, () => gateway.call({ name: 'up__mirror', arguments: {} }));
  for (const { result } of await Promise.all(calls)) expect(result.structuredContent).toBeDefined();
  const startMs = performance.now();
  gateway.program.signal('SIGTERM');
  expect(await gateway.program.ended()).toMatchObject({ exitCode: 0 });
  // The export at the end has 3 s, and each request to the collector 10 s.
  expect(performance.now() - startMs).toBeLessThan(8_000);
});

test('a collector behind TLS is trusted by its certificate', async () => {
  const certificate = certificateFor('127.0.0.1');
  using collector = startTraceCollector({ tls: certificate });
  await using server = await startSdkV1();
  const path = join(folder, 'collector.pem');
  writeFileSync(path, certificate.cert);
  await using gateway = await startTraced(server.url, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_CERTIFICATE: path,
  });
  await gateway.call({ name: 'up__mirror', arguments: {} });
  await spansOf(collector.spans);
});

test.each([
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318' },
    'OTEL_EXPORTER_OTLP_ENDPOINT is no URL such as http://127.0.0.1:4318',
  ],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_TRACES_EXPORTER: 'console' },
    'OTEL_TRACES_EXPORTER names another exporter than otlp, the only one',
  ],
] as const)('nothing is traced, and the log says why, with %j', async (env, cause) => {
  await using server = await startSdkV1();
  await using gateway = await startTraced(server.url, env);
  expect(gateway.program.stderr()).toContain(`nothing is traced: ${cause}`);
  const answer = await gateway.call({ name: 'up__mirror', arguments: {}, _meta: { traceparent } });
  expect(answer.result.structuredContent?.meta).toEqual({ traceparent });
});

test.each([
  ['none', 'no collector', () => ({})],
  ['some', 'a collector', (url: string) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url })],
] as const)('%s of the code of OpenTelemetry is loaded with %s', async (amount, _what, env) => {
  using collector = startTraceCollector();
  await using server = await startSdkV1();
  const watch = join(folder, 'watch.ts');
  writeFileSync(
    watch,
    `import { plugin } from 'bun';
    const loader = (path: string) => (path.endsWith('.ts') ? 'ts' : 'js');
    plugin({ name: 'watch', setup(build) {
      build.onLoad({ filter: /opentelemetry|otel-tracing/ }, async ({ path }) => {
        process.stderr.write('loaded: OpenTelemetry\\n');
        return { contents: await Bun.file(path).text(), loader: loader(path) };
      });
    } });`,
  );
  await using gateway = await startTraced(server.url, env(collector.url), ['--preload', watch]);
  await gateway.call({ name: 'up__mirror', arguments: {} });
  expect(gateway.program.stderr().includes('loaded: OpenTelemetry')).toBe(amount === 'some');
});
