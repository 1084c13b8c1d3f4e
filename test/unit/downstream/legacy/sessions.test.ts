import { afterEach, describe, expect, test } from 'bun:test';
import { Call } from '../../../../src/downstream/call.ts';
import { InFlightReplies } from '../../../../src/downstream/in-flight.ts';
import { KeepAlive } from '../../../../src/downstream/keep-alive.ts';
import { applyNotification } from '../../../../src/downstream/legacy/lifecycle.ts';
import { type SessionFacts, SessionIds } from '../../../../src/downstream/legacy/session-ids.ts';
import { type Session, Sessions } from '../../../../src/downstream/legacy/sessions.ts';
import { Reply } from '../../../../src/downstream/reply.ts';
import { DownstreamMetrics } from '../../../../src/observability/downstream-metrics.ts';
import type { LogFields } from '../../../../src/observability/log.ts';
import { Families } from '../../../../src/observability/series.ts';
import {
  type NotificationMessage,
  parseMessage,
  type RequestMessage,
} from '../../../../src/protocol/messages.ts';
import { Abort } from '../../../../src/runtime/abort.ts';
import { volatileState } from '../../../../src/state/state.ts';
import { sampleValue, textOf } from '../../../support/prometheus-page.ts';
import { waitUntil } from '../../../support/wait.ts';

const facts: SessionFacts = {
  protocolVersion: '2025-11-25',
  clientInfo: '{"name":"c"}',
  capabilities: '{}',
  principal: 'none',
  view: '',
  openedSeconds: Date.now() / 1000,
};

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/**
 * Sessions that end when idle for `idleTtlMs`; `endings` counts those that ended for a reason, `warnings` holds what was
 * logged.
 */
function sessionsOf(idleTtlMs: number, maxSessions = 100_000) {
  const families = new Families();
  const metrics = new DownstreamMetrics(families, () => sessions.size);
  const warnings: [string, LogFields | undefined][] = [];
  const silent = () => {};
  const warn = (message: string, fields?: LogFields) => void warnings.push([message, fields]);
  const logger = {
    isDebug: false,
    isTrace: false,
    trace: silent,
    debug: silent,
    info: silent,
    warn,
    error: silent,
  };
  const ids = new SessionIds(volatileState());
  const sessions = new Sessions({ metrics, logger, ids, idleTtlMs, sweepIntervalMs: 5, maxSessions });
  cleanups.push(() => sessions.endAll());
  const endings = async (reason: string) =>
    sampleValue(textOf(await families.page()), 'mcpstead_downstream_session_terminations_total', { reason });
  return { sessions, endings, warnings };
}

/** A call that runs in the session. */
function running(session: Session, idText: string): Call {
  const text = `{"jsonrpc":"2.0","id":${idText},"method":"tools/call","params":{"name":"a"}}`;
  const accepted = { json: true, sse: true };
  const asked = { accepted, signal: new Abort(), respond() {}, stream() {}, onLong() {}, ended() {} };
  const reply = new Reply({ replies: new InFlightReplies(), streams: new KeepAlive() }, asked, null);
  const call = new Call(parseMessage(text) as RequestMessage, session.caller, session, reply, {
    callAnswered() {},
    callFailed() {},
  });
  session.began(call);
  return call;
}

function cancelled(session: Session, paramsText: string): void {
  const text = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":${paramsText}}`;
  applyNotification(parseMessage(text) as NotificationMessage, session);
}

