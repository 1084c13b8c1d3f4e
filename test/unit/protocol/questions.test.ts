import { expect, test } from 'bun:test';
import { mayAskOn } from '../../../src/protocol/questions.ts';

test('only three methods may be answered with questions', () => {
  expect(
    ['tools/call', 'prompts/get', 'resources/read', 'tools/list', 'completion/complete'].map(mayAskOn),
  ).toEqual([true, true, true, false, false]);
});
