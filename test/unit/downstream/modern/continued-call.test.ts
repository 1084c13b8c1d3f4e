import { describe, expect, test } from 'bun:test';
import { CallFailure } from '../../../../src/errors.ts';
import type { Exchange } from '../../../../src/protocol/exchange.ts';
import type { ResponseMessage } from '../../../../src/protocol/messages.ts';
import { nextTurn } from '../../../../src/runtime/event-loop.ts';
import { OwnedBytes } from '../../../../src/runtime/owned-bytes.ts';
import { parseBody } from '../../../../src/upstream/transport/parse-messages.ts';
import { askOf, form, modernCalls } from '../../../support/modern-calls.ts';

const accepted = { action: 'accept', content: { name: 'Ann' } };
const result = (payload: object = { content: [] }) => ({
  kind: 'result' as const,
  payload: JSON.stringify(payload),
});
const sampling = { messages: [], maxTokens: 1 };

/** A legacy upstream whose call is in hand, with a client that is asked whatever the upstream asks. */
function legacyUpstream(params?: Record<string, unknown>) {
  const got: Exchange[] = [];
  const edge = modernCalls((exchange) => void got.push(exchange));
  const first = edge.request({ params });
  return {
    ...edge,
    first,
    exchange: got[0] as Exchange,
    got,
    /** Asks, and lets the client have the question. Returns what became of it, and the state. */
    park() {
      const asked = askOf(got[0] as Exchange);
      edge.clock.advance(10);
      return { asked, requestState: first.answer?.result.requestState as string };
    },
    retry: (
      requestState: string,
      inputResponses: object = { 'elicitation-1': accepted },
      more: object = {},
    ) => edge.request({ requestState, inputResponses, params, ...more }),
  };
}

