import { expect, test } from 'bun:test';
import { RecentValues } from '../../../src/runtime/recent-values.ts';

test('values are found again, until twice as many others as fit have come since their last use', () => {
  const values = new RecentValues<number>(10);
  values.set('idle', 1);
  values.set('used', 2);
  for (let n = 0; n < 100; n++) {
    values.set(`other ${n}`, n);
    expect(values.get('used')).toBe(2);
  }
  expect(values.get('idle')).toBeUndefined();
  expect(values.get('other 99')).toBe(99);
});
