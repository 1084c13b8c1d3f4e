import { describe, expect, test } from 'bun:test';
import { ByteBudget, Holding, OverBudgetError } from '../../../src/runtime/byte-budget.ts';
import { waitUntil } from '../../support/wait.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** The state of a wait. */
function watched(wait: Promise<void> | undefined): { state: string } {
  const seen = { state: wait === undefined ? 'at once' : 'waits' };
  wait?.then(
    () => {
      seen.state = 'granted';
    },
    (error) => {
      seen.state = error instanceof OverBudgetError ? 'refused' : String(error);
    },
  );
  return seen;
}

describe('a budget', () => {
  test('counts what is held until it is released', () => {
    const budget = new ByteBudget(4 * MiB, MiB);
    const [a, b] = [new Holding(budget), new Holding(budget)];
    expect([a.tryHold(MiB), b.tryHold(2 * MiB), budget.bytes]).toEqual([true, true, 3 * MiB]);
    expect([a.tryHold(2 * MiB), budget.bytes]).toEqual([false, 3 * MiB]);
    b.release();
    expect([a.tryHold(2 * MiB), budget.bytes]).toEqual([true, 2 * MiB]);
    a.tryHold(MiB);
    a.release();
    a.release();
    expect(budget.bytes).toBe(0);
  });

  test('neither counts nor refuses short bodies', () => {
    const budget = new ByteBudget(MiB, 0);
    new Holding(budget).tryHold(MiB);
    const short = new Holding(budget);
    expect([short.tryHold(64 * KiB), short.tryHold(64 * KiB + 1), budget.bytes]).toEqual([true, false, MiB]);
  });

  test('grants a waiter what another holder releases', async () => {
    const budget = new ByteBudget(2 * MiB, 0);
    const [a, b] = [new Holding(budget), new Holding(budget)];
    a.tryHold(2 * MiB);
    const wait = watched(b.hold(MiB));
    await Bun.sleep(0);
    expect(wait.state).toBe('waits');
    a.release();
    await waitUntil('the grant', () => wait.state === 'granted');
    expect(budget.bytes).toBe(MiB);
  });

  test('lets the longest waiter complete, however much the others hold', async () => {
    const budget = new ByteBudget(4 * MiB, 2 * MiB);
    const holdings = [new Holding(budget), new Holding(budget)];
    for (const holding of holdings) holding.tryHold(MiB);
    const waits = holdings.map((holding) => watched(holding.hold(2 * MiB)));
    await waitUntil('the first', () => waits[0]?.state === 'granted');
    expect(waits[1]?.state).toBe('waits');
    holdings[0]?.release();
    await waitUntil('the second', () => waits[1]?.state === 'granted');
    expect(budget.bytes).toBe(2 * MiB);
  });

  test('refuses a waiter after the longest wait', async () => {
    const budget = new ByteBudget(MiB, 0, 10);
    const holder = new Holding(budget);
    holder.tryHold(MiB);
    const late = new Holding(budget);
    const wait = watched(late.hold(MiB));
    await waitUntil('the refusal', () => wait.state === 'refused');
    expect(budget.bytes).toBe(MiB);
    // Referenced until here: a collected holder would make room.
    holder.release();
  });

  test('regains what was garbage-collected without a release', async () => {
    const budget = new ByteBudget(4 * MiB, 0);
    (() => void new Holding(budget).tryHold(MiB))();
    await waitUntil('the collection', () => {
      Bun.gc(true);
      return budget.bytes === 0;
    });
  });

  test('counts bytes that exist already even beyond its bound', () => {
    const budget = new ByteBudget(MiB, 0);
    new Holding(budget).force(2 * MiB);
    expect([budget.bytes, new Holding(budget).tryHold(65 * KiB)]).toEqual([2 * MiB, false]);
  });
});
