import { expect, test } from 'bun:test';
import { MissedNotices } from '../../../../src/downstream/legacy/missed-notices.ts';

const updated = 'notifications/resources/updated';

test('what is useful later is kept once, in order, until it is taken', () => {
  const missed = new MissedNotices();
  missed.add(updated, 'a');
  missed.add('notifications/tools/list_changed', 'b');
  missed.add(updated, 'a');
  missed.add('notifications/elicitation/complete', 'c');
  missed.add('notifications/progress', 'd');
  missed.add('notifications/message', 'e');
  expect(missed.take()).toEqual(['a', 'b', 'c']);
  expect(missed.take()).toEqual([]);
});

test('neither many nor long notices are kept', () => {
  const missed = new MissedNotices();
  missed.add(updated, 'x'.repeat(4_097));
  for (let n = 0; n < 1_100; n++) missed.add(updated, String(n));
  expect(missed.take()).toHaveLength(1_000);
});

test('all sessions together keep 16 MiB, and room again once some are taken', () => {
  const sessions = Array.from({ length: 6 }, () => new MissedNotices());
  const text = (n: number) => String(n).padStart(4_096);
  for (const missed of sessions) for (let n = 0; n < 1_000; n++) missed.add(updated, text(n));
  expect(sessions.map((missed) => missed.take().length)).toEqual([1_000, 1_000, 1_000, 1_000, 96, 0]);
  const again = new MissedNotices();
  again.add(updated, 'a');
  expect(again.take()).toEqual(['a']);
});