describe('a call whose upstream asks', () => {
  test('answers its request with the question, and its retry with the result', () => {
    const { exchange, first, park, retry, parked, counted, got } = legacyUpstream();
    const { asked, requestState } = park();
    expect(first.answer).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: {
        resultType: 'input_required',
        inputRequests: { 'elicitation-1': { method: 'elicitation/create', params: form } },
        requestState: expect.any(String),
        _meta: expect.anything(),
      },
    });
    expect(exchange.signal.aborted).toBe(false);
    expect(parked()).toBe(1);
    const second = retry(requestState);
    expect(parked()).toBe(0);
    expect(asked.answer).toEqual({ kind: 'result', text: JSON.stringify(accepted) });
    expect(second.sent).toEqual([]);
    exchange.answer(result({ content: [], n: 1 }));
    expect(second.answer).toMatchObject({ id: 2, result: { resultType: 'complete', n: 1 } });
    expect(got).toHaveLength(1);
    expect(counted).toEqual(['elicitation answered']);
  });

  test('asks at once for all that it asks within a moment, under keys of its own', () => {
    const { exchange, first, clock } = legacyUpstream();
    askOf(exchange);
    clock.advance(9);
    askOf(exchange, 'sampling/createMessage', sampling);
    clock.advance(9);
    askOf(exchange, 'roots/list', {});
    expect(first.sent).toEqual([]);
    clock.advance(10);
    expect(first.answer?.result.inputRequests).toEqual({
      'elicitation-1': { method: 'elicitation/create', params: form },
      'sampling-2': { method: 'sampling/createMessage', params: sampling },
      'roots-3': { method: 'roots/list', params: {} },
    });
  });

  test('asks in the next turn once its tool has asked three times alone', async () => {
    const got: Exchange[] = [];
    const { request, clock } = modernCalls((exchange) => void got.push(exchange));
    const ask = (count: number) => {
      const call = request();
      for (let i = 0; i < count; i++) askOf(got.at(-1) as Exchange);
      return call;
    };
    for (let i = 0; i < 3; i++) {
      ask(1);
      clock.advance(10);
    }
    const quick = ask(1);
    expect(quick.sent).toEqual([]);
    await nextTurn();
    expect(quick.answer?.result.resultType).toBe('input_required');
    // Another tool has not asked yet.
    const other = request({ params: { name: 'files__other' } });
    askOf(got.at(-1) as Exchange);
    await nextTurn();
    expect(other.sent).toEqual([]);
    // Two at once tell that a lone one may be followed again.
    ask(2);
    const slow = ask(1);
    await nextTurn();
    expect(slow.sent).toEqual([]);
    clock.advance(10);
    expect(slow.answer?.result.resultType).toBe('input_required');
  });

  test('waits at most 50 ms for further questions', () => {
    const { exchange, first, clock } = legacyUpstream();
    for (let i = 0; i < 6; i++) {
      askOf(exchange);
      clock.advance(9);
    }
    expect(Object.keys(first.answer?.result.inputRequests)).toHaveLength(6);
  });

  test('passes notifications on to the latest request, with its progress token', () => {
    const { exchange, first, park, retry, request } = legacyUpstream({ _meta: { progressToken: 'one' } });
    const progress = (token: unknown) =>
      exchange.notify('notifications/progress', JSON.stringify({ progressToken: token, progress: 1 }));
    progress('one');
    const { requestState } = park();
    progress('one');
    expect(first.sent.map(({ method, id }) => method ?? id)).toEqual(['notifications/progress', 1]);
    const second = retry(requestState, undefined, { params: { _meta: { progressToken: 2 } } });
    progress('one');
    exchange.notify('notifications/message', '{"level":"info","data":1}');
    const third = request({ requestState, inputResponses: { 'elicitation-1': accepted } });
    progress('one');
    exchange.notify('notifications/message', '{"level":"info","data":2}');
    expect(second.sent.map(({ params }) => params)).toEqual([
      { progressToken: 2, progress: 1 },
      { level: 'info', data: 1 },
    ]);
    expect(third.sent.map(({ params }) => params)).toEqual([{ level: 'info', data: 2 }]);
  });

  test('asks again in a later round', () => {
    const { exchange, park, retry, clock, parked } = legacyUpstream();
    const { requestState } = park();
    const second = retry(requestState);
    const next = askOf(exchange, 'roots/list', {});
    clock.advance(10);
    expect(second.answer?.result.inputRequests).toEqual({ 'roots-2': { method: 'roots/list', params: {} } });
    expect(parked()).toBe(1);
    const third = retry(second.answer?.result.requestState, { 'roots-2': { roots: [] } });
    expect(next.answer?.text).toBe('{"roots":[]}');
    exchange.answer(result());
    expect(third.answer?.result.resultType).toBe('complete');
  });

  test('fails after ten rounds, and says so', async () => {
    const { exchange, park, retry, clock } = legacyUpstream();
    let state = park().requestState;
    let latest = retry(state);
    for (let round = 2; round <= 10; round++) {
      askOf(exchange);
      clock.advance(10);
      await nextTurn();
      state = latest.answer?.result.requestState;
      latest = retry(state, { [`elicitation-${round}`]: accepted });
    }
    const refused = askOf(exchange);
    clock.advance(10);
    await nextTurn();
    expect(latest.answer?.error).toMatchObject({
      code: -32603,
      message: 'upstream "files": it asked for input more than 10 times, which is the most for one call',
    });
    expect(refused.error).toBeInstanceOf(Error);
    expect(exchange.signal.aborted).toBe(true);
  });
});

