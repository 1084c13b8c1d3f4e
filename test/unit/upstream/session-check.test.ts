import { describe, expect, test } from 'bun:test';
import { nextTurn } from '../../../src/runtime/event-loop.ts';
import { UpstreamFailure } from '../../../src/upstream/failure.ts';
import { SessionCheck } from '../../../src/upstream/session-check.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const invalid = new UpstreamFailure('returned_error', 'Invalid arguments (error -32602)');
const broken = new UpstreamFailure('broken', 'connection closed unexpectedly');

/** A check whose answers and whose time a test plays. */
function playedCheck() {
  const asked: PromiseWithResolvers<void>[] = [];
  const told: string[] = [];
  const clock = new FakeClock();
  const check = new SessionCheck({
    ask() {
      const one = Promise.withResolvers<void>();
      asked.push(one);
      return one.promise;
    },
    onPassed: () => void told.push('passed'),
    onFailed: (failure, suspicion) => void told.push(`${failure.message}, after: ${suspicion.message}`),
    clock,
  });
  return {
    asked,
    told,
    check,
    pass: (ms: number) => clock.advance(ms),
    /** Something fails; the check that this brings about passes. Whether there was one. */
    async refuted(suspicion = invalid): Promise<boolean> {
      const before = asked.length;
      const verdict = check.suspect(suspicion);
      asked[before]?.resolve();
      expect(await verdict).toBe(false);
      check.end();
      return asked.length > before;
    },
  };
}

describe('a session in which something failed', () => {
  test('is asked once for all that fails meanwhile, and each learns that it lives', async () => {
    const { check, asked, told } = playedCheck();
    const verdicts = [check.suspect(invalid), check.suspect(broken), check.suspect(invalid)];
    asked[0]?.resolve();
    expect(await Promise.all(verdicts)).toEqual([false, false, false]);
    expect(asked).toHaveLength(1);
    expect(told).toEqual(['passed']);
  });

  test('is lost when it cannot answer well: that is told before anyone learns it', async () => {
    const { check, asked, told } = playedCheck();
    const verdicts = [check.suspect(invalid), check.suspect(broken)];
    const order = Promise.all(verdicts).then(() => told.push('learned'));
    asked[0]?.reject(new UpstreamFailure('protocol', 'answered HTTP 500'));
    await order;
    expect(await Promise.all(verdicts)).toEqual([true, true]);
    expect(told).toEqual(['answered HTTP 500, after: Invalid arguments (error -32602)', 'learned']);
  });

  test.each(['busy', 'limited', 'exhausted', 'overloaded', 'cancelled'] as const)(
    'is not lost when it could not be asked: %s',
    async (kind) => {
      const { check, asked, told } = playedCheck();
      const verdict = check.suspect(invalid);
      asked[0]?.reject(new UpstreamFailure(kind, 'no'));
      expect(await verdict).toBe(false);
      expect(told).toEqual([]);
    },
  );
});

describe('after a check that passed', () => {
  test('there is none for a second, and the next failure gets its verdict at once', async () => {
    const { refuted, pass } = playedCheck();
    expect(await refuted()).toBe(true);
    pass(999);
    expect(await refuted()).toBe(false);
    pass(1);
    expect(await refuted()).toBe(true);
  });

  test('the pause doubles up to a minute while the same failure goes on', async () => {
    const { refuted, pass } = playedCheck();
    const checkedAt: number[] = [];
    for (let second = 0; second <= 250; second++) {
      if (await refuted()) checkedAt.push(second);
      pass(1_000);
    }
    expect(checkedAt).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
  });

  test('another failure is looked into after a second, however long the pause is', async () => {
    const { refuted, pass } = playedCheck();
    for (let second = 0; second <= 31; second++) {
      await refuted();
      pass(1_000);
    }
    expect(await refuted(invalid)).toBe(false);
    expect(await refuted(broken)).toBe(true);
  });

  test('the pause is short again when nothing failed for a while', async () => {
    const { refuted, pass } = playedCheck();
    for (let second = 0; second <= 31; second++) {
      await refuted();
      pass(1_000);
    }
    pass(100_000);
    expect(await refuted()).toBe(true);
    pass(1_000);
    expect(await refuted()).toBe(true);
  });

  test('what failed in the pause has the session checked at its end', async () => {
    const { check, asked, told, pass } = playedCheck();
    const first = check.suspect(invalid);
    asked[0]?.resolve();
    await first;
    pass(990);
    expect(await check.suspect(invalid)).toBe(false);
    pass(10);
    expect(asked).toHaveLength(2);
    asked[1]?.reject(new UpstreamFailure('timeout', 'did not answer within 1 s'));
    await nextTurn();
    expect(told[1]).toBe('did not answer within 1 s, after: Invalid arguments (error -32602)');
  });
});

describe('a check that fails while calls run in a process', () => {
  test('says nothing, and is repeated until it says something', async () => {
    const asked: PromiseWithResolvers<void>[] = [];
    const told: string[] = [];
    const clock = new FakeClock();
    let isBusy = true;
    const check = new SessionCheck({
      ask() {
        const one = Promise.withResolvers<void>();
        asked.push(one);
        return one.promise;
      },
      onPassed: () => void told.push('passed'),
      onFailed: ({ message }) => void told.push(message),
      isInconclusive: () => isBusy,
      clock,
    });
    const late = new UpstreamFailure('timeout', 'did not answer');
    const verdict = check.suspect(broken);
    asked[0]?.reject(late);
    expect([await verdict, told]).toEqual([false, []]);
    await clock.advance(2_000);
    asked[1]?.reject(late);
    await nextTurn();
    isBusy = false;
    await clock.advance(2_000);
    asked[2]?.reject(late);
    await nextTurn();
    expect([asked.length, told]).toEqual([3, ['did not answer']]);
  });
});
