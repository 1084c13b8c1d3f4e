import { describe, expect, test } from 'bun:test';
import { InputRounds } from '../../../../src/downstream/legacy/input-rounds.ts';
import { ObjectText } from '../../../../src/json/object.ts';
import { sessionlessCaller } from '../../../../src/protocol/caller.ts';
import type { Question, QuestionAnswer } from '../../../../src/protocol/questions.ts';
import { Abort } from '../../../../src/runtime/abort.ts';
import type { Completion } from '../../../../src/runtime/completion.ts';
import { Deadlines } from '../../../../src/runtime/deadlines.ts';
import { nextTurn } from '../../../../src/runtime/event-loop.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

type Client = (question: Question, done: Completion<QuestionAnswer>) => void;

/** A call whose questions `client` answers. */
function callOf(client: Client, params = '{"name":"t","arguments":{"a": 1.0}}') {
  const signal = new Abort();
  const repeated: string[] = [];
  const failures: unknown[] = [];
  const clock = new FakeClock();
  const call = {
    params: new ObjectText(params),
    caller: sessionlessCaller('none', ''),
    signal,
    server: 'up',
    ask: client,
    repeat: (edited: ObjectText) => void repeated.push(edited.toString()),
    fail: (error: unknown) => void failures.push(error),
  };
  const rounds = new InputRounds(call, new Deadlines(clock));
  return { rounds, signal, repeated, failures, clock };
}

const elicit = { method: 'elicitation/create', params: { message: 'm' } };
const sample = { method: 'sampling/createMessage', params: { maxTokens: 1 } };
const roots = { method: 'roots/list' };
const inputs = (inputRequests: object, requestState?: string) =>
  JSON.stringify({ inputRequests, requestState });

/** Answers at once, with the method and the params of the question. */
const echo: Client = ({ method, paramsText }, done) =>
  done.resolve({ kind: 'result', text: `{"${method}":${paramsText}}` });
const refuse: Client = (_, done) =>
  done.resolve({ kind: 'error', text: '{"code":-32601,"message":"not declared"}' });

