import { describe, expect, test } from 'bun:test';
import { UpstreamFailure } from '../../../src/upstream/failure.ts';
import { ReconnectPolicy } from '../../../src/upstream/reconnect-policy.ts';
import { FakeSession } from '../../support/fake-session.ts';

// Without jitter: base and limit are equal.
const reconnect = { max_attempts: 0, backoff_base_ms: 1_000, backoff_max_ms: 1_000 };
const ended = new UpstreamFailure('ended', 'exited with code 1');

/** A session whose process has ended, and which has served calls. */
function endedSession(): FakeSession {
  const session = new FakeSession();
  session.closedBy = ended;
  session.hasServed = true;
  return session;
}

describe('a process that ends', () => {
  test.each([
    [0, 1_000],
    [60_000, 1_000],
    [60_001, null],
  ])('after %d ms, however many calls it has served, is started again after %p ms', (lastedMs, waitMs) => {
    const policy = new ReconnectPolicy();
    const settings = { reconnect, command: 'npx' };
    for (let times = 0; times < 3; times++)
      expect(policy.afterLoss(endedSession(), lastedMs, ended, settings)).toBe(waitMs);
  });

  test('again and again is started after growing waits, until one lasts a minute', () => {
    const policy = new ReconnectPolicy();
    const settings = { reconnect: { ...reconnect, backoff_max_ms: 30_000 }, command: 'npx' };
    const waitAfter = (lastedMs: number) => policy.afterLoss(endedSession(), lastedMs, ended, settings);
    for (const [low, high] of [
      [1_000, 2_000],
      [2_000, 4_000],
      [4_000, 8_000],
    ] as const) {
      const waitMs = waitAfter(5_000) ?? 0;
      expect(waitMs >= low && waitMs <= high).toBe(true);
      // A start that succeeds says nothing.
      policy.reset();
    }
    expect(waitAfter(61_000)).toBeNull();
    expect(waitAfter(5_000)).toBeLessThan(2_000);
  });
});

describe('a process that cannot be started', () => {
  const settings = { ...reconnect, backoff_max_ms: 30_000 };

  test('is tried again at the longest wait if its command is unusable, from the first failure on', () => {
    expect(new ReconnectPolicy().afterFailure(new UpstreamFailure('unstartable', 'ENOENT'), settings)).toBe(
      30_000,
    );
  });

  test('for a moment counts as a failed attempt', () => {
    const policy = new ReconnectPolicy();
    const refused = new UpstreamFailure('refused', 'EAGAIN');
    expect(policy.afterFailure(refused, settings)).toBeLessThan(2_000);
    expect(policy.afterFailure(refused, { ...settings, max_attempts: 2 })).toBeNull();
  });
});
