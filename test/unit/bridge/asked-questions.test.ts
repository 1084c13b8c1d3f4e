import { describe, expect, test } from 'bun:test';
import { AskedQuestions } from '../../../src/bridge/asked-questions.ts';
import { ObjectText } from '../../../src/json/object.ts';

const question = (id: string) => `{"jsonrpc":"2.0","id":${id},"method":"roots/list"}`;
const answer = (id: string) => `{"jsonrpc":"2.0","id":${id},"result":{"roots":[]}}`;

describe('the questions of a gateway', () => {
  test('are answered once, and answers to others go nowhere', () => {
    const questions = new AskedQuestions();
    expect(questions.asked('7', question('7'), null)).toBe(question('7'));
    expect(questions.answered('7', answer('"7"'))).toBeNull();
    expect(questions.answered(7, answer('7'))).toBe(answer('7'));
    expect(questions.answered(7, answer('7'))).toBeNull();
  });

  test('end with their request: the client is told, and its late answer goes nowhere', () => {
    const questions = new AskedQuestions();
    const [call, other] = [{}, {}];
    questions.asked('1', question('1'), call);
    questions.asked('2', question('2'), other);
    const [text = '', ...more] = questions.end(call);
    expect(more).toEqual([]);
    expect(JSON.parse(text)).toMatchObject({ method: 'notifications/cancelled', params: { requestId: 1 } });
    expect(questions.answered(1, answer('1'))).toBeNull();
    expect(questions.answered(2, answer('2'))).toBe(answer('2'));
  });

  test('of a later session have other ids than those of an earlier one with the same', () => {
    const questions = new AskedQuestions();
    questions.asked('1', question('1'), null);
    expect(questions.endSession()).toHaveLength(1);
    const asked = JSON.parse(questions.asked('1', question('1'), null));
    expect(asked).toEqual({ jsonrpc: '2.0', id: '1:1', method: 'roots/list' });
    // The answer to the earlier one.
    expect(questions.answered(1, answer('1'))).toBeNull();
    expect(JSON.parse(questions.answered('1:1', answer('"1:1"')) ?? '')).toMatchObject({ id: 1 });
  });

  test('that are withdrawn name the id that the client knows', () => {
    const questions = new AskedQuestions();
    questions.endSession();
    questions.asked('4', question('4'), null);
    const text =
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":4,"reason":"late"}}';
    const told = questions.withdrawn(text, new ObjectText('{"requestId":4,"reason":"late"}'));
    expect(JSON.parse(told).params).toEqual({ requestId: '1:4', reason: 'late' });
    expect(questions.answered('1:4', answer('"1:4"'))).toBeNull();
  });

  test('are bounded: the oldest is forgotten', () => {
    const questions = new AskedQuestions();
    for (let id = 0; id <= 1_000; id++) questions.asked(String(id), question(String(id)), null);
    expect(questions.answered(0, answer('0'))).toBeNull();
    expect(questions.answered(1, answer('1'))).toBe(answer('1'));
  });
});