describe('the answers of a retry', () => {
  test('with unknown keys are ignored, and missing ones asked for again', () => {
    const { exchange, first, clock, retry } = legacyUpstream();
    const [one, two] = [askOf(exchange), askOf(exchange)];
    clock.advance(10);
    const state = first.answer?.result.requestState;
    const partial = retry(state, { 'elicitation-1': accepted, other: {} });
    expect(one.answer).not.toBeNull();
    clock.advance(10);
    expect(Object.keys(partial.answer?.result.inputRequests)).toEqual(['elicitation-2']);
    retry(partial.answer?.result.requestState, { 'elicitation-2': { action: 'cancel' } });
    expect(two.answer?.text).toBe('{"action":"cancel"}');
  });

  test.each([[{}], [{ other: accepted }], [undefined]])(
    'that answer nothing get the same questions again, for the same state: %p',
    (none) => {
      const { park, request, clock, retry, parked } = legacyUpstream();
      const { asked, requestState } = park();
      for (let i = 0; i < 12; i++) {
        const again = request({ requestState, inputResponses: none });
        clock.advance(10);
        expect(Object.keys(again.answer?.result.inputRequests)).toEqual(['elicitation-1']);
      }
      expect(parked()).toBe(1);
      retry(requestState);
      expect(asked.answer?.kind).toBe('result');
    },
  );

  test.each([[{ 'elicitation-1': { action: 'maybe' } }], [{ 'elicitation-1': 12345 }], [[]], [null]])(
    'that are malformed are refused, and leave the call as it was: %p',
    (malformed) => {
      const { park, retry, parked, request } = legacyUpstream();
      const { asked, requestState } = park();
      const refused = request({ requestState, inputResponses: malformed });
      expect(refused.answer?.error).toMatchObject({ code: -32602 });
      expect(parked()).toBe(1);
      retry(requestState);
      expect(asked.answer?.kind).toBe('result');
    },
  );

  test.each([
    ['decline', 'elicitation declined'],
    ['cancel', 'elicitation declined'],
    ['accept', 'elicitation answered'],
  ])('of the action %s are counted', (action, what) => {
    const { park, retry, counted } = legacyUpstream();
    retry(park().requestState, { 'elicitation-1': { action } });
    expect(counted).toEqual([what]);
  });
});

describe('a question is refused at once', () => {
  test.each([
    ['{"elicitation":{"url":{}}}', 'elicitation/create', form, 'elicitation.form', -32602],
    ['{"elicitation":{}}', 'elicitation/create', { mode: 'url' }, 'elicitation.url', -32602],
    ['{"sampling":{}}', 'sampling/createMessage', { tools: [] }, 'sampling.tools', -32601],
    ['{}', 'roots/list', {}, 'roots', -32601],
  ] as const)('if the client declares only %s: %s %p', (capabilities, method, params, missing, code) => {
    const got: Exchange[] = [];
    const { request, counted, clock } = modernCalls((exchange) => void got.push(exchange));
    const call = request({ caller: { capabilities } });
    const asked = askOf(got[0] as Exchange, method, params);
    expect(JSON.parse(asked.answer?.text ?? '')).toEqual({
      code,
      message: `the client did not declare the capability "${missing}"`,
    });
    clock.advance(60);
    expect(call.sent).toEqual([]);
    expect(counted).toEqual([`${method.split('/')[0]} refused`]);
    got[0]?.answer(result());
    expect(call.answer?.result.content).toEqual([]);
  });

  test.each([
    [
      'an error',
      (why: string) => ({ kind: 'error' as const, code: -32603, payload: JSON.stringify({ message: why }) }),
    ],
    [
      'a tool error',
      (why: string) => ({ ...result({ content: [{ text: `MCP error: ${why}` }] }), isError: true as const }),
    ],
  ])('for lack of a capability, and a call that fails for that, with %s, has -32021', (_, answerOf) => {
    const got: Exchange[] = [];
    const { request } = modernCalls((exchange) => void got.push(exchange));
    const failing = request({ caller: { capabilities: '{"elicitation":{}}' } });
    const other = request({ caller: { capabilities: '{"elicitation":{}}' } });
    for (const exchange of got) askOf(exchange, 'sampling/createMessage', sampling);
    got[0]?.answer(answerOf('the client did not declare the capability "sampling"'));
    got[1]?.answer(answerOf('file not found'));
    expect(failing.answer?.error).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { sampling: {} } },
    });
    expect(other.answer?.error?.code).not.toBe(-32021);
  });

  test('if a hundred others are open', () => {
    const { exchange } = legacyUpstream();
    const all = Array.from({ length: 101 }, () => askOf(exchange));
    expect(all.filter(({ answer }) => answer !== null)).toHaveLength(1);
    expect(all[100]?.answer?.text).toContain('too many of its requests are open');
  });

  test('if the retry no longer declares the capability', () => {
    const { exchange, park, retry, clock } = legacyUpstream();
    const { requestState } = park();
    const late = askOf(exchange, 'roots/list', {});
    retry(requestState, undefined, { caller: { capabilities: '{"elicitation":{}}' } });
    clock.advance(10);
    expect(late.answer?.text).toContain('did not declare the capability \\"roots\\"');
  });
});

