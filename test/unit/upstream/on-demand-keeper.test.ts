import { describe, expect, test } from 'bun:test';
import { UpstreamMetrics, type UpstreamState } from '../../../src/observability/upstream-metrics.ts';
import { Abort } from '../../../src/runtime/abort.ts';
import { Deadlines } from '../../../src/runtime/deadlines.ts';
import { nextTurn } from '../../../src/runtime/event-loop.ts';
import { type FailureKind, UpstreamFailure } from '../../../src/upstream/failure.ts';
import { OnDemandKeeper } from '../../../src/upstream/on-demand-keeper.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeSession, FakeSource, serverConfig } from '../../support/fake-session.ts';

const client = { clientInfo: '{"name":"one","version":"1"}', capabilities: '{"roots":{}}' };
const unknown = new UpstreamFailure('returned_error', 'Session not found', 'unknown_session');

function keeperOf(settings: object = {}) {
  const clock = new FakeClock();
  const source = new FakeSource();
  const metrics = new UpstreamMetrics({} as UpstreamState, () => {});
  const state = { down: null as UpstreamFailure | null, isOtherEraEnough: true, refusals: 0 };
  const config = serverConfig({ timeouts: { request_seconds: 5, ...settings } });
  const context = {
    config: () => config,
    source,
    metrics,
    deadlines: new Deadlines(clock),
    messages: null,
    instance: 'this',
    quote: (text: string) => text,
    onSeen() {},
    onLogDropped() {},
    onTaskStatus() {},
    onQuestionRefused() {},
    onOddity() {},
  };
  const reachable = async () => {
    if (state.down) throw state.down;
  };
  const onLegacyRefused = () => {
    state.refusals++;
    return state.isOtherEraEnough;
  };
  const keeper = new OnDemandKeeper(
    { context, reachable, isLegacyWanted: () => true, maxLegacyMs: 2_000, onLegacyRefused },
    client,
  );
  return { keeper, source, metrics, clock, state };
}

describe('a keeper on demand', () => {
  test('opens the session for the first call, as the client describes itself, and lists nothing', async () => {
    const { keeper, source, metrics } = keeperOf();
    expect([keeper.session, source.tried]).toEqual([null, 0]);
    const both = await Promise.all([keeper.usableSession(new Abort()), keeper.usableSession(new Abort())]);
    const [session] = source.opened as [FakeSession];
    expect(both).toEqual([session, session]);
    expect(source.events?.client).toEqual(client);
    expect([source.tried, session.listed]).toEqual([1, 0]);
    expect(metrics.counts.initialize).toEqual({ success: 1, error: 0 });
  });

  test('fails calls while the upstream cannot be reached, without an attempt of its own', async () => {
    const { keeper, source, state } = keeperOf();
    state.down = new UpstreamFailure('refused', 'not connected');
    await expect(keeper.usableSession(new Abort())).rejects.toThrow('not connected');
    expect(source.tried).toBe(0);
  });

  test('tries again after an attempt that failed, once a second at most', async () => {
    const { keeper, source, clock } = keeperOf();
    source.attempts.push(new UpstreamFailure('auth', 'answered HTTP 401'));
    for (let call = 0; call < 3; call++)
      await expect(keeper.usableSession(new Abort())).rejects.toThrow('answered HTTP 401');
    expect(source.tried).toBe(1);
    clock.advance(1_000);
    expect(await keeper.usableSession(new Abort())).toBe(source.opened[0] as FakeSession);
  });

  test.each<[FailureKind, boolean, string]>([
    // How the first attempt ends, whether any era will do, and what the call gets.
    ['unsupported', true, 'a session'],
    ['returned_error', true, 'a session'],
    ['timeout', true, 'a session'],
    ['unsupported', false, 'no'],
    ['refused', true, 'no'],
  ])('that is %s in the era it wants, any other one doing: %p, has %s', async (kind, isEnough, outcome) => {
    const { keeper, source, state } = keeperOf();
    state.isOtherEraEnough = isEnough;
    source.attempts.push(new UpstreamFailure(kind, 'no'));
    const found = await keeper.usableSession(new Abort()).then(
      () => 'a session',
      (error: UpstreamFailure) => error.message,
    );
    expect(found).toBe(outcome);
    expect(state.refusals).toBe(kind === 'refused' ? 0 : 1);
  });

  test.each([
    [2_000, 'its limit', {}],
    [1_000, 'connect_seconds', { connect_seconds: 1 }],
  ])(
    'gives the era it wants up after %d ms, which is %s, however long a process may start',
    async (ms, _, settings) => {
      const { keeper, source, clock, state } = keeperOf(settings);
      source.maxOpenMs = () => 300_000;
      const { open } = source;
      source.open = (_events, signal, era) =>
        era === 'legacy'
          ? new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
          : open.call(source, _events, signal);
      const session = keeper.usableSession(new Abort());
      await nextTurn();
      clock.advance(ms - 1);
      await nextTurn();
      expect(state.refusals).toBe(0);
      clock.advance(1);
      expect(await session).toBe(source.opened[0] as FakeSession);
      expect(state.refusals).toBe(1);
    },
  );

  test('opens another session for the next call after a loss', async () => {
    const { keeper, source, metrics } = keeperOf();
    const first = (await keeper.usableSession(new Abort())) as FakeSession;
    first.checks.push(unknown);
    expect(await keeper.judge(first, unknown)).toBe(true);
    expect([keeper.session, first.retired, source.tried]).toEqual([null, false, 1]);
    expect(metrics.counts.sessionResets.unknown_session).toBe(1);
    expect(await keeper.usableSession(new Abort())).toBe(source.opened[1] as FakeSession);
  });

  test('lets a call wait no longer than its time, or than its client wants', async () => {
    const { keeper, source, clock } = keeperOf();
    source.attempts.push(Promise.withResolvers<FakeSession>().promise);
    const late = keeper.usableSession(new Abort());
    const abort = new Abort();
    const cancelled = keeper.usableSession(abort);
    abort.abort();
    await expect(cancelled).rejects.toThrow('the request was cancelled');
    late.catch(() => {});
    clock.advance(5_000);
    await expect(late).rejects.toThrow('did not open a session for the client in time');
  });

  test('that is closed ends its session, also one that is being opened', async () => {
    const { keeper, source } = keeperOf();
    const opening = Promise.withResolvers<FakeSession>();
    source.attempts.push(opening.promise);
    const waiting = keeper.usableSession(new Abort());
    waiting.catch(() => {});
    await keeper.close();
    const session = new FakeSession();
    opening.resolve(session);
    await expect(waiting).rejects.toThrow('has ended');
    await nextTurn();
    expect([session.retired, keeper.session]).toEqual([true, null]);
    await expect(keeper.usableSession(new Abort())).rejects.toThrow('has ended');
    expect(source.tried).toBe(1);
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'closed %d microtasks after its session is open keeps none',
    async (count) => {
      const { keeper, source } = keeperOf();
      const opening = Promise.withResolvers<FakeSession>();
      source.attempts.push(opening.promise);
      keeper.usableSession(new Abort()).catch(() => {});
      await nextTurn();
      const session = new FakeSession();
      opening.resolve(session);
      for (let i = 0; i < count; i++) await null;
      await keeper.close();
      await nextTurn();
      expect([session.retired, keeper.session]).toEqual([true, null]);
    },
  );
});
