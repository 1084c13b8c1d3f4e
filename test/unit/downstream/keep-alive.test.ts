import { expect, test } from 'bun:test';
import { KeepAlive, type KeepAliveMember } from '../../../src/downstream/keep-alive.ts';
import { nextTurn } from '../../../src/runtime/event-loop.ts';
import { LinkedNode } from '../../../src/runtime/linked-list.ts';
import { FakeClock } from '../../support/fake-clock.ts';

class Member extends LinkedNode implements KeepAliveMember {
  beats = 0;
  beat(): void {
    this.beats++;
  }
}

test('members are called back at intervals until they are deleted', () => {
  const clock = new FakeClock();
  const keepAlive = new KeepAlive(15_000, clock);
  const [stays, leaves] = [new Member(), new Member()];
  keepAlive.add(stays);
  keepAlive.add(leaves);
  clock.advance(15_000);
  keepAlive.delete(leaves);
  clock.advance(30_000);
  expect([stays.beats, leaves.beats]).toEqual([3, 1]);
});

test('no timer runs without members, and one starts again with the next', () => {
  const clock = new FakeClock();
  const keepAlive = new KeepAlive(15_000, clock);
  const member = new Member();
  keepAlive.add(member);
  keepAlive.delete(member);
  clock.advance(60_000);
  expect(clock.started).toBe(1);
  keepAlive.add(member);
  clock.advance(15_000);
  expect(member.beats).toBe(1);
});

test('many members are called back over several turns', async () => {
  const clock = new FakeClock();
  const keepAlive = new KeepAlive(15_000, clock);
  const members = Array.from({ length: 100 }, () => new Member());
  for (const member of members) keepAlive.add(member);
  const called = () => members.filter(({ beats }) => beats === 1).length;
  clock.advance(15_000);
  expect(called()).toBeLessThan(50);
  for (let turn = 0; turn < 20; turn++) await nextTurn();
  expect(called()).toBe(100);
});
