import type { Certificate } from './tls.ts';

/** A span as OTLP/JSON has it, with its attributes as an object. */
export interface CollectedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly links?: readonly { readonly spanId: string }[];
  /** 2: server, 3: client. */
  readonly kind: number;
  /** The code is 2 for an error. */
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly service: unknown;
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** The part of an OTLP request that the collector reads. */
interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes?: readonly KeyValue[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<CollectedSpan, 'attributes' | 'service'> & {
        readonly attributes?: readonly KeyValue[];
      })[];
    }[];
  }[];
}

interface TraceCollectorOptions {
  readonly tls?: Certificate;
  /** Answers in place of the collector, which then keeps nothing. */
  readonly answer?: (request: Request) => Response | Promise<Response>;
}

/** A collector of OpenTelemetry traces. */
export interface TraceCollector extends Disposable {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
}

const valuesOf = (attributes: readonly KeyValue[] = []): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

/** Starts a collector that takes OTLP/HTTP with JSON. */
export function startTraceCollector({ tls, answer }: TraceCollectorOptions = {}): TraceCollector {
  const spans: CollectedSpan[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    ...(tls && { tls }),
    routes: {
      '/v1/traces': {
        POST: async (request) => {
          if (answer) return answer(request);
          const { resourceSpans } = (await request.json()) as ExportRequest;
          for (const { resource, scopeSpans } of resourceSpans) {
            const { 'service.name': service } = valuesOf(resource.attributes);
            for (const scope of scopeSpans) {
              for (const span of scope.spans)
                spans.push({ ...span, attributes: valuesOf(span.attributes), service });
            }
          }
          return Response.json({});
        },
      },
    },
    fetch: () => new Response(null, { status: 404 }),
  });
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${server.port}`,
    spans,
    [Symbol.dispose]: () => void server.stop(true),
  };
}
