import { describe, expect, test } from 'bun:test';
import { GatewayError } from '../../../../src/errors.ts';
import type { Exchange } from '../../../../src/protocol/exchange.ts';
import { askOf, form, modernCalls } from '../../../support/modern-calls.ts';

const question = { method: 'elicitation/create', params: form };
const accepted = { action: 'accept', content: { name: 'Ann' } };
const asksFor = (result: object) => ({
  kind: 'result' as const,
  payload: JSON.stringify(result),
  resultType: 'input_required',
});
const done = { kind: 'result' as const, payload: '{"content":[]}' };

/** A modern upstream that asks before each answer but the last, and the exchanges that it has got. */
function modernUpstream(...answers: Parameters<Exchange['answer']>[0][]) {
  const got: Exchange[] = [];
  const edge = modernCalls((exchange) => {
    got.push(exchange);
    const answer = answers[got.length - 1];
    if (answer) exchange.answer(answer);
  });
  return { ...edge, got };
}

describe('the questions of a modern upstream', () => {
  test('reach the client as they are, under a state of ours, and its answers the upstream with its own state', () => {
    const first = asksFor({
      inputRequests: { who: question },
      requestState: 'state of the server',
      _meta: { a: 1 },
    });
    const { request, got, counted } = modernUpstream(first, done);
    const { result } = request().answer ?? {};
    expect(result).toMatchObject({
      resultType: 'input_required',
      inputRequests: { who: question },
      _meta: { a: 1 },
    });
    expect(result.requestState).not.toContain('state of the server');
    const retry = request({ inputResponses: { who: accepted }, requestState: result.requestState });
    expect(retry.answer?.result).toMatchObject({ resultType: 'complete', content: [] });
    expect(JSON.parse(String(got[1]?.params))).toEqual({
      name: 'files__read',
      arguments: { path: '/a' },
      inputResponses: { who: accepted },
      requestState: 'state of the server',
    });
    expect(counted).toEqual(['elicitation answered']);
  });

  test('go on after a restart of the gateway, with the same key', () => {
    const state = modernUpstream(asksFor({ requestState: 'up' })).request().answer?.result.requestState;
    const next = modernUpstream(done);
    next.clock.advance(599_000);
    expect(next.request({ requestState: state }).answer?.result.resultType).toBe('complete');
    expect(next.got[0]?.params?.string('requestState')).toBe('up');
  });

  test('without a state of the upstream, give it none with the answers', () => {
    const { request, got } = modernUpstream(asksFor({ inputRequests: { who: question } }), done);
    const state = request().answer?.result.requestState;
    request({ inputResponses: { who: accepted }, requestState: state });
    expect(got[1]?.params?.member('requestState')).toBeUndefined();
    expect(got[1]?.params?.member('inputResponses')).toBe(JSON.stringify({ who: accepted }));
  });

  test('are answered by a client that was not asked, if the upstream takes it', () => {
    const { request, got } = modernUpstream(done);
    request({ inputResponses: { who: accepted } });
    expect(got[0]?.params?.member('inputResponses')).toBe(JSON.stringify({ who: accepted }));
  });

  test('may be repeated for ten rounds, then the call fails and says so', () => {
    const { request, got } = modernUpstream(
      ...Array.from({ length: 11 }, () => asksFor({ requestState: 's' })),
    );
    let answer = request().answer;
    for (let round = 1; round <= 9; round++)
      answer = request({ requestState: answer?.result.requestState }).answer;
    expect(answer?.result.resultType).toBe('input_required');
    answer = request({ requestState: answer?.result.requestState }).answer;
    expect(answer?.error).toEqual({
      code: -32603,
      message: 'upstream "files": it asked for input more than 10 times, which is the most for one call',
      data: { server: 'files', reason: 'upstream_protocol_error' },
    });
    expect(got).toHaveLength(11);
  });

  test.each(['tools/list', 'completion/complete'])('fail a request of %s', (method) => {
    const { request } = modernUpstream(asksFor({ inputRequests: { who: question } }));
    expect(request({ method }).answer?.error).toMatchObject({
      code: -32603,
      message: 'upstream "files": it asked for input, which the protocol does not allow on this method',
    });
  });

  test('never reach a client without the capability', () => {
    const { request } = modernUpstream(asksFor({ inputRequests: { who: question } }));
    const { error } = request({ caller: { capabilities: '{"sampling":{}}' } }).answer ?? {};
    expect(error).toMatchObject({ code: -32021, data: { requiredCapabilities: { elicitation: {} } } });
  });

  test.each([
    ['a forged state', { requestState: 'x' }],
    ['a state that is no string', { requestState: 1 }],
    ['malformed answers', { inputResponses: { who: 1 } }],
    ['answers that are null', { inputResponses: null }],
  ])('are not answered by %s', (_, retry) => {
    const { request, got } = modernUpstream(done);
    expect(request(retry).answer?.error).toMatchObject({ code: -32602 });
    expect(got).toEqual([]);
  });

  test.each([
    ['other arguments', { params: { arguments: { path: '/b' } } }],
    ['another principal', { caller: { principal: 'bearer' as const } }],
    ['another view', { caller: { view: 'files' } }],
    ['another method', { method: 'prompts/get' }],
  ])('are not answered by a retry with %s', (_, other) => {
    const { request, got } = modernUpstream(asksFor({ inputRequests: { who: question } }));
    const requestState = request().answer?.result.requestState;
    const retry = request({ ...other, requestState, inputResponses: { who: accepted } });
    expect(retry.answer?.error).toMatchObject({ code: -32602 });
    expect(got).toHaveLength(1);
  });
});

