import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { Deadlines, sleep } from '../../../src/runtime/deadlines.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** Deadlines by a clock that the test advances, and a log of those that expired. */
function deadlinesWithLog() {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const expired: string[] = [];
  const add = (name: string, afterMs: number) => deadlines.add(afterMs, () => void expired.push(name));
  return { clock, deadlines, expired, add };
}

describe('a deadline', () => {
  test('expires once, not before its time and at most 50 ms late', () => {
    for (const afterMs of [0, 10, 49, 50, 51, 120, 60_000]) {
      const { clock, expired, add } = deadlinesWithLog();
      add('it', afterMs);
      clock.advance(afterMs - 1);
      expect(expired).toEqual([]);
      clock.advance(51);
      expect(expired).toEqual(['it']);
      clock.advance(120_000);
      expect(expired).toEqual(['it']);
    }
  });

  test('expires at its time whatever the order in which others were added', () => {
    const { clock, expired, add } = deadlinesWithLog();
    for (const ms of [60_000, 200, 60, 130, 30_000]) add(`${ms}`, ms);
    clock.advance(250);
    expect(expired).toEqual(['60', '130', '200']);
    clock.advance(29_750);
    expect(expired).toEqual(['60', '130', '200', '30000']);
    clock.advance(30_000);
    expect(expired).toHaveLength(5);
  });

  test('does not wake the process before it is due', () => {
    const { clock, add } = deadlinesWithLog();
    add('it', 60_000);
    clock.advance(59_999);
    expect(clock.started).toBe(1);
  });

  test('shares a timer with others that expire within 50 ms', () => {
    const { clock, expired, add } = deadlinesWithLog();
    for (let afterMs = 0; afterMs <= 50; afterMs++) add('it', afterMs);
    clock.advance(50);
    expect([expired.length, clock.started]).toEqual([51, 1]);
  });

  test('never expires once cleared, even by another that expires in the same sweep', () => {
    const { clock, deadlines, expired, add } = deadlinesWithLog();
    const cleared = add('cleared', 10);
    cleared.clear();
    cleared.clear();
    deadlines.add(10, () => {
      expired.push('first');
      second.clear();
    });
    const second = add('second', 10);
    add('last', 100);
    clock.advance(150);
    expect(expired).toEqual(['first', 'last']);
  });

  test('may be started while another expires', () => {
    const { clock, deadlines, expired, add } = deadlinesWithLog();
    deadlines.add(10, () => {
      expired.push('first');
      add('second', 10);
    });
    clock.advance(50);
    expect(expired).toEqual(['first']);
    clock.advance(50);
    expect(expired).toEqual(['first', 'second']);
  });

  test('that throws does not stop others, and the process learns of the error', () => {
    const program = `
      import { deadlines } from ${JSON.stringify(join(import.meta.dir, '../../../src/runtime/deadlines.ts'))};
      process.on('uncaughtException', (error) => console.log(error.message));
      deadlines.add(10, () => { throw new Error('the first failed'); });
      deadlines.add(10, () => console.log('the second ended'));
    `;
    const { stdout } = Bun.spawnSync([process.execPath, '-e', program]);
    expect(stdout.toString()).toBe('the second ended\nthe first failed\n');
  });
});

describe('a sleep', () => {
  test('resolves to true when the whole time has passed', async () => {
    expect(await sleep(5, new AbortController().signal)).toBe(true);
  });

  test('ends with its signal', async () => {
    const abort = new AbortController();
    const sleeping = sleep(60_000, abort.signal);
    abort.abort();
    expect(await sleeping).toBe(false);
  });

  test('does not begin if the signal is already aborted', async () => {
    expect(await sleep(60_000, AbortSignal.abort())).toBe(false);
  });
});
