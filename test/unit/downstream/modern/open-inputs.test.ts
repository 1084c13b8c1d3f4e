import { expect, test } from 'bun:test';
import { InputResponses } from '../../../../src/downstream/modern/input-responses.ts';
import { OpenInputs } from '../../../../src/downstream/modern/open-inputs.ts';
import { Abort } from '../../../../src/runtime/abort.ts';

function inputs() {
  const log: unknown[] = [];
  const open = new OpenInputs((method, result) => void log.push([method, result]));
  const add = (paramsText = '{"message":"m"}', signal = new Abort()) => {
    open.add(
      { method: 'elicitation/create', paramsText, signal },
      { resolve: ({ text }) => void log.push(text), reject: (error) => void log.push(String(error)) },
    );
    return signal;
  };
  return { open, log, add };
}

test('open questions have keys of their own, which are not used again', () => {
  const { open, add } = inputs();
  add().abort();
  add('{"mode":"url","elicitationId":"e"}');
  expect(open.requests()).toEqual([
    { key: 'elicitation-2', method: 'elicitation/create', paramsText: '{"mode":"url"}' },
  ]);
});

test('a question that is withdrawn is rejected once', () => {
  const { open, log, add } = inputs();
  const signal = add();
  signal.abort(new Error('gone'));
  signal.abort();
  open.rejectAll(new Error('over'));
  expect(log).toEqual([['elicitation/create', 'expired'], 'Error: gone']);
  expect(open.isEmpty).toBe(true);
});

test('a question that is withdrawn before it is asked is rejected at once', () => {
  const { open, log, add } = inputs();
  const signal = new Abort();
  signal.abort(new Error('gone'));
  add('{}', signal);
  expect(log).toEqual([['elicitation/create', 'expired'], 'Error: gone']);
  expect(open.isEmpty).toBe(true);
});

test('an answer ends its question only', () => {
  const { open, log, add } = inputs();
  add();
  add();
  const responses = new InputResponses('{"elicitation-2":{"action":"decline"},"k":{}}');
  const answers = open.answersIn(responses);
  for (const { input, response } of [...answers, ...answers]) open.resolve(input, response, responses);
  expect(log).toEqual([['elicitation/create', 'declined'], '{"action":"decline"}']);
  expect(open.requests().map(({ key }) => key)).toEqual(['elicitation-1']);
});