describe('an idle session', () => {
  test('ends after its time to live, as idle', async () => {
    const { sessions, endings } = sessionsOf(20);
    const session = sessions.open(facts);
    await waitUntil('the end', () => sessions.size === 0);
    expect(sessions.use(session.id, 'none')).toBeUndefined();
    expect(await endings('idle_timeout')).toBe(1);
    expect(await endings('init_failed')).toBe(0);
  });

  test('ends with all that were left at the same time, however many', async () => {
    const { sessions, endings } = sessionsOf(20);
    for (let opened = 0; opened < 1_000; opened++) sessions.open(facts);
    await waitUntil('the end', () => sessions.size === 0);
    expect(await endings('idle_timeout')).toBe(1_000);
  });

  test('that came to nothing is counted as failed to initialize, and is none', async () => {
    const { sessions, endings } = sessionsOf(60_000);
    sessions.refuse();
    expect(sessions.size).toBe(0);
    expect(await endings('init_failed')).toBe(1);
  });

  test('lives on while a call runs, and for a whole time to live after it', async () => {
    const { sessions } = sessionsOf(60);
    const busy = sessions.open(facts);
    const call = running(busy, '1');
    const idle = sessions.open(facts);
    await waitUntil('the end of the idle one', () => sessions.size === 1);
    // The call took longer than the time to live: its end is when the client was last there.
    const endMs = performance.now();
    busy.ended(call, performance.now());
    await waitUntil('the end of the other', () => sessions.size === 0);
    expect(performance.now() - endMs).toBeGreaterThanOrEqual(60);
    expect(sessions.use(idle.id, 'none')).toBeUndefined();
  });

  test('lives on while its stream is open', async () => {
    const { sessions } = sessionsOf(20);
    const listening = sessions.open(facts);
    const stream = listening.listen(new KeepAlive());
    sessions.open(facts);
    await waitUntil('the end of the idle one', () => sessions.size === 1);
    expect(sessions.use(listening.id, 'none')).toBe(listening);
    await stream.readable.cancel();
    await waitUntil('the end of the other', () => sessions.size === 0);
  });
});

describe('notifications/cancelled', () => {
  test.each([
    ['1', '{"requestId":1}'],
    ['"a"', '{"requestId":"a","reason":"why not"}'],
    ['12345678901234567890', '{"requestId": 12345678901234567890 }'],
    ['1.0', '{"requestId":1.0}'],
  ])('cancels the call whose id is %s', (idText, params) => {
    const { sessions } = sessionsOf(60_000);
    const session = sessions.open(facts);
    const call = running(session, idText);
    const other = running(session, '12345678901234567891');
    cancelled(session, params);
    expect(call.signal.aborted).toBe(true);
    expect(other.signal.aborted).toBe(false);
  });

  test('cancels all calls of that id, where a client uses one twice', () => {
    const { sessions } = sessionsOf(60_000);
    const session = sessions.open(facts);
    const calls = [running(session, '1'), running(session, '1')];
    cancelled(session, '{"requestId":1}');
    expect(calls.map((call) => call.signal.aborted)).toEqual([true, true]);
  });

  test.each(['{}', '{"requestId":"1"}', '{"requestId":null}', '{"requestId":2}'])(
    'cancels nothing else: %s',
    (params) => {
      const { sessions } = sessionsOf(60_000);
      const session = sessions.open(facts);
      const call = running(session, '1');
      cancelled(session, params);
      expect(call.signal.aborted).toBe(false);
    },
  );

  test('may name something two million levels deep', () => {
    const { sessions } = sessionsOf(60_000);
    const session = sessions.open(facts);
    const call = running(session, '1');
    const levels = 2_000_000;
    cancelled(session, `{"requestId":${'['.repeat(levels)}${']'.repeat(levels)}}`);
    expect(call.signal.aborted).toBe(false);
    cancelled(session, '{"requestId":1}');
    expect(call.signal.aborted).toBe(true);
  });
});

test('the end of a session cancels its calls and closes its stream', async () => {
  const { sessions, endings } = sessionsOf(60_000);
  const session = sessions.open(facts);
  const call = running(session, '1');
  const stream = session.listen(new KeepAlive());
  sessions.end(session, 'client_delete');
  sessions.end(session, 'client_delete');
  expect(call.signal.aborted).toBe(true);
  expect(await new Response(stream.readable).text()).toBe(': keep-alive\n\n');
  expect(await endings('client_delete')).toBe(1);
});

describe('a notice', () => {
  const notices = async (session: Session) => {
    const stream = session.listen(new KeepAlive());
    stream.close();
    return (await new Response(stream.readable).text()).split('event: message').length - 1;
  };

  test('that no stream was there to take is given once to the next one, and not again', async () => {
    const { sessions } = sessionsOf(60_000);
    const session = sessions.open(facts);
    session.notice('{"n":1}');
    session.notice('{"n":1}');
    expect(await notices(session)).toBe(1);
    expect(await notices(session)).toBe(0);
  });

  test('goes to all sessions, once when it is given many times in a moment', async () => {
    const { sessions } = sessionsOf(60_000);
    // More than are told in one turn.
    const opened = Array.from({ length: 40 }, () => sessions.open(facts));
    const streams = opened.map((session) => session.listen(new KeepAlive()));
    for (let round = 0; round < 10; round++) sessions.notice('{"n":1}');
    for (const stream of streams) {
      const reader = stream.readable.getReader();
      let text = '';
      while (!text.includes('{"n":1}')) text += Buffer.from((await reader.read()).value ?? []);
      stream.close();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        text += Buffer.from(part.value);
      }
      expect(text.split('{"n":1}').length - 1).toBe(1);
    }
  });
});