describe('a parked call that is not resumed', () => {
  test('is cancelled after 600 s, and its state gives a clear error', () => {
    const { exchange, park, retry, clock, parked, counted, first } = legacyUpstream();
    const { asked } = park();
    clock.advance(599_000);
    expect(exchange.signal.aborted).toBe(false);
    clock.advance(1_100);
    expect(exchange.signal.aborted).toBe(true);
    expect(asked.error).toBeInstanceOf(Error);
    expect(parked()).toBe(0);
    expect(counted).toEqual(['elicitation expired']);
    const error = () => retry(first.answer?.result.requestState).answer?.error;
    expect(error()).toMatchObject({
      code: -32603,
      message: 'the call was cancelled: its client has not answered within 600 s',
    });
    clock.advance(1_000);
    expect(error()).toMatchObject({
      code: -32602,
      message: expect.stringContaining('has expired after 600 s'),
    });
  });

  test('whose upstream withdraws the question gets what the upstream answers then', () => {
    const { exchange, park, retry, counted, parked } = legacyUpstream();
    const { asked, requestState } = park();
    asked.signal.abort();
    expect(asked.error).toBeInstanceOf(Error);
    expect(counted).toEqual(['elicitation expired']);
    const second = retry(requestState);
    expect(parked()).toBe(0);
    expect(second.sent).toEqual([]);
    exchange.answer(result({ content: [], isError: true }));
    expect(second.answer?.result.isError).toBe(true);
  });

  test('whose upstream answers or fails meanwhile has that answer for its retry, whatever it says', () => {
    for (const isFailing of [false, true]) {
      const { exchange, park, retry, clock, parked } = legacyUpstream();
      const { requestState } = park();
      if (isFailing) exchange.fail(new CallFailure('files', 'upstream_disconnected', 'lost'));
      else exchange.answer(result({ content: [], n: 1 }));
      expect(parked()).toBe(0);
      clock.advance(300_000);
      for (const responses of [{ 'elicitation-1': accepted }, {}]) {
        const { answer } = retry(requestState, responses);
        if (isFailing) expect(answer?.error).toMatchObject({ code: -32603 });
        else expect(answer?.result.n).toBe(1);
      }
    }
  });
});

