import { expect, test } from 'bun:test';
import type { Caller, Channel } from '../../../../src/protocol/caller.ts';
import { KnownTasks } from '../../../../src/router/tasks/known-tasks.ts';

const channel: Channel = { notify() {} };
const callerOf = (sessionId: string | null) => ({ sessionId, channel }) as Caller;

test('a task belongs to the session that made it', () => {
  const tasks = new KnownTasks();
  tasks.add('t', callerOf('s'));
  expect(tasks.isMaker(callerOf('s'), 't')).toBe(true);
  expect(tasks.isMaker(callerOf('other'), 't')).toBe(false);
  expect(tasks.isMaker(callerOf('s'), 'u')).toBe(false);
  expect(tasks.channelOf('t')).toBe(channel);
  expect(tasks.channelOf('u')).toBeNull();
});

test('a task that was made outside of a session belongs to nobody', () => {
  const tasks = new KnownTasks();
  tasks.add('t', callerOf(null));
  expect(tasks.isMaker(callerOf(null), 't')).toBe(false);
});

test('the latest 5,000 tasks are remembered for sure, and at most 10,000', () => {
  const tasks = new KnownTasks();
  for (let number = 0; number < 10_001; number++) tasks.add(`t${number}`, callerOf('s'));
  expect(tasks.isMaker(callerOf('s'), 't10000')).toBe(true);
  expect(tasks.isMaker(callerOf('s'), 't5001')).toBe(true);
  expect(tasks.isMaker(callerOf('s'), 't0')).toBe(false);
});
