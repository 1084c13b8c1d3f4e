import { expect, test } from 'bun:test';
import { Endpoint } from '../../../src/downstream/endpoint.ts';
import type { BodyReader, EndpointRequest } from '../../../src/downstream/request.ts';
import type { Exchange } from '../../../src/protocol/exchange.ts';

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
  const metrics = { request() {}, requestWithoutMethod() {} };
  const logger = { isDebug: false, isTrace: false };
  return new Endpoint({
    router,
    metrics,
    logger,
    sessions: {},
    gateways: () => '',
  } as unknown as ConstructorParameters<typeof Endpoint>[0]);
}

/** A batch of so many requests as it was posted, and when its answers are there. */
function postedBatch(count: number) {
  const responded = Promise.withResolvers<Response>();
  const requests = Array.from({ length: count }, (_, id) => ({ jsonrpc: '2.0', id, method: 'tools/list' }));
  const request: EndpointRequest = {
    method: 'POST',
    text: JSON.stringify(requests),
    header: (name) => (name === 'content-type' ? 'application/json' : null),
    readBody: (reader: BodyReader) => reader.bodyRead(request),
    principal: 'none',
    accepted: { json: true, sse: false },
    signal: new AbortController().signal,
    respond: responded.resolve,
    stream: responded.resolve,
    onLong() {},
    onEnd() {},
  };
  return { request, response: responded.promise };
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
  const { request, response } = postedBatch(10);
  busyEndpoint(() => turns.add(turn)).handle(request);
  const answers = (await (await response).json()) as { id: number }[];
  over = true;
  expect(answers.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(turns.size).toBeGreaterThan(3);
});
