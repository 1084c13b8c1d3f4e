import { expect, test } from 'bun:test';
import { Gathering } from '../../../../src/downstream/modern/gathering.ts';
import { nextTurn } from '../../../../src/runtime/event-loop.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

function start() {
  const clock = new FakeClock();
  const endedMs: number[] = [];
  const gathering = new Gathering(clock, () => void endedMs.push(clock.nowMs()));
  return { clock, endedMs, gathering };
}

test('a wait ends once nothing has come for its time, and after 50 ms at most', () => {
  const { clock, endedMs, gathering } = start();
  const startMs = clock.nowMs();
  gathering.extend(10);
  clock.advance(10);
  for (let n = 0; n < 10; n++) {
    gathering.extend(10);
    clock.advance(9);
  }
  expect(endedMs.map((ms) => ms - startMs)).toEqual([10, 60]);
});

test('a wait of no time ends with the turn of the event loop', async () => {
  const { endedMs, gathering } = start();
  gathering.extend(0);
  gathering.extend(0);
  expect(endedMs).toHaveLength(0);
  await nextTurn();
  expect(endedMs).toHaveLength(1);
});

test('a wait that is cancelled does not end', async () => {
  const { clock, endedMs, gathering } = start();
  gathering.extend(10);
  gathering.cancel();
  gathering.extend(0);
  gathering.cancel();
  clock.advance(100);
  await nextTurn();
  expect(endedMs).toHaveLength(0);
});
