import { expect, test } from 'bun:test';
import { InputResponses } from '../../../../src/downstream/modern/input-responses.ts';

const of = (value: unknown) => new InputResponses(JSON.stringify(value));
const sampled = { role: 'assistant', model: 'm', content: { type: 'text', text: 'a' } };

test.each([
  [null, 'inputResponses must be an object'],
  [[], 'inputResponses must be an object'],
  ['x', 'inputResponses must be an object'],
  [{ a: 1 }, 'inputResponses.a must be an object'],
  [{ a: null }, 'inputResponses.a must be an object'],
  [{ a: [] }, 'inputResponses.a must be an object'],
])('malformed responses are refused: %p', (value, message) => {
  expect(() => of(value)).toThrow(message);
});

test.each([
  ['elicitation/create', {}],
  ['elicitation/create', { action: 'yes' }],
  ['elicitation/create', { action: 'accept', content: 1 }],
  ['elicitation/create', { action: 'accept', content: [] }],
  ['sampling/createMessage', {}],
  ['sampling/createMessage', { ...sampled, role: 1 }],
  ['sampling/createMessage', { ...sampled, model: undefined }],
  ['sampling/createMessage', { ...sampled, content: 'a' }],
  ['roots/list', {}],
  ['roots/list', { roots: {} }],
] as const)('an answer that does not fit its question is refused: %s %p', (method, answer) => {
  expect(() => of({ a: answer }).answerTo('a', method)).toThrow('Invalid params: inputResponses.a');
});

test.each([
  ['elicitation/create', { action: 'accept', content: { a: 1 } }, 'answered'],
  ['elicitation/create', { action: 'accept' }, 'answered'],
  ['elicitation/create', { action: 'decline' }, 'declined'],
  ['elicitation/create', { action: 'cancel' }, 'declined'],
  ['sampling/createMessage', sampled, 'answered'],
  ['sampling/createMessage', { ...sampled, content: [] }, 'answered'],
  ['roots/list', { roots: [] }, 'answered'],
] as const)('an answer that fits is taken as it is: %s %p', (method, answer, result) => {
  const responses = of({ b: {}, a: answer });
  expect(responses.answerTo('a', method)?.toString()).toBe(JSON.stringify(answer));
  expect(responses.kindOf('a')).toBe(method);
  expect(responses.resultOf('a')).toBe(result);
});

test('absent responses answer nothing', () => {
  const none = new InputResponses(undefined);
  expect(none.text).toBeNull();
  expect(none.answerTo('a', 'roots/list')).toBeUndefined();
});

test('a digest tells responses apart, by the keys that count', () => {
  const [a, b] = [of({ x: { action: 'accept' }, y: {} }), of({ x: { action: 'accept' } })];
  expect(a.digest(['x'])).toBe(b.digest(['x']));
  expect(a.digest(['x', 'y'])).not.toBe(b.digest(['x', 'y']));
  expect(a.digest(null)).not.toBe(b.digest(null));
  expect(of({ x: { action: 'cancel' } }).digest(['x'])).not.toBe(b.digest(['x']));
});
