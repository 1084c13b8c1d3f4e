import { describe, expect, test } from 'bun:test';
import { Abort } from '../../../../src/runtime/abort.ts';
import { playedSession } from '../../../support/played-session.ts';

const elicitation = {
  id: 'q1',
  method: 'elicitation/create',
  params: { message: 'Who?', requestedSchema: { type: 'object', properties: {} } },
};
const sampling = { id: 7, method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } };
const roots = { id: 8, method: 'roots/list' };
const only = { clientInfo: '{"name":"one","version":"1"}', capabilities: '{"roots":{}}' };

/** A session with so many running calls. */
function sessionWith(count: number, client: typeof only | null = null) {
  const played = playedSession(client);
  const calls = Array.from({ length: count }, () => played.call());
  const sent = () => played.notices.map((text) => JSON.parse(text));
  return { ...played, calls, sent };
}

describe('a question on the stream of a call', () => {
  test('goes to that call, and its answer goes back under the id of the server', () => {
    const { calls, receive, requests, sent } = sessionWith(2);
    receive(elicitation, requests[1]?.id);
    expect(calls[0]?.asked).toEqual([]);
    const [asked] = calls[1]?.asked ?? [];
    expect(asked?.question.method).toBe('elicitation/create');
    expect(JSON.parse(asked?.question.paramsText ?? '')).toEqual(elicitation.params);
    asked?.done.resolve({ kind: 'result', text: '{"action":"accept","content":{"a":1}}' });
    expect(sent()).toEqual([{ jsonrpc: '2.0', id: 'q1', result: { action: 'accept', content: { a: 1 } } }]);
  });

  test('that cannot be read is answered with an error, and the session goes on', () => {
    const { calls, receive, requests, sent } = sessionWith(1);
    Object.assign(calls[0]?.asked ?? [], {
      push() {
        throw new Error('too many members');
      },
    });
    receive(roots, requests[0]?.id);
    const error = { code: -32603, message: 'The client cannot be asked this' };
    expect(sent()).toEqual([{ jsonrpc: '2.0', id: 8, error }]);
  });

  test('brings the server the refusal of its client', () => {
    const { calls, receive, requests, sent } = sessionWith(1);
    receive(sampling, requests[0]?.id);
    calls[0]?.asked[0]?.done.resolve({ kind: 'error', text: '{"code":-1,"message":"no"}' });
    expect(sent()).toEqual([{ jsonrpc: '2.0', id: 7, error: { code: -1, message: 'no' } }]);
  });

  test('is answered with an error, once, when its call is over', () => {
    const { calls, answer, receive, requests, sent } = sessionWith(1);
    receive(roots, requests[0]?.id);
    const [asked] = calls[0]?.asked ?? [];
    answer(0, '"result":{}');
    expect(asked?.question.signal.aborted).toBe(true);
    asked?.done.resolve({ kind: 'result', text: '{"roots":[]}' });
    const error = { code: -32603, message: 'The call that the request belongs to is over' };
    expect(sent()).toEqual([{ jsonrpc: '2.0', id: 8, error }]);
  });

  test('is answered with an error when its client gives up the call, which the server hears first', () => {
    const { calls, receive, requests, sent } = sessionWith(1);
    receive(roots, requests[0]?.id);
    calls[0]?.abort.abort();
    expect(sent().map(({ id, method }) => id ?? method)).toEqual(['notifications/cancelled', 8]);
  });

  test('of a call that is over is refused', () => {
    const { answer, receive, requests, sent } = sessionWith(1);
    answer(0, '"result":{}');
    receive(elicitation, requests[0]?.id);
    expect(sent()).toMatchObject([{ id: 'q1', error: { code: -32602 } }]);
  });

  test('that the server withdraws is withdrawn from the client, and not answered', () => {
    const { calls, receive, requests, sent } = sessionWith(2);
    receive({ ...roots, id: 1 }, requests[0]?.id);
    receive({ ...roots, id: 1 }, requests[1]?.id);
    receive({ method: 'notifications/cancelled', params: { requestId: 1 } }, requests[0]?.id);
    expect(calls.map(({ asked }) => asked[0]?.question.signal.aborted)).toEqual([true, false]);
    calls[0]?.asked[0]?.done.reject(new Error('withdrawn'));
    receive({ method: 'notifications/cancelled', params: { requestId: 1 } });
    expect(calls[1]?.asked[0]?.question.signal.aborted).toBe(true);
    expect(sent()).toEqual([]);
  });

  test('keeps the deadline of its call from running', async () => {
    const { call, receive, requests } = playedSession();
    const [waiting, quick] = [call(new Abort(), 150), call(new Abort(), 150)];
    receive(roots, requests[0]?.id);
    await Bun.sleep(400);
    expect([waiting.told, quick.told]).toEqual([[], ['timeout']]);
    waiting.asked[0]?.done.resolve({ kind: 'result', text: '{"roots":[]}' });
    expect(waiting.told).toEqual([]);
    await Bun.sleep(400);
    expect(waiting.told).toEqual(['timeout']);
  });
});