describe('a retry that is repeated', () => {
  test('waits for the same call while it runs, and all get the answer', () => {
    const { exchange, park, retry } = legacyUpstream();
    const { requestState } = park();
    const [first, second] = [retry(requestState), retry(requestState)];
    exchange.answer({ kind: 'result', payload: new OwnedBytes(Buffer.from('{"content":[],"n":1}')) });
    expect([first, second].map(({ answer }) => answer?.result.n)).toEqual([1, 1]);
  });

  test('gets the same question if the call has asked again', () => {
    const { exchange, park, retry, clock } = legacyUpstream();
    const { requestState } = park();
    retry(requestState);
    askOf(exchange);
    clock.advance(10);
    const again = retry(requestState);
    clock.advance(10);
    expect(Object.keys(again.answer?.result.inputRequests)).toEqual(['elicitation-2']);
    const answered = { 'elicitation-2': accepted };
    const last = retry(again.answer?.result.requestState, answered);
    exchange.answer(result());
    expect(last.answer?.result.content).toEqual([]);
  });

  test('gets the same answer for 60 s', () => {
    const { exchange, park, retry, clock } = legacyUpstream();
    const { requestState } = park();
    retry(requestState);
    exchange.answer(result({ content: [], n: 1 }));
    clock.advance(59_000);
    expect(retry(requestState).answer?.result.n).toBe(1);
    clock.advance(7_000);
    expect(retry(requestState).answer?.error).toMatchObject({
      code: -32602,
      message: expect.stringContaining('whose answer is no longer kept'),
    });
  });

  test('with other answers is refused, while the call runs and afterwards', () => {
    const { exchange, park, retry, got } = legacyUpstream();
    const { requestState } = park();
    retry(requestState);
    const other = () => retry(requestState, { 'elicitation-1': { action: 'decline' } }).answer?.error;
    const refused = { code: -32602, message: expect.stringContaining('with other inputResponses') };
    expect(other()).toMatchObject(refused);
    exchange.answer(result());
    expect(other()).toMatchObject(refused);
    expect(got).toHaveLength(1);
  });

  test('more than eight times gives up its oldest requests', () => {
    const { exchange, park, retry } = legacyUpstream();
    const { requestState } = park();
    const retries = Array.from({ length: 9 }, () => retry(requestState));
    expect(retries[0]?.answer?.error).toMatchObject({ code: -32602 });
    exchange.answer(result());
    expect(retries.slice(1).every(({ answer }) => answer?.result)).toBe(true);
  });

  test('does not get an answer that is too long to be kept', () => {
    const { exchange, park, retry } = legacyUpstream();
    const { requestState } = park();
    const first = retry(requestState);
    exchange.answer(result({ content: [], text: 'x'.repeat(1024 * 1024) }));
    expect(first.answer?.result.text).toHaveLength(1024 * 1024);
    expect(retry(requestState).answer?.error).toMatchObject({ code: -32602 });
  });

  test('gets all of a long answer whose text was left out when it was parsed', async () => {
    const { exchange, park, retry } = legacyUpstream();
    const { requestState } = park();
    const first = retry(requestState);
    const long = { content: [{ type: 'text', text: 'x'.repeat(100_000) }], _meta: { a: 1 } };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, result: long });
    const [answered] = (await parseBody(new OwnedBytes(Buffer.from(body)))) as [ResponseMessage];
    exchange.answer({ kind: 'result', payload: answered.payload, result: answered.result });
    for (const { answer } of [first, retry(requestState)]) {
      expect(answer?.result.content[0].text).toHaveLength(100_000);
      expect(answer?.result._meta).toMatchObject({ a: 1 });
    }
  });
});

describe('a client that disconnects', () => {
  test('before it was asked cancels its call', () => {
    const { exchange, first, clock } = legacyUpstream();
    const asked = askOf(exchange);
    first.call.onReplyGone();
    expect(exchange.signal.aborted).toBe(true);
    expect(asked.error).toBeInstanceOf(Error);
    clock.advance(60);
    expect(first.sent).toEqual([]);
  });

  test('from a resumed call has 15 s to repeat the retry', () => {
    const { exchange, park, retry, clock, parked } = legacyUpstream();
    const { requestState } = park();
    retry(requestState).call.onReplyGone();
    expect(parked()).toBe(1);
    clock.advance(14_000);
    const again = retry(requestState);
    clock.advance(60_000);
    exchange.answer(result());
    expect(again.answer?.result.content).toEqual([]);
  });

  test('from a resumed call and does not come back cancels it', () => {
    const { exchange, park, retry, clock, parked } = legacyUpstream();
    const { requestState } = park();
    retry(requestState).call.onReplyGone();
    clock.advance(15_100);
    expect(exchange.signal.aborted).toBe(true);
    expect(parked()).toBe(0);
  });

  test('from one of two repeated retries leaves the other', () => {
    const { exchange, park, retry, clock } = legacyUpstream();
    const { requestState } = park();
    const [first, second] = [retry(requestState), retry(requestState)];
    second.call.onReplyGone();
    clock.advance(60_000);
    exchange.answer(result());
    expect(first.answer?.result.content).toEqual([]);
  });
});

test('the answer to a retry is not cached', () => {
  const { exchange, park, retry } = legacyUpstream();
  const second = retry(park().requestState);
  exchange.answer({ ...result(), cache: { ttlMs: 1_000, scope: 'public' } });
  expect(second.answer?.result.ttlMs).not.toBe(1_000);
});

test('a retry that is cancelled cancels the call', () => {
  const { exchange, park, retry } = legacyUpstream();
  const second = retry(park().requestState);
  second.call.cancel();
  expect(exchange.signal.aborted).toBe(true);
  expect(second.answer?.error).toMatchObject({ code: -32603, data: { reason: 'cancelled' } });
});
