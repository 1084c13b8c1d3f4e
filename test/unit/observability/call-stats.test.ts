import { expect, test } from 'bun:test';
import { CallStats } from '../../../src/observability/call-stats.ts';

test('without a call there is nothing to tell', () => {
  expect(new CallStats().summary(5_000)).toEqual({ calls: 0, errors: 0, callsPerMinute: 0, p95Ms: null });
});

test('calls and errors are counted', () => {
  const stats = new CallStats();
  stats.add(1_000, 3, false);
  stats.add(1_500, 5, true);
  expect(stats.summary(2_000)).toEqual({ calls: 2, errors: 1, callsPerMinute: 2, p95Ms: 5 });
});

test('the calls of the last minute count, those before do not', () => {
  const stats = new CallStats();
  stats.add(1_000, 1, false);
  stats.add(30_000, 1, false);
  stats.add(30_999, 1, false);
  expect(stats.summary(60_999).callsPerMinute).toBe(3);
  expect(stats.summary(61_000).callsPerMinute).toBe(2);
  expect(stats.summary(89_999).callsPerMinute).toBe(2);
  expect(stats.summary(90_000).callsPerMinute).toBe(0);
});

test('a pause of any length empties the minute', () => {
  const stats = new CallStats();
  for (let second = 0; second < 60; second++) stats.add(second * 1_000, 1, false);
  expect(stats.summary(59_000).callsPerMinute).toBe(60);
  stats.add(10_000_000_000, 1, false);
  expect(stats.summary(10_000_000_000).callsPerMinute).toBe(1);
});

test('the 95th percentile is that of the last 256 calls', () => {
  const stats = new CallStats();
  for (let ms = 1; ms <= 100; ms++) stats.add(0, ms, false);
  expect(stats.summary(0).p95Ms).toBe(95);
  for (let n = 0; n < 256; n++) stats.add(0, 7, false);
  expect(stats.summary(0).p95Ms).toBe(7);
  expect(stats.summary(0).calls).toBe(356);
});
