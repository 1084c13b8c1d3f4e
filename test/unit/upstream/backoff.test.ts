import { describe, expect, test } from 'bun:test';
import { backoffMs } from '../../../src/upstream/backoff.ts';

const bounds = { backoff_base_ms: 1_000, backoff_max_ms: 30_000 };

describe('the wait before the next attempt', () => {
  test.each([
    [0, 1_000, 2_000],
    [1, 1_000, 2_000],
    [2, 2_000, 4_000],
    [3, 4_000, 8_000],
    [4, 8_000, 16_000],
    [5, 15_000, 30_000],
    [6, 15_000, 30_000],
    [1_000_000, 15_000, 30_000],
  ])('after %d failures lies between %d and %d ms', (failures, low, high) => {
    expect(backoffMs(failures, bounds, 0)).toBe(low);
    expect(backoffMs(failures, bounds, 0.5)).toBe((low + high) / 2);
    expect(backoffMs(failures, bounds, 1)).toBe(high);
  });

  test('is base where base is max', () => {
    expect(backoffMs(7, { backoff_base_ms: 50, backoff_max_ms: 50 }, 0.7)).toBe(50);
  });

  test('is never less than base, nor more than max, where they are close together', () => {
    const close = { backoff_base_ms: 20, backoff_max_ms: 30 };
    for (const failures of [1, 2, 9]) {
      expect([backoffMs(failures, close, 0), backoffMs(failures, close, 1)]).toEqual([20, 30]);
    }
  });
});
