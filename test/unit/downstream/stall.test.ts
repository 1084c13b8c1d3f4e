import { describe, expect, test } from 'bun:test';
import { StalledError, takenInTime } from '../../../src/downstream/stall.ts';
import { ByteBudget, Holding } from '../../../src/runtime/byte-budget.ts';

const MiB = 1024 * 1024;
const maxStallMs = 20;

/** A budget that was refused to somebody. */
function shortBudget(): ByteBudget {
  const budget = new ByteBudget(MiB, 0);
  new Holding(budget).tryHold(2 * MiB);
  return budget;
}

describe('a client that does not take what was written', () => {
  test('is cut off where others find no room', async () => {
    const never = new Promise<void>(() => {});
    expect(takenInTime(never, shortBudget(), maxStallMs)).rejects.toBeInstanceOf(StalledError);
  });

  test('is cut off as soon as others wait, however late', async () => {
    const budget = new ByteBudget(MiB, 0, 60_000);
    const holding = new Holding(budget);
    holding.tryHold(MiB);
    const taken = takenInTime(new Promise(() => {}), budget, maxStallMs);
    await Bun.sleep(5 * maxStallMs);
    const other = new Holding(budget).hold(MiB);
    expect(await taken.catch((error: unknown) => error)).toBeInstanceOf(StalledError);
    holding.release();
    await other;
  });

  test('has all the time it needs while there is room for all', async () => {
    const write = Promise.withResolvers<string>();
    const taken = takenInTime(write.promise, new ByteBudget(MiB, 0), maxStallMs);
    await Bun.sleep(5 * maxStallMs);
    write.resolve('taken');
    expect(await taken).toBe('taken');
  });
});

test('a write that fails is told as it is', async () => {
  const failed = takenInTime(Promise.reject(new Error('gone')), new ByteBudget(MiB, 0), maxStallMs);
  expect(failed).rejects.toThrow('gone');
});
