import { expect, test } from 'bun:test';
import { IdleLimit } from '../../../src/http-client/idle-limit.ts';

test('before anything is learned an idle connection is usable for any time', () => {
  const limit = new IdleLimit();
  expect([limit.usableMs, limit.isKnown]).toEqual([Number.POSITIVE_INFINITY, false]);
});

test.each([
  [60_000, 48_000],
  [5_000, 4_000],
  [1_000, 800],
  [300, 200],
  [100, 50],
  [25, 12.5],
])('a connection that was closed after %d ms lets others be used for %d ms', (idleMs, usableMs) => {
  const limit = new IdleLimit();
  limit.closedAfter(idleMs);
  expect([limit.usableMs, limit.isKnown]).toEqual([usableMs, true]);
});

test('a connection that is closed right after a response teaches nothing', () => {
  const limit = new IdleLimit();
  limit.closedAfter(24.9);
  expect([limit.usableMs, limit.isKnown]).toEqual([Number.POSITIVE_INFINITY, false]);
});

test('the shortest time wins', () => {
  const limit = new IdleLimit();
  for (const idleMs of [2_000, 1_000, 1_500]) limit.closedAfter(idleMs);
  expect(limit.usableMs).toBe(800);
});

test('a connection that outlives the limit by far disproves it', () => {
  const limit = new IdleLimit();
  limit.closedAfter(30);
  limit.outlivedBy(1_060);
  expect(limit.usableMs).toBe(15);
  limit.outlivedBy(1_061);
  expect(limit.usableMs).toBe(Number.POSITIVE_INFINITY);
  limit.closedAfter(5_000);
  expect(limit.usableMs).toBe(4_000);
});
