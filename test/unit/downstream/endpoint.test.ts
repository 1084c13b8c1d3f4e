import { expect, test } from 'bun:test';
import { Endpoint } from '../../../src/downstream/endpoint.ts';
import type { EndpointRequest } from '../../../src/downstream/request.ts';
import { type Caller, sessionlessCaller } from '../../../src/protocol/caller.ts';
import type { Exchange } from '../../../src/protocol/exchange.ts';

function endpointOf(router: unknown, sessions: unknown = {}): Endpoint {
  const metrics = { request() {}, requestWithoutMethod() {} };
  const logger = { isDebug: false, isTrace: false };
  const parts = { router, metrics, logger, sessions, gateways: () => '' };
  return new Endpoint(parts as unknown as ConstructorParameters<typeof Endpoint>[0]);
}

/** An endpoint whose requests take some milliseconds of work each. */
function busyEndpoint(onHandled: () => void): Endpoint {
  const router = {
    handle(exchange: Exchange) {
      const untilMs = performance.now() + 6;
      while (performance.now() < untilMs);
      onHandled();
      exchange.answer({ kind: 'result', payload: '{}' });
    },
  };
  return endpointOf(router);
}

/** Posts `body`; returns the response. */
function post(endpoint: Endpoint, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const responded = Promise.withResolvers<Response>();
  const request: EndpointRequest = {
    method: 'POST',
    header: (name) => (name === 'content-type' ? 'application/json' : (headers[name] ?? null)),
    readBody: () => endpoint.bodyRead(request, JSON.stringify(body)),
    principal: 'none',
    view: '',
    accepted: { json: true, sse: false },
    signal: new AbortController().signal,
    respond: responded.resolve,
    stream: responded.resolve,
    onLong() {},
    onEnd() {},
  };
  endpoint.handle(request);
  return responded.promise;
}

test('slow requests of a batch leave turns to others', async () => {
  const turns = new Set<number>();
  let turn = 0;
  let over = false;
  const count = () => {
    turn++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  const requests = Array.from({ length: 10 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'tools/list' }));
  const response = await post(
    busyEndpoint(() => turns.add(turn)),
    requests,
  );
  const answers = (await response.json()) as { id: number }[];
  over = true;
  expect(answers.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(turns.size).toBeGreaterThan(3);
});

test('the requests of a session share its caller, as do all requests of a principal outside sessions', async () => {
  const callers: Caller[] = [];
  const router = {
    handle(exchange: Exchange) {
      callers.push(exchange.caller);
      exchange.answer({ kind: 'result', payload: '{}' });
    },
  };
  const caller = { ...sessionlessCaller('none', ''), sessionId: 's' };
  const session = { caller, addCall() {}, removeCall() {} };
  const endpoint = endpointOf(router, { find: (id: string) => (id === 's' ? session : undefined) });
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
  const none = sessionlessCaller('none', '');
  for (const [body, headers] of [
    [list, {}],
    [[list], {}],
    [list, { 'mcp-session-id': 's' }],
  ] as const) {
    expect((await post(endpoint, body, headers)).status).toBe(200);
  }
  expect(callers.map((one) => [none, caller].indexOf(one))).toEqual([0, 0, 1]);
});
