import { describe, expect, test } from 'bun:test';
import type { Logger } from '../../../src/observability/log.ts';
import { UpstreamMetrics, type UpstreamState } from '../../../src/observability/upstream-metrics.ts';
import { Abort } from '../../../src/runtime/abort.ts';
import { Deadlines } from '../../../src/runtime/deadlines.ts';
import { nextTurn } from '../../../src/runtime/event-loop.ts';
import { UpstreamFailure } from '../../../src/upstream/failure.ts';
import type { Item } from '../../../src/upstream/items/item-list.ts';
import { SessionKeeper } from '../../../src/upstream/session-keeper.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeSession, FakeSource, item, serverConfig } from '../../support/fake-session.ts';

const refused = new UpstreamFailure('refused', 'connection refused');
const unknown = new UpstreamFailure('returned_error', 'Session not found', 'unknown_session');

/** A keeper of fake sessions, whose backoff is one to eight seconds. */
function keeperOf(changes: object = {}) {
  const clock = new FakeClock();
  const source = new FakeSource();
  const logged: string[] = [];
  const offers: (readonly Item[])[] = [];
  const log = (message: string) => void logged.push(message);
  const metrics = new UpstreamMetrics({} as UpstreamState, () => {});
  const reconnect = { backoff_base_ms: 1_000, backoff_max_ms: 8_000 };
  const keeper = new SessionKeeper({
    config: serverConfig({ reconnect, ...changes }),
    source,
    logger: { debug: log, info: log, warn: log, error: log } as unknown as Logger,
    metrics,
    events: {
      instance: 'this',
      quote: (text) => text,
      onItems: ({ tools }) => void offers.push(tools),
      onResourceUpdated() {},
      onTaskStatus() {},
      onQuestionRefused() {},
    },
    deadlines: new Deadlines(clock),
  });
  /** Lets time pass, and whatever follows from it settle. */
  const pass = async (ms: number) => {
    clock.advance(ms);
    await nextTurn();
    await nextTurn();
  };
  const start = async () => {
    keeper.start();
    await pass(0);
  };
  return { keeper, source, metrics, logged, offers, pass, start };
}

