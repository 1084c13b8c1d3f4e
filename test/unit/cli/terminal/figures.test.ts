import { expect, test } from 'bun:test';
import { counted, duration, rounded, thousands } from '../../../../src/cli/terminal/figures.ts';

test('a noun follows its number', () => {
  expect([counted(0, 'tool'), counted(1, 'tool'), counted(2, 'tool')]).toEqual([
    '0 tools',
    '1 tool',
    '2 tools',
  ]);
});

test('numbers are shortened to what one reads', () => {
  expect([0, 999, 1_000, 18_432, 99_949, 99_960, 999_400, 1_200_000].map(thousands)).toEqual([
    ...['0', '999', '1.0k', '18.4k', '99.9k', '100k', '999k', '1.2M'],
  ]);
  expect([0.123, 1.26, 12.4, 123.4].map(rounded)).toEqual(['0.12', '1.3', '12', '123']);
});

test('times are in their largest unit', () => {
  expect([0, 12.4, 99, 100, 3600, 7200, 90_000, 259_200].map(duration)).toEqual([
    ...['0 s', '12 s', '99 s', '2 min', '60 min', '2 h', '25 h', '3 d'],
  ]);
});
