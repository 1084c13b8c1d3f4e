import { expect, test } from 'bun:test';
import { type Caller, sessionlessCaller } from '../../../src/protocol/caller.ts';
import { AbandonedCalls } from '../../../src/upstream/abandoned-calls.ts';

const callerOf = (sessionId: string | null): Caller => ({ ...sessionlessCaller('none', ''), sessionId });

test('a call that was given up may go on for 300 s, unless the upstream answers it', () => {
  const [ann, bob] = [callerOf('ann'), callerOf('bob')];
  const calls = new AbandonedCalls();
  calls.add(1, ann, 0);
  expect(calls.hasOthers(bob, 299_999)).toBe(true);
  expect(calls.hasOthers(bob, 300_000)).toBe(false);
  calls.add(2, ann, 300_000);
  calls.answered(3);
  expect(calls.hasOthers(bob, 300_000)).toBe(true);
  calls.answered(2);
  expect(calls.hasOthers(bob, 300_000)).toBe(false);
});

test('it is no other client’s to its own session, but without sessions nobody knows', () => {
  const [ann, none] = [callerOf('ann'), callerOf(null)];
  const calls = new AbandonedCalls();
  calls.add(1, ann, 0);
  expect(calls.hasOthers(ann, 1)).toBe(false);
  calls.add(2, none, 0);
  expect(calls.hasOthers(none, 1)).toBe(true);
});

test('beyond a thousand, those that are not remembered count for all', () => {
  const [ann, bob] = [callerOf('ann'), callerOf('bob')];
  const calls = new AbandonedCalls();
  calls.add(0, bob, 0);
  for (let id = 1; id <= 1_000; id++) calls.add(id, ann, 10);
  expect(calls.hasOthers(ann, 299_999)).toBe(true);
  expect(calls.hasOthers(ann, 300_001)).toBe(false);
});
