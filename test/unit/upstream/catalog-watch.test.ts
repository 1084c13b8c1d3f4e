import { describe, expect, test } from 'bun:test';
import { UpstreamMetrics, type UpstreamState } from '../../../src/observability/upstream-metrics.ts';
import { Abort } from '../../../src/runtime/abort.ts';
import { nextTurn } from '../../../src/runtime/event-loop.ts';
import { CatalogWatch } from '../../../src/upstream/catalog-watch.ts';
import { UpstreamFailure } from '../../../src/upstream/failure.ts';
import type { Item } from '../../../src/upstream/items/item-list.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeSession, item, serverConfig } from '../../support/fake-session.ts';

/** The watch of a session, with a time to live of a minute. */
function watched() {
  const clock = new FakeClock();
  const session = new FakeSession();
  const offers: string[][] = [];
  const refreshes: (string | null)[] = [];
  const watch = new CatalogWatch({
    config: () => serverConfig({ tools: { ttl_seconds: 60 } }),
    metrics: new UpstreamMetrics({} as UpstreamState, () => {}),
    closing: new Abort(),
    clock,
    onItems: ({ tools }) => void offers.push(tools.map(({ name }) => name)),
    onRefreshed: (_session, failure) => void refreshes.push(failure?.message ?? null),
  });
  watch.start(session);
  const pass = async (ms: number) => {
    clock.advance(ms);
    await nextTurn();
  };
  return { watch, session, offers, refreshes, pass };
}

describe('the items of a session', () => {
  test('are fetched again each time that their time to live is over', async () => {
    const { session, offers, refreshes, pass } = watched();
    await pass(59_000);
    expect(session.listed).toBe(0);
    await pass(1_000);
    await pass(60_000);
    expect(session.listed).toBe(2);
    expect(offers).toEqual([['a'], ['a']]);
    expect(refreshes).toEqual([null, null]);
  });

  test('are fetched sooner if the server says so, though at most once a second', async () => {
    const { session, watch, pass } = watched();
    session.listTtlMs = 10;
    watch.start(session);
    await pass(999);
    expect(session.listed).toBe(0);
    await pass(101);
    expect(session.listed).toBe(1);
    session.listTtlMs = 600_000;
    await pass(1_100);
    await pass(60_000);
    expect(session.listed).toBe(3);
  });

  test('are fetched at once when they change, and at most once a second', async () => {
    const { watch, session, pass } = watched();
    watch.changed(session, ['tools']);
    await pass(0);
    expect(session.listed).toBe(1);
    for (let burst = 0; burst < 100; burst++) {
      watch.changed(session, ['tools']);
      await pass(10);
    }
    expect(session.listed).toBe(2);
    await pass(10_000);
    expect(session.listed).toBe(2);
  });

  test('are fetched ever less often for announcements after which nothing is new', async () => {
    const { watch, session, pass } = watched();
    session.lists.push([item('a')]);
    await watch.fetch(session);
    const fetchedAt: number[] = [];
    for (let second = 0; second < 55; second++) {
      const before = session.listed;
      watch.changed(session, ['tools']);
      await pass(1_000);
      if (session.listed > before) fetchedAt.push(second);
    }
    // The first ones as ever, then after 2, 4, 8, 16 and 30 s: at 1, 2, 3, 5, 9, 17 and 33 s, each seen as the second ends.
    expect(fetchedAt).toEqual([0, 1, 2, 3, 4, 8, 16, 32]);
    // A change that is one ends that.
    session.lists.push([item('new')]);
    await pass(10_000);
    expect(session.listed).toBe(10);
    watch.changed(session, ['tools']);
    await pass(1_000);
    expect(session.listed).toBe(11);
  });

  test('are fetched again if they change during a fetch', async () => {
    const { watch, session, offers, pass } = watched();
    const list = Promise.withResolvers<readonly Item[]>();
    session.lists.push(list.promise, [item('new')]);
    watch.changed(session, ['tools']);
    await pass(0);
    watch.changed(session, ['tools']);
    list.resolve([item('old')]);
    await pass(0);
    await pass(1_000);
    expect(offers).toEqual([['old'], ['new']]);
  });

  test('are fetched again sooner after a failure, and less soon after each further one', async () => {
    const { session, refreshes, pass } = watched();
    session.lists.push(...[1, 2, 3].map(() => new UpstreamFailure('timeout', 'late')));
    await pass(60_000);
    await pass(1_999);
    expect(session.listed).toBe(1);
    await pass(1);
    expect(session.listed).toBe(2);
    await pass(3_999);
    expect(session.listed).toBe(2);
    await pass(1);
    await pass(8_000);
    expect(session.listed).toBe(4);
    expect(refreshes).toEqual(['late', 'late', 'late', null]);
    await pass(59_999);
    expect(session.listed).toBe(4);
  });

  test('are not fetched after the watch has stopped', async () => {
    const { watch, session, pass } = watched();
    watch.stop();
    await pass(120_000);
    expect(session.listed).toBe(0);
  });

  test('that arrive after the session was replaced do not count', async () => {
    const { watch, session, offers, pass } = watched();
    const list = Promise.withResolvers<readonly Item[]>();
    session.lists.push(list.promise);
    await pass(60_000);
    watch.stop();
    const next = new FakeSession();
    next.lists.push([item('next')]);
    await watch.fetch(next);
    watch.start(next);
    list.resolve([item('old')]);
    await pass(0);
    expect(offers).toEqual([['next']]);
    expect(watch.items.tools).toHaveLength(1);
  });
});