describe('a retry for a modern upstream that is repeated', () => {
  const asking = asksFor({ inputRequests: { who: question }, requestState: 'up' });
  const retryOf = (requestState: string) => ({ requestState, inputResponses: { who: accepted } });

  test('gets the same answer while the first runs, and for 60 s, and never another execution', () => {
    const { request, got, clock } = modernUpstream(asking);
    const retry = retryOf(request().answer?.result.requestState);
    const [first, second] = [request(retry), request(retry)];
    expect(got).toHaveLength(2);
    got[1]?.answer({ kind: 'result', payload: '{"content":[],"n":1}' });
    expect(first.answer?.result.n).toBe(1);
    expect(second.answer?.result.n).toBe(1);
    expect(second.answer?.id).not.toBe(first.answer?.id);
    clock.advance(59_000);
    expect(request(retry).answer?.result.n).toBe(1);
    clock.advance(7_000);
    expect(request(retry).answer?.error).toMatchObject({
      code: -32602,
      message: expect.stringContaining('whose answer is no longer kept'),
    });
    expect(got).toHaveLength(2);
  });

  test('with other answers is refused', () => {
    const { request, got } = modernUpstream(asking, done);
    const retry = retryOf(request().answer?.result.requestState);
    request(retry);
    const other = request({ ...retry, inputResponses: { who: { action: 'decline' } } });
    expect(other.answer?.error).toMatchObject({
      code: -32602,
      message: expect.stringContaining('was answered before, with other inputResponses'),
    });
    expect(got).toHaveLength(2);
  });

  test('is executed again if the client was told that it failed', () => {
    const { request, got } = modernUpstream(
      asking,
      { kind: 'error', code: -32603, payload: '{"code":-32603}' },
      done,
    );
    const retry = retryOf(request().answer?.result.requestState);
    expect(request(retry).answer?.error).toEqual({ code: -32603 });
    expect(request(retry).answer?.result.content).toEqual([]);
    expect(got).toHaveLength(3);
  });

  test('goes on for 15 s when its client disconnects, and is cancelled then', () => {
    const { request, got, clock } = modernUpstream(asking);
    const retry = retryOf(request().answer?.result.requestState);
    request(retry).call.onReplyGone();
    clock.advance(14_000);
    expect(got[1]?.signal.aborted).toBe(false);
    const again = request(retry);
    clock.advance(60_000);
    expect(got[1]?.signal.aborted).toBe(false);
    again.call.onReplyGone();
    clock.advance(15_100);
    expect(got[1]?.signal.aborted).toBe(true);
    expect(request(retry).answer?.error).toMatchObject({
      code: -32603,
      message: 'the call was cancelled: its client has disconnected, and has not come back',
    });
  });
});