test('a notice is not given again with the next one', async () => {
  const { sessions } = sessionsOf(60_000);
  const session = sessions.open(facts);
  for (const notice of ['{"n":1}', '{"n":2}']) {
    sessions.notice(notice);
    // Notices are given a moment later.
    await Bun.sleep(150);
    const stream = session.listen(new KeepAlive());
    stream.close();
    const given = (await new Response(stream.readable).text()).match(/\{"n":\d\}/g);
    expect(given).toEqual([notice]);
  }
});

test('a session has up to eight streams; the ninth closes the oldest, and the newest gets the messages', async () => {
  const { sessions } = sessionsOf(60_000);
  const session = sessions.open(facts);
  const streams = Array.from({ length: 9 }, () => session.listen(new KeepAlive()));
  expect(streams.map(({ closed }) => closed)).toEqual([true, ...new Array(8).fill(false)]);
  session.notice('{"n":1}');
  streams[8]?.close();
  session.notice('{"n":2}');
  streams[3]?.close();
  session.notice('{"n":3}');
  session.close();
  const given = await Promise.all(
    streams.map(async ({ readable }) => (await new Response(readable).text()).match(/\{"n":\d\}/g)),
  );
  expect(given).toEqual([null, null, null, null, null, null, null, ['{"n":2}', '{"n":3}'], ['{"n":1}']]);
});

describe('when there are as many sessions as may be', () => {
  test('the longest idle one without stream and call ends for the next, and the log says so', async () => {
    const { sessions, endings, warnings } = sessionsOf(60_000, 4);
    const [listening, calling, used, idle] = Array.from({ length: 4 }, () => sessions.open(facts));
    listening?.listen(new KeepAlive());
    running(calling as Session, '1');
    sessions.use(used?.id as string, 'none')?.touch();
    const next = sessions.open(facts);
    const live = () =>
      [listening, calling, used, idle, next].map((session) => sessions.use(session?.id as string, 'none'));
    expect(live()).toEqual([listening, calling, used, undefined, next]);
    expect(await endings('idle_timeout')).toBe(1);
    expect(warnings).toEqual([
      [
        'the limit of sessions is reached: those idle for the longest end to make room',
        { sessions: 4, ended: 1 },
      ],
    ]);
    // Once a minute is enough to know it.
    sessions.open(facts);
    expect(live()).toEqual([listening, calling, undefined, undefined, next]);
    expect([warnings.length, sessions.size]).toEqual([1, 4]);
  });

  test('a session whose call has ended, or whose stream has closed, counts as used then', () => {
    const { sessions } = sessionsOf(60_000, 3);
    const [called, listened, idle] = Array.from({ length: 3 }, () => sessions.open(facts));
    const stream = listened?.listen(new KeepAlive());
    const call = running(called as Session, '1');
    sessions.use(idle?.id as string, 'none');
    stream?.close();
    called?.ended(call, performance.now());
    sessions.open(facts);
    sessions.open(facts);
    const left = [called, listened, idle].map((session) => sessions.use(session?.id as string, 'none'));
    expect(left).toEqual([called, undefined, undefined]);
  });

  test('and none of them is idle, none is opened', () => {
    const { sessions, warnings } = sessionsOf(60_000, 2);
    running(sessions.open(facts), '1');
    sessions.open(facts).listen(new KeepAlive());
    expect(() => sessions.open(facts)).toThrow('too many sessions; try again later');
    expect([sessions.size, warnings.length]).toEqual([2, 0]);
  });
});

test('no session opens once a shutdown has begun', () => {
  const { sessions } = sessionsOf(60_000);
  sessions.stopAccepting();
  expect(() => sessions.open(facts)).toThrow('the gateway is shutting down');
});
