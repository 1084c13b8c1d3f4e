import { describe, expect, test } from 'bun:test';
import { deadlines, sleep } from '../../src/deadlines.ts';
import { waitUntil } from '../support/wait.ts';

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
