import { describe, expect, spyOn, test } from 'bun:test';
import { join } from 'node:path';
import { deadlines, sleep } from '../../../src/runtime/deadlines.ts';
import { waitUntil } from '../../support/wait.ts';

describe('a deadline', () => {
  test('calls once, and not before its time', async () => {
    const startMs = performance.now();
    const expiredAfterMs: number[] = [];
    deadlines.add(120, () => void expiredAfterMs.push(performance.now() - startMs));
    await waitUntil('the deadline', () => expiredAfterMs.length > 0);
    // By the end of a later one it would have called again.
    await new Promise<void>((resolve) => deadlines.add(120, resolve));
    expect(expiredAfterMs).toHaveLength(1);
    expect(expiredAfterMs[0]).toBeGreaterThanOrEqual(120);
  });

  test('calls while others that end later go on', async () => {
    const later = deadlines.add(60_000, () => {
      throw new Error('a deadline of 60 s is over already');
    });
    await new Promise<void>((resolve) => deadlines.add(10, resolve));
    later.clear();
  });

  test('is met while others, that were set before and after it, end much later', async () => {
    const expired: string[] = [];
    const add = (name: string, ms: number) => deadlines.add(ms, () => void expired.push(name));
    const later = [add('before', 60_000)];
    const soon = new Promise<void>((resolve) => deadlines.add(100, resolve));
    later.push(add('after', 30_000));
    await soon;
    expect(expired).toEqual([]);
    for (const one of later) one.clear();
  });

  test('does not wake the process before it is due', async () => {
    // What tests before have left is over by then, or is far off.
    await Bun.sleep(150);
    using timeouts = spyOn(globalThis, 'setTimeout');
    using intervals = spyOn(globalThis, 'setInterval');
    const later = deadlines.add(60_000, () => {});
    await Bun.sleep(300);
    later.clear();
    // None where a look is due anyway before the minute is over.
    expect(timeouts.mock.calls.length).toBeLessThanOrEqual(1);
    expect(intervals).not.toHaveBeenCalled();
  });

  test('that is still to come is met after an earlier one was', async () => {
    const expired: number[] = [];
    for (const ms of [200, 60, 130]) deadlines.add(ms, () => void expired.push(ms));
    await waitUntil('all three', () => expired.length === 3);
    expect(expired).toEqual([60, 130, 200]);
  });

  test('that was cleared calls never, even when another expires in the same moment and clears it', async () => {
    const expired: string[] = [];
    const cleared = deadlines.add(10, () => void expired.push('cleared'));
    cleared.clear();
    cleared.clear();
    let second: { clear(): void } | undefined;
    deadlines.add(10, () => {
      expired.push('first');
      second?.clear();
    });
    second = deadlines.add(10, () => void expired.push('second'));
    deadlines.add(100, () => void expired.push('last'));
    await waitUntil('the last', () => expired.includes('last'));
    expect(expired).toEqual(['first', 'last']);
  });

  test('whose end fails keeps no other from ending, and the process learns of the failure', () => {
    const program = `
      import { deadlines } from ${JSON.stringify(join(import.meta.dir, '../../../src/runtime/deadlines.ts'))};
      process.on('uncaughtException', (error) => console.log(error.message));
      deadlines.add(10, () => { throw new Error('the first failed'); });
      deadlines.add(10, () => console.log('the second ended'));
    `;
    const { stdout } = Bun.spawnSync([process.execPath, '-e', program]);
    expect(stdout.toString()).toBe('the second ended\nthe first failed\n');
  });

  test('may be set while another expires', async () => {
    const expired: string[] = [];
    deadlines.add(10, () => {
      expired.push('first');
      deadlines.add(10, () => void expired.push('second'));
    });
    await waitUntil('the second', () => expired.length === 2);
    expect(expired).toEqual(['first', 'second']);
  });
});

describe('a sleep', () => {
  test('tells that the whole time went by', async () => {
    expect(await sleep(5, new AbortController().signal)).toBe(true);
  });

  test('ends with its signal', async () => {
    const abort = new AbortController();
    const sleeping = sleep(60_000, abort.signal);
    abort.abort();
    expect(await sleeping).toBe(false);
  });

  test('does not begin where the signal was aborted before', async () => {
    expect(await sleep(60_000, AbortSignal.abort())).toBe(false);
  });
});