describe('the error -32042 of a legacy upstream', () => {
  const url = { mode: 'url', elicitationId: 'e', url: 'https://a.example/', message: 'Log in' };
  const refusal = (elicitations: unknown) => ({
    kind: 'error' as const,
    code: -32042,
    payload: JSON.stringify({ code: -32042, message: 'm', data: { elicitations } }),
  });

  test('becomes questions without elicitation ids, and the request is sent anew when they are answered', () => {
    const { request, got } = modernUpstream(refusal([url]), done);
    const { result } = request().answer ?? {};
    const { elicitationId, ...asked } = url;
    expect(result.inputRequests).toEqual({
      'elicitation-1': { method: 'elicitation/create', params: asked },
    });
    const retry = {
      requestState: result.requestState,
      inputResponses: { 'elicitation-1': { action: 'accept' } },
    };
    expect(request(retry).answer?.result.content).toEqual([]);
    expect(JSON.parse(String(got[1]?.params))).toEqual({ name: 'files__read', arguments: { path: '/a' } });
  });

  test('fails the call of a client that cannot open URLs', () => {
    const { request } = modernUpstream(refusal([url]));
    expect(request({ caller: { capabilities: '{"elicitation":{}}' } }).answer?.error).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { elicitation: { url: {} } } },
    });
  });

  test.each([[undefined], [[]], [[{ url: 1 }]]])(
    'is an internal error if it is malformed: %p',
    (elicitations) => {
      const { request } = modernUpstream(refusal(elicitations));
      expect(request().answer?.error).toMatchObject({
        code: -32603,
        data: { reason: 'upstream_protocol_error' },
      });
    },
  );

  test('is an internal error on a method that cannot ask', () => {
    const { request } = modernUpstream(refusal([url]));
    expect(request({ method: 'completion/complete' }).answer?.error).toMatchObject({ code: -32603 });
  });

  test('is not sent anew if the client declines', () => {
    const { request, got } = modernUpstream(refusal([url]), done);
    const { requestState } = request().answer?.result ?? {};
    const declined = { 'elicitation-1': { action: 'decline' } };
    expect(request({ requestState, inputResponses: declined }).answer?.error).toMatchObject({
      code: -32603,
      message: 'the client declined to visit a URL that the server requires',
    });
    expect(got).toHaveLength(1);
  });
});

describe('a question of a legacy upstream', () => {
  test('is refused at once on a method that cannot ask', () => {
    const { request, counted } = modernCalls((exchange) => {
      const asked = askOf(exchange);
      expect(JSON.parse(asked.answer?.text ?? '')).toEqual({
        code: -32602,
        message: 'a client of MCP 2026-07-28 cannot be asked while it waits for completion/complete',
      });
      exchange.answer(done);
    });
    expect(request({ method: 'completion/complete' }).answer?.result).toBeDefined();
    expect(counted).toEqual(['elicitation refused']);
  });
});

test('a state of a parked call is a clear error after a restart', () => {
  const before = modernCalls((exchange) => void askOf(exchange));
  const first = before.request();
  before.clock.advance(10);
  const { requestState, inputRequests } = first.answer?.result ?? {};
  expect(Object.keys(inputRequests)).toEqual(['elicitation-1']);
  const after = modernCalls(() => expect.unreachable());
  const retry = after.request({ requestState, inputResponses: { 'elicitation-1': accepted } });
  expect(retry.answer?.error).toEqual({
    code: -32602,
    message:
      'Invalid params: the requestState belongs to a call that this gateway does not know (any more); make the request anew, without it',
  });
});

test('all calls that wait are cancelled when the gateway stops', () => {
  const got: Exchange[] = [];
  const { request, clock, rounds, parked } = modernCalls((exchange) => {
    got.push(exchange);
    askOf(exchange);
  });
  const first = request();
  request();
  clock.advance(10);
  expect(parked()).toBe(2);
  const cause = new GatewayError('unavailable', 'the gateway is shutting down');
  expect([...rounds.cancelAll(cause)]).toEqual([['files', 2]]);
  expect(got.map(({ signal }) => signal.aborted)).toEqual([true, true]);
  expect(parked()).toBe(0);
  const retry = { requestState: first.answer?.result.requestState, inputResponses: { who: accepted } };
  expect(request(retry).answer?.error).toMatchObject({
    code: -32603,
    message: 'the request was cancelled: the gateway is shutting down',
  });
});
