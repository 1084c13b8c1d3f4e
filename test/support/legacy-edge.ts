import { Endpoint } from '../../src/downstream/endpoint.ts';
import { SessionIds } from '../../src/downstream/legacy/session-ids.ts';
import { Sessions } from '../../src/downstream/legacy/sessions.ts';
import { McpRequest } from '../../src/http/mcp-request.ts';
import { createLogger } from '../../src/observability/log.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { Redactor } from '../../src/observability/redact.ts';
import type { Exchange } from '../../src/protocol/exchange.ts';
import type { QuestionAnswer, QuestionMethod } from '../../src/protocol/questions.ts';
import { Registry } from '../../src/registry/registry.ts';
import { Abort } from '../../src/runtime/abort.ts';
import { type State, volatileState } from '../../src/state/state.ts';
import { pageOf, sampleValue } from './prometheus-page.ts';

/** The endpoint over real HTTP, with a test in place of the router and all upstreams. */
export function legacyEdge(handle: (exchange: Exchange) => void, state: State = volatileState()) {
  const redactor = new Redactor();
  const silent = createLogger({ level: 'error', format: 'json', redactor, write: () => {} });
  const metrics = new Metrics({
    build: { version: '0', gitSha: '', bunVersion: '' },
    sessionsActive,
    pageMaxAgeMs: 0,
  });
  const sessions = new Sessions({
    metrics: metrics.downstream,
    logger: silent,
    ids: new SessionIds(state),
    onEnded() {},
    idleTtlMs: 60_000,
    sweepIntervalMs: 60_000,
  });
  function sessionsActive(): number {
    return sessions.size;
  }
  const router = { handle, serverOf: () => 'up', capabilitiesOf: () => ({}) };
  type Parts = ConstructorParameters<typeof Endpoint>[0];
  const { seal } = state;
  const registry = new Registry(silent, () => {});
  const parts = {
    router,
    registry,
    sessions,
    seal,
    metrics: metrics.downstream,
    logger: silent,
    gateways: () => '',
  };
  const endpoint = new Endpoint(parts as unknown as Parts);
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request, http) {
      const made = new McpRequest(endpoint, request, http, 'none', '', 4 * 1024 * 1024);
      endpoint.handle(made);
      return made.response;
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/mcp`,
    endpoint,
    sessions,
    /** The value of `mcpstead_client_requests_total`. */
    async questions(kind: string, result: string) {
      return sampleValue(await pageOf(metrics), 'mcpstead_client_requests_total', { kind, result });
    },
    async [Symbol.asyncDispose]() {
      sessions.endAll();
      await server.stop(true);
    },
  };
}

/** Asks the client of an exchange; rejects as the completion does. */
export function ask(
  exchange: Exchange,
  method: QuestionMethod,
  params: object = {},
  signal: Abort = new Abort(),
): Promise<QuestionAnswer> {
  const asked = Promise.withResolvers<QuestionAnswer>();
  exchange.ask({ method, paramsText: JSON.stringify(params), signal }, asked);
  return asked.promise;
}
