import { afterEach, expect, setSystemTime, test } from 'bun:test';
import { LastingMap } from '../../../../src/state/lasting-map.ts';
import { EraVerdicts } from '../../../../src/upstream/stdio/era-verdicts.ts';

afterEach(() => void setSystemTime());

test('a verdict counts for a day, or until it is forgotten', () => {
  const nowMs = 1_800_000_000_000;
  setSystemTime(nowMs);
  const verdicts = new EraVerdicts(new LastingMap(10, null));
  verdicts.set('a', 'legacy');
  verdicts.set('b', 'modern');
  setSystemTime(nowMs + 24 * 3_600_000 - 1_000);
  expect([verdicts.get('a'), verdicts.get('b'), verdicts.get('c')]).toEqual(['legacy', 'modern', undefined]);
  verdicts.forget('b');
  setSystemTime(nowMs + 24 * 3_600_000);
  expect([verdicts.get('a'), verdicts.get('b')]).toEqual([undefined, undefined]);
});

test('a verdict does not count for longer because the clock was set back', () => {
  const verdicts = new EraVerdicts(new LastingMap(10, null));
  verdicts.set('a', 'legacy');
  setSystemTime(Date.now() - 10_000);
  expect(verdicts.get('a')).toBeUndefined();
});

test('a word that is no era is no verdict', () => {
  const map = new LastingMap(10, null);
  map.set('a', { value: 'future', forgetAtSeconds: Date.now() / 1000 + 100 });
  expect(new EraVerdicts(map).get('a')).toBeUndefined();
});
