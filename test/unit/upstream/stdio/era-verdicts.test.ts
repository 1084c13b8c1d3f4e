import { expect, test } from 'bun:test';
import { EraVerdicts } from '../../../../src/upstream/stdio/era-verdicts.ts';

test('a verdict counts for a day, or until it is forgotten', () => {
  const clock = { ms: 0, nowMs: () => clock.ms };
  const verdicts = new EraVerdicts(clock);
  verdicts.set('a', 'legacy');
  verdicts.set('b', 'modern');
  clock.ms = 24 * 3_600_000 - 1;
  expect([verdicts.get('a'), verdicts.get('b'), verdicts.get('c')]).toEqual(['legacy', 'modern', undefined]);
  verdicts.forget('b');
  clock.ms++;
  expect([verdicts.get('a'), verdicts.get('b')]).toEqual([undefined, undefined]);
});

test('a thousand verdicts are kept, the latest ones', () => {
  const verdicts = new EraVerdicts();
  for (let i = 0; i <= 1_000; i++) verdicts.set(`command ${i}`, 'legacy');
  expect([verdicts.get('command 0'), verdicts.get('command 1')]).toEqual([undefined, 'legacy']);
});