describe('a session keeper', () => {
  test('opens a session, lists its items, and is ready', async () => {
    const { keeper, source, offers, logged, start } = keeperOf();
    expect(keeper.state).toBe('connecting');
    await start();
    await keeper.firstReady();
    expect(keeper.state).toBe('ready');
    expect(keeper.session).toBe(source.opened[0] as FakeSession);
    expect(offers).toEqual([[item('a')]]);
    expect(logged).toEqual(['upstream connected']);
  });

  test('waits longer after each attempt that fails, up to the limit', async () => {
    const { keeper, source, pass, start } = keeperOf();
    source.attempts.push(...Array.from({ length: 6 }, () => refused));
    await start();
    const waits: number[] = [];
    while (keeper.state === 'backoff') {
      waits.push(keeper.backoffMs);
      await pass(keeper.backoffMs);
    }
    expect(keeper.state).toBe('ready');
    const limits = [2_000, 4_000, 8_000, 8_000, 8_000, 8_000];
    expect(waits).toHaveLength(6);
    for (const [i, ms] of waits.entries()) {
      expect(ms).toBeLessThanOrEqual(limits[i] as number);
      expect(ms).toBeGreaterThanOrEqual((limits[i] as number) / 2);
    }
  });

  test.each(['auth', 'loop'] as const)(
    'waits the longest time after a failure that will last: %s',
    async (kind) => {
      const { keeper, source, start } = keeperOf();
      source.attempts.push(new UpstreamFailure(kind, 'no'));
      await start();
      expect(keeper.backoffMs).toBe(8_000);
    },
  );

  test('gives up after the attempts that are allowed, offers nothing then, and can be revived', async () => {
    const { keeper, source, offers, pass, start } = keeperOf({
      reconnect: { max_attempts: 2, backoff_base_ms: 1_000 },
    });
    source.attempts.push(refused, refused);
    await start();
    await pass(keeper.backoffMs);
    expect(keeper.status()).toMatchObject({ state: 'given_up', lastError: 'connection refused' });
    expect(offers).toEqual([[]]);
    await expect(keeper.firstReady()).rejects.toThrow('connection refused');
    await expect(keeper.usableSession(new Abort())).rejects.toThrow('given up: connection refused');
    keeper.revive();
    await pass(0);
    expect(keeper.state).toBe('ready');
  });

  test('does not count failures that are the gateway’s own', async () => {
    const { keeper, source, pass, start } = keeperOf({
      reconnect: { max_attempts: 1, backoff_base_ms: 1_000 },
    });
    source.attempts.push(new UpstreamFailure('exhausted', 'no descriptors'));
    await start();
    expect(keeper.state).toBe('backoff');
    await pass(keeper.backoffMs);
    expect(keeper.state).toBe('ready');
  });

  test('fails an attempt whose session is not open in time', async () => {
    const { keeper, source, pass, start } = keeperOf({ timeouts: { connect_seconds: 5 } });
    const never = Promise.withResolvers<FakeSession>();
    source.attempts.push(never.promise);
    await start();
    await pass(4_000);
    expect(keeper.state).toBe('connecting');
    never.reject(source.openTimeout(5_000));
    await pass(0);
    expect(keeper.status().lastError).toBe('did not initialize within 5 s');
  });

  test('goes on for 300 s with a process that is starting, for which calls wait no longer than connect_seconds', async () => {
    const { keeper, source, pass, start } = keeperOf({
      timeouts: { connect_seconds: 60, request_seconds: 300 },
    });
    source.maxOpenMs = () => 300_000;
    source.open = (_events, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    await start();
    const call = keeper.usableSession(new Abort()).catch(({ message }: Error) => message);
    await pass(59_999);
    let isOver = false;
    void call.then(() => (isOver = true));
    await pass(0);
    expect(isOver).toBe(false);
    await pass(1);
    expect(await call).toBe('not connected yet; an attempt is under way');
    await pass(239_999);
    expect(keeper.state).toBe('connecting');
    await pass(1);
    expect([keeper.state, keeper.status().lastError]).toEqual(['backoff', 'did not initialize within 300 s']);
  });

  test('does not use a session whose items it cannot list', async () => {
    const { keeper, source, start } = keeperOf();
    const session = new FakeSession();
    session.lists.push(new UpstreamFailure('returned_error', 'refused to list its tools'));
    source.attempts.push(session);
    await start();
    expect(keeper.state).toBe('backoff');
    expect(session.retired).toBe(true);
  });
});

describe('a call', () => {
  test('waits for the session that is being opened', async () => {
    const { keeper, source, pass, start } = keeperOf();
    const opened = Promise.withResolvers<FakeSession>();
    source.attempts.push(opened.promise);
    await start();
    const waiting = keeper.usableSession(new Abort());
    const session = new FakeSession();
    opened.resolve(session);
    await pass(0);
    expect(await waiting).toBe(session);
  });

  test('waits no longer than its own time, and says why it fails', async () => {
    const { keeper, source, pass, start } = keeperOf({ timeouts: { request_seconds: 3 } });
    source.attempts.push(Promise.withResolvers<FakeSession>().promise);
    await start();
    const waiting = keeper.usableSession(new Abort());
    waiting.catch(() => {});
    await pass(3_000);
    await expect(waiting).rejects.toThrow('not connected yet; an attempt is under way');
  });

  test('that is cancelled waits no longer', async () => {
    const { keeper, source, start } = keeperOf();
    source.attempts.push(Promise.withResolvers<FakeSession>().promise);
    await start();
    const abort = new Abort();
    const waiting = keeper.usableSession(abort);
    abort.abort();
    await expect(waiting).rejects.toThrow('the request was cancelled');
  });

  test('starts an early attempt during a backoff, but only one a second', async () => {
    const { keeper, source, pass, start } = keeperOf({
      reconnect: { backoff_base_ms: 8_000, backoff_max_ms: 8_000 },
    });
    source.attempts.push(refused, refused);
    await start();
    await expect(keeper.usableSession(new Abort())).rejects.toThrow(
      'not connected: connection refused; next attempt in 8 s',
    );
    expect(source.tried).toBe(1);
    await pass(1_000);
    await expect(keeper.usableSession(new Abort())).rejects.toThrow('next attempt in 7 s');
    expect(source.tried).toBe(2);
    await pass(1_000);
    expect(await keeper.usableSession(new Abort())).toBe(source.opened[0] as FakeSession);
  });

  test('of an upstream that refuses the credential fails for that', async () => {
    const { keeper, source, start } = keeperOf();
    source.attempts.push(new UpstreamFailure('auth', 'answered HTTP 401'));
    await start();
    await expect(keeper.usableSession(new Abort())).rejects.toMatchObject({ kind: 'auth' });
  });
});

describe('a session that is lost', () => {
  test('is replaced at once, and not terminated if the upstream has forgotten it', async () => {
    const { keeper, source, metrics, logged, pass, start } = keeperOf();
    await start();
    const [first] = source.opened as [FakeSession];
    first.checks.push(unknown);
    expect(await keeper.judge(first, unknown)).toBe(true);
    await pass(0);
    expect(keeper.session).toBe(source.opened[1] as FakeSession);
    expect(first.retired).toBe(false);
    expect(metrics.counts.sessionResets.unknown_session).toBe(1);
    expect(metrics.counts.reconnects).toBe(0);
    expect(logged).toContain('upstream session lost; initializing anew');
  });

  test('is replaced after a backoff if the one before it was of no use either', async () => {
    const { keeper, source, pass, start } = keeperOf();
    await start();
    for (let lost = 0; lost < 2; lost++) {
      const session = source.opened[lost] as FakeSession;
      session.checks.push(unknown);
      await keeper.judge(session, unknown);
      await pass(0);
    }
    expect(keeper.state).toBe('backoff');
    await pass(keeper.backoffMs);
    expect(keeper.state).toBe('ready');
  });

  test('counts as a reconnect if the upstream was down', async () => {
    const { keeper, source, metrics, pass, start } = keeperOf();
    await start();
    await pass(10_000);
    const [first] = source.opened as [FakeSession];
    first.closedBy = new UpstreamFailure('broken', 'its event stream ended');
    source.events?.onClosed(first, first.closedBy);
    await pass(0);
    expect(keeper.status()).toMatchObject({ state: 'ready', reconnects: 1 });
    expect(metrics.counts.reconnectAttempts).toEqual({ success: 1, error: 0 });
  });

  test('is not replaced if its check passes, whatever failed in it', async () => {
    const { keeper, source, start } = keeperOf();
    await start();
    const [session] = source.opened as [FakeSession];
    expect(await keeper.judge(session, unknown)).toBe(false);
    expect([session.checked, source.tried]).toEqual([1, 1]);
  });

  test('is replaced although its check passes if all calls of a second are told that it is unknown', async () => {
    const { keeper, source, pass, start } = keeperOf();
    await start();
    const [session] = source.opened as [FakeSession];
    session.hasServed = true;
    expect(await keeper.judge(session, unknown)).toBe(false);
    await pass(1_500);
    expect(await keeper.judge(session, unknown)).toBe(false);
    await pass(0);
    expect(keeper.session).toBe(source.opened[1] as FakeSession);
  });

  test('is lost for calls that failed in it before', async () => {
    const { keeper, start } = keeperOf();
    await start();
    expect(await keeper.judge(new FakeSession(), refused)).toBe(true);
    expect(await keeper.judge(new FakeSession(), new UpstreamFailure('cancelled', 'no'))).toBe(false);
  });
});

describe('a keeper that is closed', () => {
  test('ends its session and refuses calls', async () => {
    const { keeper, source, start } = keeperOf();
    await start();
    await keeper.close();
    expect([source.opened[0]?.retired, source.isClosed, keeper.state]).toEqual([true, true, 'closed']);
    await expect(keeper.usableSession(new Abort())).rejects.toThrow('was removed');
  });

  test('during an attempt ends the session that comes of it', async () => {
    const { keeper, source, pass, start } = keeperOf();
    const opened = Promise.withResolvers<FakeSession>();
    source.attempts.push(opened.promise);
    await start();
    await keeper.close();
    await expect(keeper.firstReady()).rejects.toThrow('was removed');
    const session = new FakeSession();
    opened.resolve(session);
    await pass(0);
    expect([session.retired, keeper.state]).toEqual([true, 'closed']);
  });
});

describe('a revival', () => {
  test('shortens a backoff to a second after the last attempt', async () => {
    const { keeper, source, pass, start } = keeperOf({
      reconnect: { backoff_base_ms: 8_000, backoff_max_ms: 8_000 },
    });
    source.attempts.push(refused);
    await start();
    keeper.revive();
    expect(keeper.status().nextRetryMs).toBe(1_000);
    await pass(1_000);
    expect(keeper.state).toBe('ready');
  });
});
