import { describe, expect, test } from 'bun:test';
import { answerTo } from '../../../../src/cli/calls/question.ts';

/** A person who gives these answers, one after the other. */
function person(...answers: (string | null)[]) {
  const asked: string[] = [];
  const said: string[] = [];
  const rest = [...answers];
  const asker = {
    canAsk: true,
    ask: async (question: string) => {
      asked.push(question);
      return rest.length === 0 ? '' : (rest.shift() as string | null);
    },
    say: (text: string) => void said.push(text),
  };
  return { asker, asked, said };
}

const elicit = (params: object) => ({ method: 'elicitation/create', params: { ...params } });
const form = elicit({
  message: 'Who are\u001b[31m you?',
  requestedSchema: {
    type: 'object',
    properties: {
      name: { type: 'string', title: 'Name', description: 'as friends know it' },
      age: { type: 'integer' },
      color: { type: 'string', enum: ['red', 'blue'], default: 'red' },
    },
    required: ['name'],
  },
});

describe('a question with a form', () => {
  test('is answered property by property, with types', async () => {
    const { asker, asked, said } = person('', 'Ada', '36', '');
    expect(await answerTo(form, asker)).toEqual({
      action: 'accept',
      content: { name: 'Ada', age: 36, color: 'red' },
    });
    expect(said).toEqual(['the tool asks: Who are [31m you?']);
    expect(asked).toEqual([
      'Answer it? [Y/n]',
      'Name (as friends know it):',
      'age (Enter for none):',
      'color (one of red, blue; Enter for "red"):',
    ]);
  });

  test.each([
    ['at the first question', [null]],
    ['within the form', ['y', 'Ada', null]],
  ])('is cancelled by the end of the input %s', async (_, answers) => {
    expect(await answerTo(form, person(...answers).asker)).toEqual({ action: 'cancel' });
  });

  test('is declined by whatever is not yes', async () => {
    expect(await answerTo(form, person('quit').asker)).toEqual({ action: 'decline' });
  });

  test('leaves out what is optional', async () => {
    const { asker } = person('y', 'Ada', '', 'blue');
    expect(await answerTo(form, asker)).toEqual({
      action: 'accept',
      content: { name: 'Ada', color: 'blue' },
    });
  });

  test('asks again for a wrong answer, and tells what is wrong', async () => {
    const { asker, said } = person('', '', 'Ada', 'old', '36', 'green', 'blue');
    expect(await answerTo(form, asker)).toEqual({
      action: 'accept',
      content: { name: 'Ada', age: 36, color: 'blue' },
    });
    expect(said.slice(1)).toEqual(['"age" expects a whole number, found "old"', 'expected one of red, blue']);
  });

  test('is cancelled after five wrong answers', async () => {
    const { asker } = person('', 'Ada', 'a', 'b', 'c', 'd', 'e');
    expect(await answerTo(form, asker)).toEqual({ action: 'cancel' });
  });

  test('can be declined', async () => {
    expect(await answerTo(form, person('n').asker)).toEqual({ action: 'decline' });
  });
});

test('a question with a page to open is answered when the person has done it', async () => {
  const page = elicit({ mode: 'url', message: 'Sign in', url: 'https://a.example/login' });
  const { asker, said } = person('');
  expect(await answerTo(page, asker)).toEqual({ action: 'accept' });
  expect(said).toEqual(['the tool asks: Sign in', 'open https://a.example/login']);
  expect(await answerTo(page, person('no').asker)).toEqual({ action: 'decline' });
});

test('without a terminal, a question is declined, and that is said', async () => {
  const { asker, asked, said } = person();
  expect(await answerTo(form, { ...asker, canAsk: false })).toEqual({ action: 'decline' });
  expect(asked).toEqual([]);
  expect(said).toEqual([
    'the tool asks "Who are [31m you?", which is declined, because there is no terminal to ask on',
  ]);
});
