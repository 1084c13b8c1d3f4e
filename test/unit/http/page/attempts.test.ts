import { expect, test } from 'bun:test';
import { Attempts } from '../../../../src/http/page/attempts.ts';

test('ten wrong tokens are free; then each has to wait for six seconds', () => {
  let nowMs = 1_000;
  const attempts = new Attempts(() => nowMs);
  for (let count = 0; count < 10; count++) {
    expect(attempts.waitMs).toBe(0);
    attempts.failed();
  }
  expect(attempts.waitMs).toBe(6_000);
  nowMs += 5_999;
  expect(attempts.waitMs).toBe(1);
  nowMs += 1;
  expect(attempts.waitMs).toBe(0);
  attempts.failed();
  expect(attempts.waitMs).toBe(6_000);
});

test('after a minute without a wrong token, ten are free again', () => {
  let nowMs = 0;
  const attempts = new Attempts(() => nowMs);
  for (let count = 0; count < 10; count++) attempts.failed();
  nowMs += 60_000;
  for (let count = 0; count < 10; count++) {
    expect(attempts.waitMs).toBe(0);
    attempts.failed();
  }
  expect(attempts.waitMs).toBe(6_000);
});
