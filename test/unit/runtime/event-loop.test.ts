import { expect, test } from 'bun:test';
import { forEachInTurns } from '../../../src/runtime/event-loop.ts';

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
