import { describe, expect, test } from 'bun:test';
import { StalledError, takenInTime } from '../../../src/downstream/stall.ts';
import { ByteBudget, Holding } from '../../../src/runtime/byte-budget.ts';
import { Deadlines } from '../../../src/runtime/deadlines.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const MiB = 1024 * 1024;
const maxStallMs = 10_000;

/** A budget that has just refused someone. */
function shortBudget(): ByteBudget {
  const budget = new ByteBudget(MiB, 0);
  new Holding(budget).tryHold(2 * MiB);
  return budget;
}

/** The outcome of a write that the client takes when `take` is called. */
function writing(budget: ByteBudget) {
  const clock = new FakeClock();
  const write = Promise.withResolvers<string>();
  const taken = takenInTime(write.promise, budget, new Deadlines(clock));
  return { clock, take: write.resolve, taken, outcome: taken.catch((error: unknown) => error) };
}

describe('a client that does not take its data', () => {
  test('is cut off after 10 s if others find no room', async () => {
    const { clock, outcome } = writing(shortBudget());
    clock.advance(maxStallMs);
    expect(await outcome).toBeInstanceOf(StalledError);
  });

  test('is cut off as soon as others wait, however late', async () => {
    const budget = new ByteBudget(MiB, 0, 60_000);
    const holding = new Holding(budget);
    holding.tryHold(MiB);
    const { clock, outcome } = writing(budget);
    clock.advance(5 * maxStallMs);
    const other = new Holding(budget).hold(MiB);
    clock.advance(maxStallMs);
    expect(await outcome).toBeInstanceOf(StalledError);
    holding.release();
    await other;
  });

  test('has all the time it needs while there is room for all', async () => {
    const { clock, take, taken } = writing(new ByteBudget(MiB, 0));
    clock.advance(5 * maxStallMs);
    take('taken');
    expect(await taken).toBe('taken');
  });

  test('is not cut off if it takes the data in time', async () => {
    const { clock, take, taken } = writing(shortBudget());
    clock.advance(maxStallMs - 1);
    take('taken');
    expect(await taken).toBe('taken');
  });
});

test('a failed write rejects with its own error', async () => {
  const failed = takenInTime(Promise.reject(new Error('gone')), new ByteBudget(MiB, 0));
  expect(failed).rejects.toThrow('gone');
});