describe('a question on a shared stream', () => {
  test('goes to the only call of a client', () => {
    const { calls, receive } = sessionWith(1);
    receive(elicitation);
    expect(calls[0]?.asked).toHaveLength(1);
  });

  test('is refused at once while no call of a client runs, by the code of its method', () => {
    const { receive, sent, refused } = sessionWith(0);
    for (const question of [elicitation, sampling, roots]) receive(question);
    expect(sent().map(({ error }) => error.code)).toEqual([-32602, -32601, -32601]);
    expect(refused).toEqual(['elicitation/create', 'sampling/createMessage', 'roots/list']);
  });

  test('is refused while several run, with words that name the remedy', () => {
    const { calls, receive, sent } = sessionWith(2);
    receive(roots);
    expect(calls.flatMap(({ asked }) => asked)).toEqual([]);
    expect(sent()[0].error.code).toBe(-32601);
    expect(sent()[0].error.message).toContain('"isolation: session"');
  });

  test('goes to the newest call if the session has one client', () => {
    const { calls, receive } = sessionWith(3, only);
    receive(roots);
    expect(calls.map(({ asked }) => asked.length)).toEqual([0, 0, 1]);
  });

  test('moves to another call of the client when its call is over, which may not have caused it', () => {
    const { calls, answer, receive, sent } = sessionWith(3, only);
    receive(roots);
    answer(2, '"result":{}');
    expect(calls.map(({ asked }) => asked.length)).toEqual([0, 1, 1]);
    expect(calls[2]?.asked[0]?.question.signal.aborted).toBe(true);
    calls[1]?.abort.abort();
    calls[0]?.asked[0]?.done.resolve({ kind: 'result', text: '{"roots":[]}' });
    expect(sent().filter(({ id }) => id === 8)).toEqual([{ jsonrpc: '2.0', id: 8, result: { roots: [] } }]);
  });

  test('fails when the last call that it may belong to is over', () => {
    const { answer, receive, sent } = sessionWith(2, only);
    receive(roots);
    answer(1, '"result":{}');
    answer(0, '"result":{}');
    expect(sent()).toMatchObject([{ id: 8, error: { code: -32603 } }]);
  });
});

describe('a question of an isolated session ahead of its first call', () => {
  test('waits for that call, because the session was opened for it', () => {
    const { call, receive, sent, refused } = sessionWith(0, only);
    receive(roots);
    const { asked } = call();
    expect([asked.length, sent(), refused]).toEqual([1, [], []]);
  });

  test('is refused within 100 ms if none follows, and so is one of too many at once', async () => {
    const { receive, sent } = sessionWith(0, only);
    for (let id = 0; id < 11; id++) receive({ ...roots, id });
    expect(sent().map(({ id }) => id)).toEqual([10]);
    await Bun.sleep(90);
    expect(sent().map(({ id }) => id)).toEqual([10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

test('sampling gets no context of other clients in a shared session, and its own in an isolated one', () => {
  const wants = { ...sampling, params: { ...sampling.params, includeContext: 'allServers' } };
  const contexts = [null, only].map((client) => {
    const { calls, receive, requests } = sessionWith(1, client);
    receive(wants, requests[0]?.id);
    return JSON.parse(calls[0]?.asked[0]?.question.paramsText ?? '{}').includeContext;
  });
  expect(contexts).toEqual(['none', 'allServers']);
});

test('a ping is answered, and a request that is none of the protocol is refused', () => {
  const { receive, sent } = sessionWith(0);
  receive({ id: 1, method: 'ping' });
  receive({ id: 2, method: 'files/list' });
  expect(sent()).toMatchObject([
    { id: 1, result: {} },
    { id: 2, error: { code: -32601 } },
  ]);
});

test('questions beyond 10,000 are refused', () => {
  const { calls, receive, requests, sent } = sessionWith(1);
  for (let id = 0; id < 10_001; id++) receive({ ...roots, id }, requests[0]?.id);
  expect(calls[0]?.asked).toHaveLength(10_000);
  expect(sent()).toMatchObject([{ id: 10_000, error: { code: -32601 } }]);
});
