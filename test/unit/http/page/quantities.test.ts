import { expect, test } from 'bun:test';
import { count, counted, duration, milliseconds, rough } from '../../../../src/http/page/quantities.ts';

test.each([
  [0, '0'],
  [999, '999'],
  [12345, '12,345'],
])('%d is counted as %s', (value, text) => {
  expect(count(value)).toBe(text);
});

test.each([
  [1, '1 tool'],
  [0, '0 tools'],
  [1200, '1,200 tools'],
])('%d tools are %s', (value, text) => {
  expect(counted(value, 'tool')).toBe(text);
});

test.each([
  [0, '0'],
  [950, '950'],
  [1_000, '1.0k'],
  [18_432, '18.4k'],
  [123_456, '123k'],
  [999_499, '999k'],
  [999_500, '1.0M'],
  [1_234_567, '1.2M'],
])('%d is roughly %s', (value, text) => {
  expect(rough(value)).toBe(text);
});

test.each([
  [0, '0 ms'],
  [0.44, '0.4 ms'],
  [9.96, '10 ms'],
  [12.4, '12 ms'],
  [999.4, '999 ms'],
  [1_250, '1.25 s'],
  [65_040, '65.0 s'],
])('a call of %d ms took %s', (ms, text) => {
  expect(milliseconds(ms)).toBe(text);
});

test.each([
  [0, '0 s'],
  [0.9, '0 s'],
  [59.9, '59 s'],
  [60, '1 min'],
  [61, '1 min 1 s'],
  [3_600, '1 h'],
  [3_661, '1 h 1 min'],
  [90_000, '1 d 1 h'],
  [86_460, '1 d'],
])('%d seconds last %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
