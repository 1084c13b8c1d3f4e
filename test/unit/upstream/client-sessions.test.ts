import { describe, expect, test } from 'bun:test';
import { UpstreamMetrics, type UpstreamState } from '../../../src/observability/upstream-metrics.ts';
import { type Caller, sessionlessCaller } from '../../../src/protocol/caller.ts';
import { Abort } from '../../../src/runtime/abort.ts';
import { Deadlines } from '../../../src/runtime/deadlines.ts';
import { nextTurn } from '../../../src/runtime/event-loop.ts';
import { ClientSessions } from '../../../src/upstream/client-sessions.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeSession, FakeSource, serverConfig } from '../../support/fake-session.ts';

/** Sessions of clients, at most so many, that end after a minute. */
function sessionsOf(max: number) {
  const clock = new FakeClock();
  const source = new FakeSource();
  const config = serverConfig();
  const context = {
    config: () => config,
    source,
    metrics: new UpstreamMetrics({} as UpstreamState, () => {}),
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
  const sessions = new ClientSessions({
    context,
    reachable: async () => {},
    isLegacyWanted: () => false,
    maxLegacyMs: Number.POSITIVE_INFINITY,
    onLegacyRefused: () => false,
    max: () => max,
    idleTtlMs: 60_000,
  });
  return { sessions, source, clock };
}

const legacy = (sessionId: string): Caller => ({ ...sessionlessCaller('none', ''), sessionId });
const modern = (different: Partial<Caller> = {}): Caller => ({
  ...sessionlessCaller('none', ''),
  era: 'modern',
  clientInfo: '{"name":"a"}',
  ...different,
});

describe('the sessions of clients', () => {
  test('are one for each client session', () => {
    const { sessions } = sessionsOf(10);
    expect(sessions.of(legacy('a'))).toBe(sessions.of(legacy('a')));
    expect(sessions.of(legacy('b'))).not.toBe(sessions.of(legacy('a')));
    expect(sessions.size).toBe(2);
  });

  test('are one for modern callers that describe themselves in the same words', () => {
    const { sessions } = sessionsOf(10);
    const keeper = sessions.of(modern());
    expect(sessions.of(modern({ logLevel: 'debug', view: 'v' }))).toBe(keeper);
    const others = [
      modern({ principal: 'bearer' }),
      modern({ clientInfo: '{"name":"b"}' }),
      modern({ capabilities: '{"roots":{}}' }),
    ];
    expect(new Set([keeper, ...others.map((caller) => sessions.of(caller))]).size).toBe(4);
    expect([sessions.find(modern()), sessions.find(legacy('a'))]).toEqual([keeper, undefined]);
  });

  test('are so many at most, until one of them ends', () => {
    const { sessions } = sessionsOf(2);
    sessions.of(legacy('a'));
    sessions.of(legacy('b'));
    expect(() => sessions.of(legacy('c'))).toThrow('has 2 sessions of clients');
    sessions.release('unknown');
    sessions.release('a');
    sessions.of(legacy('c'));
    expect(sessions.size).toBe(2);
  });

  test('make way for others when they have ended', async () => {
    const { sessions, source } = sessionsOf(1);
    const session = new FakeSession();
    const ended = Promise.withResolvers<void>();
    session.retire = () => ended.promise;
    source.attempts.push(session);
    await sessions.of(legacy('a')).usableSession(new Abort());
    sessions.release('a');
    const next = sessions.of(legacy('b')).usableSession(new Abort());
    await nextTurn();
    expect([sessions.size, source.tried]).toEqual([1, 1]);
    ended.resolve();
    expect(await next).toBe(source.opened[1] as FakeSession);
  });

  test('end when no call has used them for their time', async () => {
    const { sessions, source, clock } = sessionsOf(10);
    await sessions.of(legacy('a')).usableSession(new Abort());
    await sessions.of(legacy('b')).usableSession(new Abort());
    for (let second = 0; second < 45; second += 15) clock.advance(15_000);
    sessions.of(legacy('a'));
    clock.advance(15_000);
    await nextTurn();
    expect(sessions.size).toBe(1);
    expect(source.opened.map(({ retired }) => retired)).toEqual([null, true]);
    for (let second = 0; second < 60; second += 15) clock.advance(15_000);
    await nextTurn();
    expect([sessions.size, source.opened[0]?.retired]).toEqual([0, true]);
  });

  test('end together', async () => {
    const { sessions, source } = sessionsOf(10);
    for (const id of ['a', 'b', 'c']) await sessions.of(legacy(id)).usableSession(new Abort());
    await sessions.close();
    expect(source.opened.map(({ retired }) => retired)).toEqual([true, true, true]);
    expect(sessions.size).toBe(0);
  });
});