describe('input that a server requires', () => {
  test('goes into the same params, under the same keys in the same order, with the state as it came', async () => {
    const { rounds, repeated } = callOf(echo);
    await rounds.serve(
      `{"inputRequests":${JSON.stringify({ z: roots, 'a"': elicit })},"requestState":"s\\u0041"}`,
    );
    expect(repeated).toEqual([
      '{"name":"t","arguments":{"a": 1.0},' +
        '"inputResponses":{"z":{"roots/list":{}},"a\\"":{"elicitation/create":{"message":"m"}}},"requestState":"s\\u0041"}',
    ]);
  });

  test('is asked for all at once', async () => {
    const open: Completion<QuestionAnswer>[] = [];
    const { rounds, repeated } = callOf((_, done) => void open.push(done));
    const served = rounds.serve(inputs({ a: elicit, b: sample, c: roots }));
    expect(open).toHaveLength(3);
    for (const done of open.toReversed()) done.resolve({ kind: 'result', text: `{}` });
    await served;
    expect(JSON.parse(repeated[0] as string).inputResponses).toEqual({ a: {}, b: {}, c: {} });
  });

  test('of a later round replaces that of an earlier one', async () => {
    const { rounds, repeated } = callOf(echo);
    await rounds.serve(inputs({ a: roots }, 's1'));
    await rounds.serve(inputs({ b: roots }));
    expect(JSON.parse(repeated[1] as string)).toEqual({
      name: 't',
      arguments: { a: 1 },
      inputResponses: { b: { 'roots/list': {} } },
    });
  });

  test('is a cancelled elicitation if the client cannot be asked', async () => {
    const { rounds, repeated } = callOf(refuse);
    const served = rounds.serve(inputs({ a: elicit }));
    // At once: the server is not kept waiting.
    await nextTurn();
    expect(repeated).toHaveLength(1);
    await served;
    expect(JSON.parse(repeated[0] as string).inputResponses).toEqual({ a: { action: 'cancel' } });
  });

  test('fails the call if the client cannot sample, and withdraws the other questions', async () => {
    const withdrawn: string[] = [];
    const client: Client = (question, done) => {
      if (question.method === 'sampling/createMessage') refuse(question, done);
      else
        question.signal.addEventListener('abort', () => {
          withdrawn.push(question.method);
          done.reject(new Error('withdrawn'));
        });
    };
    const { rounds, repeated, failures } = callOf(client);
    await rounds.serve(inputs({ a: elicit, b: sample }));
    expect(repeated).toEqual([]);
    expect(failures).toMatchObject([
      {
        message: 'upstream "up": it needs sampling of the client, which failed: not declared',
        data: { server: 'up', reason: 'upstream_returned_error' },
      },
    ]);
    expect(withdrawn).toEqual(['elicitation/create']);
  });

  test.each([
    [elicit, 'the elicitation counts as cancelled', ['{"action":"cancel"}'], []],
    [
      sample,
      'the call fails',
      [],
      [
        'upstream "up": it needs sampling of the client, which failed: the client did not answer within 600 s',
      ],
    ],
  ])(
    'that a client never gives is awaited for 600 s: after %j %s',
    async (request, _what, answers, errors) => {
      // As the client's edge does.
      const silent: Client = ({ signal }, done) =>
        signal.addEventListener('abort', () => done.reject(signal.reason));
      const { rounds, repeated, failures, clock } = callOf(silent);
      const served = rounds.serve(inputs({ a: request }));
      clock.advance(599_900);
      await nextTurn();
      expect([repeated, failures]).toEqual([[], []]);
      clock.advance(200);
      await served;
      expect(repeated.map((text) => JSON.stringify(JSON.parse(text).inputResponses.a))).toEqual(answers);
      expect(failures.map((error) => (error as Error).message)).toEqual(errors);
    },
  );

  test('is not asked for an eleventh time', async () => {
    const { rounds, repeated, failures } = callOf(echo);
    for (let round = 0; round < 11; round++) await rounds.serve(inputs({ a: roots }));
    expect(repeated).toHaveLength(10);
    expect(failures).toMatchObject([{ message: 'upstream "up": it asked for input more than 10 times' }]);
  });

  test('may be nothing but another attempt, after a pause', async () => {
    const { rounds, repeated } = callOf(echo);
    const startMs = performance.now();
    await rounds.serve('{"requestState":"s"}');
    expect(performance.now() - startMs).toBeGreaterThan(240);
    expect(repeated).toEqual(['{"name":"t","arguments":{"a": 1.0},"requestState":"s"}']);
  });

  test.each([
    [
      'requests',
      '{"inputRequests":null,"requestState":"s"}',
      '{"name":"t","arguments":{"a": 1.0},"requestState":"s"}',
    ],
    [
      'a state',
      '{"inputRequests":{"k":{"method":"roots/list"}},"requestState":null}',
      '{"name":"t","arguments":{"a": 1.0},"inputResponses":{"k":{"roots/list":{}}}}',
    ],
  ])('may have null in place of %s', async (_, text, expected) => {
    const { rounds, repeated } = callOf(echo);
    await rounds.serve(text);
    expect(repeated).toEqual([expected]);
  });

  test.each([
    ['nothing at all', '{}'],
    ['nothing but null', '{"inputRequests":null,"requestState":null}'],
    ['requests that are no object', '{"inputRequests":[]}'],
    ['a request that is no object', inputs({ a: 1 })],
    ['a request of another method', inputs({ a: { method: 'ping' } })],
    ['a request with odd params', inputs({ a: { method: 'roots/list', params: 1 } })],
    [
      'too many requests',
      inputs(Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`k${n}`, roots]))),
    ],
  ])('fails the call if it is %s', async (_, text) => {
    const { rounds, repeated, failures } = callOf(echo);
    await rounds.serve(text);
    expect(repeated).toEqual([]);
    expect(failures).toMatchObject([{ data: { server: 'up', reason: 'upstream_protocol_error' } }]);
  });

  test.each([
    ['while it is asked for', inputs({ a: elicit })],
    ['during a pause', '{"requestState":"s"}'],
  ])('is not sent if the client cancels %s', async (_, text) => {
    const { rounds, signal, repeated, failures } = callOf(({ signal: withdrawn }, done) => {
      signal.addEventListener('abort', () => done.reject(new Error('aborted')));
      expect(withdrawn.aborted).toBe(false);
    });
    const served = rounds.serve(text);
    signal.abort();
    await served;
    expect(repeated).toEqual([]);
    expect(failures).toMatchObject([{ data: { server: 'up', reason: 'cancelled' } }]);
  });
});
