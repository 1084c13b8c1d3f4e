import { expect, test } from 'bun:test';
import type { Exchange } from '../../../../src/protocol/exchange.ts';
import { nextTurn } from '../../../../src/runtime/event-loop.ts';
import { askOf, modernCalls } from '../../../support/modern-calls.ts';

const text = 'x'.repeat(1024 * 1024);

test('at most 2000 calls of one principal wait for their clients, and 4000 in all', async () => {
  const asked: ReturnType<typeof askOf>[] = [];
  const { request, clock, parked } = modernCalls((exchange) => void asked.push(askOf(exchange)));
  for (let i = 0; i < 2_001; i++) request();
  clock.advance(10);
  await nextTurn();
  expect(parked()).toBe(2_000);
  expect(asked.at(-1)?.answer?.text).toContain('too many calls that wait for their clients');
  request({ caller: { principal: 'bearer' } });
  clock.advance(10);
  await nextTurn();
  expect(parked()).toBe(2_001);
});

test('a call that ends makes room for another', async () => {
  const got: Exchange[] = [];
  const { request, clock, parked } = modernCalls((exchange) => {
    got.push(exchange);
    askOf(exchange);
  });
  for (let i = 0; i < 2_000; i++) request();
  clock.advance(10);
  await nextTurn();
  got[0]?.answer({ kind: 'result', payload: '{}' });
  expect(parked()).toBe(1_999);
  request();
  clock.advance(10);
  await nextTurn();
  expect(parked()).toBe(2_000);
});

test('the params and questions of waiting calls hold at most 64 MiB', async () => {
  const asked: ReturnType<typeof askOf>[] = [];
  const { request, clock, parked } = modernCalls((exchange) => {
    asked.push(askOf(exchange, 'elicitation/create', { message: text }));
  });
  for (let i = 0; i < 30; i++) request({ params: { arguments: { text } } });
  clock.advance(10);
  await nextTurn();
  expect(parked()).toBe(21);
  expect(asked.at(-1)?.answer?.kind).toBe('error');
});

test('an ended call is remembered as long as its states are good, so that none of them starts another', async () => {
  const got: Exchange[] = [];
  const { request, clock } = modernCalls((exchange) => {
    got.push(exchange);
    exchange.answer({
      kind: 'result',
      ...(got.length === 1
        ? { payload: '{"inputRequests":{},"requestState":"s"}', resultType: 'input_required' }
        : { payload: '{}' }),
    });
  });
  const retry = { requestState: request().answer?.result.requestState, inputResponses: {} };
  expect(request(retry).answer?.result).toBeDefined();
  for (let seconds = 0; seconds < 590; seconds += 10) {
    clock.advance(10_000);
    await nextTurn();
  }
  expect(request(retry).answer?.error.message).toContain('whose answer is no longer kept');
  clock.advance(20_000);
  expect(request(retry).answer?.error.message).toContain('has expired after 600 s');
  expect(got).toHaveLength(2);
});

test('answers that are kept hold at most 64 MiB, and the oldest ones make room', async () => {
  const got: Exchange[] = [];
  const { request, clock } = modernCalls((exchange) => {
    got.push(exchange);
    askOf(exchange);
  });
  const payload = JSON.stringify({ text: text.slice(100) });
  const answered = async () => {
    const first = request();
    clock.advance(10);
    await nextTurn();
    const retry = {
      requestState: first.answer?.result.requestState,
      inputResponses: { 'elicitation-1': { action: 'accept' } },
    };
    request(retry);
    got.at(-1)?.answer({ kind: 'result', payload });
    return retry;
  };
  const retries: Awaited<ReturnType<typeof answered>>[] = [];
  for (let i = 0; i < 70; i++) retries.push(await answered());
  const kept = retries.map((retry) => request(retry).answer?.result !== undefined);
  expect(kept).toEqual([...Array(6).fill(false), ...Array(64).fill(true)]);
  // A call that waits comes first.
  const waiting = request({ params: { arguments: { text } } });
  clock.advance(10);
  await nextTurn();
  expect(waiting.answer?.result?.resultType).toBe('input_required');
  clock.advance(66_000);
  expect(request(retries[0] ?? {}).answer?.error).toBeDefined();
  expect(request(await answered()).answer?.result).toBeDefined();
});
