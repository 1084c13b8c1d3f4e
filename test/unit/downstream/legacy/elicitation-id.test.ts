import { expect, test } from 'bun:test';
import { withElicitationId } from '../../../../src/downstream/legacy/elicitation-id.ts';
import { Abort } from '../../../../src/runtime/abort.ts';

const signal = new Abort();
const url = { mode: 'url', url: 'https://a.example', message: 'm' };

test('an elicitation by URL gets an id of its own if it has none', () => {
  const ids = [1, 2].map(() => {
    const asked = withElicitationId({
      method: 'elicitation/create',
      paramsText: JSON.stringify(url),
      signal,
    });
    const { elicitationId, ...rest } = JSON.parse(asked.paramsText);
    expect(rest).toEqual(url);
    expect(elicitationId).toMatch(/^[0-9a-f-]{36}$/);
    return elicitationId;
  });
  expect(ids[0]).not.toBe(ids[1]);
});

test('every other question stays as it is', () => {
  for (const question of [
    { method: 'elicitation/create', paramsText: JSON.stringify({ ...url, elicitationId: 'a' }), signal },
    { method: 'elicitation/create', paramsText: '{"message":"m"}', signal },
    { method: 'sampling/createMessage', paramsText: '{"mode":"url"}', signal },
  ] as const)
    expect(withElicitationId(question)).toBe(question);
});
