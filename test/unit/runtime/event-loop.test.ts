import { heapStats } from 'bun:jsc';
import { describe, expect, test } from 'bun:test';
import { forEachInShortTurns, forEachInTurns } from '../../../src/runtime/event-loop.ts';

test('thousands of members are visited sixteen in a turn, so that all other work goes on', async () => {
  let turns = 0;
  let over = false;
  const count = () => {
    turns++;
    if (!over) setImmediate(count);
  };
  count();
  const visitsPerTurn = new Map<number, number>();
  const members = Array.from({ length: 100 }, (_, index) => index);
  const visited: number[] = [];
  await forEachInTurns(members, (member) => {
    visited.push(member);
    visitsPerTurn.set(turns, (visitsPerTurn.get(turns) ?? 0) + 1);
  });
  over = true;
  expect(visited).toEqual(members);
  expect([...visitsPerTurn.values()]).toEqual([16, 16, 16, 16, 16, 16, 4]);
});

describe('visits in short turns', () => {
  const members = Array.from({ length: 2_000 }, (_, index) => index);

  test('are over at once if they take no time', () => {
    const visited: number[] = [];
    expect(forEachInShortTurns([1, 2], (member) => void visited.push(member))).toBeUndefined();
    expect(visited).toEqual([1, 2]);
  });

  test('leave turns to others, and keep their order', async () => {
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    count();
    const visited: number[] = [];
    await forEachInShortTurns(members.slice(0, 50), (member) => {
      visited.push(member);
      for (const endMs = performance.now() + 0.2; performance.now() < endMs; );
    });
    isOver = true;
    expect(visited).toEqual(members.slice(0, 50));
    expect(turns).toBeGreaterThan(45);
  });

  test('wait for each other, one promise at a time', async () => {
    const promisesNow = () => {
      Bun.gc(true);
      return heapStats().objectTypeCounts.Promise ?? 0;
    };
    const before = promisesNow();
    const visited: number[] = [];
    let promises = 0;
    await forEachInShortTurns(members, async (member) => {
      await Promise.resolve();
      visited.push(member);
      if (member === 1_999) promises = promisesNow() - before;
    });
    expect(visited).toEqual(members);
    expect(promises).toBeLessThan(100);
  });
});
