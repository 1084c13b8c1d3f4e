import { afterEach, describe, expect, test } from 'bun:test';
import type { Call, CallParts } from '../../../../src/downstream/call.ts';
import { InFlightReplies } from '../../../../src/downstream/in-flight.ts';
import { KeepAlive } from '../../../../src/downstream/keep-alive.ts';
import { applyNotification } from '../../../../src/downstream/legacy/client-messages.ts';
import { LegacyCall } from '../../../../src/downstream/legacy/legacy-call.ts';
import type { Session } from '../../../../src/downstream/legacy/session.ts';
import { type SessionFacts, SessionIds } from '../../../../src/downstream/legacy/session-ids.ts';
import { Sessions } from '../../../../src/downstream/legacy/sessions.ts';
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
import { FakeClock } from '../../../support/fake-clock.ts';
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

const idleTtlMs = 60_000;
const toolsChanged = 'notifications/tools/list_changed';

/**
 * Sessions that a test's clock ends after `idleTtlMs`. `endings` counts the ended ones by reason, `warnings` holds the
 * warnings logged.
 */
function sessionsOf(maxSessions = 100_000) {
  const clock = new FakeClock();
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
  const ended: Session[] = [];
  const sessions = new Sessions({
    metrics,
    logger,
    ids,
    onEnded: (session) => void ended.push(session),
    idleTtlMs,
    sweepIntervalMs: 100,
    maxSessions,
    clock,
  });
  cleanups.push(() => sessions.endAll());
  const endings = async (reason: string) =>
    sampleValue(textOf(await families.page()), 'mcpstead_downstream_session_terminations_total', { reason });
  return { sessions, clock, endings, warnings, ended };
}

/** A call that runs in the session. */
function running(session: Session, idText: string): Call {
  const text = `{"jsonrpc":"2.0","id":${idText},"method":"tools/call","params":{"name":"a"}}`;
  const accepted = { json: true, sse: true };
  const header = () => null;
  const asked = { accepted, header, signal: new Abort(), respond() {}, stream() {}, onLong() {}, onEnd() {} };
  const reply = new Reply({ replies: new InFlightReplies(), streams: new KeepAlive() }, asked, null);
  const call = new LegacyCall(
    {} as CallParts,
    parseMessage(text) as RequestMessage,
    session.caller,
    session,
    reply,
  );
  session.addCall(call);
  return call;
}

function cancelled(session: Session, paramsText: string): void {
  const text = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":${paramsText}}`;
  applyNotification(parseMessage(text) as NotificationMessage, session);
}

describe('an idle session', () => {
  test('ends after its time to live, as idle', async () => {
    const { sessions, clock, endings } = sessionsOf();
    const session = sessions.open(facts);
    clock.advance(idleTtlMs - 1);
    expect(sessions.find(session.id, 'none', '')).toBe(session);
    clock.advance(100);
    expect(sessions.find(session.id, 'none', '')).toBeUndefined();
    expect(await endings('idle_timeout')).toBe(1);
    expect(await endings('init_failed')).toBe(0);
  });

  test('ends with all others that expire at the same time', async () => {
    const { sessions, clock, endings } = sessionsOf();
    for (let opened = 0; opened < 1_000; opened++) sessions.open(facts);
    clock.advance(idleTtlMs);
    await waitUntil('the end', () => sessions.size === 0);
    expect(await endings('idle_timeout')).toBe(1_000);
  });

  test('that failed to initialize is counted, and not open', async () => {
    const { sessions, endings } = sessionsOf();
    sessions.refuse();
    expect(sessions.size).toBe(0);
    expect(await endings('init_failed')).toBe(1);
  });

  test('stays while a call runs, and for a whole time to live after it', () => {
    const { sessions, clock } = sessionsOf();
    const busy = sessions.open(facts);
    const call = running(busy, '1');
    const idle = sessions.open(facts);
    clock.advance(2 * idleTtlMs);
    expect(sessions.find(idle.id, 'none', '')).toBeUndefined();
    busy.removeCall(call, clock.nowMs());
    clock.advance(idleTtlMs - 1);
    expect(sessions.find(busy.id, 'none', '')).toBe(busy);
    clock.advance(100);
    expect(sessions.size).toBe(0);
  });

  test('stays while its stream is open', async () => {
    const { sessions, clock } = sessionsOf();
    const listening = sessions.open(facts);
    const stream = listening.listen(new KeepAlive());
    clock.advance(2 * idleTtlMs);
    expect(sessions.find(listening.id, 'none', '')).toBe(listening);
    await stream.readable.cancel();
    clock.advance(idleTtlMs);
    expect(sessions.size).toBe(0);
  });
});

describe('notifications/cancelled', () => {
  test.each([
    ['1', '{"requestId":1}'],
    ['"a"', '{"requestId":"a","reason":"why not"}'],
    ['12345678901234567890', '{"requestId": 12345678901234567890 }'],
    ['1.0', '{"requestId":1.0}'],
  ])('cancels the call whose id is %s', (idText, params) => {
    const { sessions } = sessionsOf();
    const session = sessions.open(facts);
    const call = running(session, idText);
    const other = running(session, '12345678901234567891');
    cancelled(session, params);
    expect(call.signal.aborted).toBe(true);
    expect(other.signal.aborted).toBe(false);
  });

  test('cancels all calls with that id if a client reuses it', () => {
    const { sessions } = sessionsOf();
    const session = sessions.open(facts);
    const calls = [running(session, '1'), running(session, '1')];
    cancelled(session, '{"requestId":1}');
    expect(calls.map((call) => call.signal.aborted)).toEqual([true, true]);
  });

  test.each(['{}', '{"requestId":"1"}', '{"requestId":null}', '{"requestId":2}'])(
    'cancels nothing else: %s',
    (params) => {
      const { sessions } = sessionsOf();
      const session = sessions.open(facts);
      const call = running(session, '1');
      cancelled(session, params);
      expect(call.signal.aborted).toBe(false);
    },
  );

  test('may name a value two million levels deep', () => {
    const { sessions } = sessionsOf();
    const session = sessions.open(facts);
    const call = running(session, '1');
    const levels = 2_000_000;
    cancelled(session, `{"requestId":${'['.repeat(levels)}${']'.repeat(levels)}}`);
    expect(call.signal.aborted).toBe(false);
    cancelled(session, '{"requestId":1}');
    expect(call.signal.aborted).toBe(true);
  });
});

test('the end of a session cancels its calls, closes its stream and is reported, once', async () => {
  const { sessions, endings, ended } = sessionsOf();
  const session = sessions.open(facts);
  const call = running(session, '1');
  const stream = session.listen(new KeepAlive());
  sessions.end(session, 'client_delete');
  sessions.end(session, 'client_delete');
  expect(call.signal.aborted).toBe(true);
  expect(await new Response(stream.readable).text()).toBe('id: g1-0\nretry: 2000\ndata: \n\n');
  expect(await endings('client_delete')).toBe(1);
  expect(ended).toEqual([session]);
});

test('a call that begins after the end of its session is cancelled', () => {
  const { sessions } = sessionsOf();
  const session = sessions.open(facts);
  sessions.end(session, 'client_delete');
  expect(running(session, '1').signal.aborted).toBe(true);
});

test('a session belongs to its principal and its view', () => {
  const { sessions } = sessionsOf();
  const session = sessions.open({ ...facts, view: 'files' });
  expect(sessions.find(session.id, 'none', 'files')).toBe(session);
  expect(sessions.find(session.id, 'none', '')).toBeUndefined();
  expect(sessions.find(session.id, 'bearer', 'files')).toBeUndefined();
});

test('a log message goes to the stream of a session only if it is as severe as the client wants', async () => {
  const { sessions } = sessionsOf();
  const session = sessions.open(facts);
  const stream = session.listen(new KeepAlive());
  const log = (level: string) => session.notify('notifications/message', JSON.stringify({ level }));
  log('debug');
  session.setLogLevel('warning');
  for (const level of ['info', 'warning', 'odd']) log(level);
  stream.close();
  const given = (await new Response(stream.readable).text()).match(/"level":"\w+"/g);
  expect(given).toEqual(['"level":"debug"', '"level":"warning"', '"level":"odd"']);
});

describe('a notice', () => {
  const notices = async (session: Session) => {
    const stream = session.listen(new KeepAlive());
    stream.close();
    return (await new Response(stream.readable).text()).split('event: message').length - 1;
  };

  test('without a stream is sent once, on the next one', async () => {
    const { sessions } = sessionsOf();
    const session = sessions.open(facts);
    session.notify(toolsChanged);
    session.notify(toolsChanged);
    session.notify('notifications/message', '{"level":"error"}');
    expect(await notices(session)).toBe(1);
    expect(await notices(session)).toBe(0);
  });

  test('goes to all sessions of the view', async () => {
    const { sessions } = sessionsOf();
    // More than get it in one turn.
    const opened = Array.from({ length: 40 }, () => sessions.open(facts));
    const streams = opened.map((session) => session.listen(new KeepAlive()));
    const other = sessions.open({ ...facts, view: 'files' });
    sessions.listsChanged(new Map([['', new Set([toolsChanged])]]));
    for (const stream of streams) {
      const reader = stream.readable.getReader();
      let text = '';
      while (!text.includes(toolsChanged)) text += Buffer.from((await reader.read()).value ?? []);
      stream.close();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        text += Buffer.from(part.value);
      }
      expect(text.split(toolsChanged).length - 1).toBe(1);
    }
    expect(await notices(other)).toBe(0);
  });
});

test('a notice is not repeated with the next one', async () => {
  const { sessions } = sessionsOf();
  const session = sessions.open(facts);
  for (const kind of ['tools', 'prompts'] as const) {
    sessions.listsChanged(new Map([['', new Set([`notifications/${kind}/list_changed`])]]));
    const stream = session.listen(new KeepAlive());
    stream.close();
    const given = (await new Response(stream.readable).text()).match(/notifications[a-z_/]+/g);
    expect(given).toEqual([`notifications/${kind}/list_changed`]);
  }
});

test('a ninth stream of a session closes the oldest, and the newest gets the messages', async () => {
  const { sessions } = sessionsOf();
  const session = sessions.open(facts);
  const keepAlives = Array.from({ length: 9 }, () => new KeepAlive());
  const streams = keepAlives.map((keepAlive) => session.listen(keepAlive));
  expect(keepAlives.map(({ size }) => size)).toEqual([0, ...new Array(8).fill(1)]);
  session.notify('n', '{"n":1}');
  streams[8]?.close();
  session.notify('n', '{"n":2}');
  streams[3]?.close();
  session.notify('n', '{"n":3}');
  session.close();
  const given = await Promise.all(
    streams.map(async ({ readable }) => (await new Response(readable).text()).match(/\{"n":\d\}/g)),
  );
  expect(given).toEqual([null, null, null, null, null, null, null, ['{"n":2}', '{"n":3}'], ['{"n":1}']]);
});

describe('at the limit of sessions,', () => {
  test('the least recently used one without stream and call ends, and the log says so', async () => {
    const { sessions, endings, warnings } = sessionsOf(4);
    const [listening, calling, used, idle] = Array.from({ length: 4 }, () => sessions.open(facts));
    listening?.listen(new KeepAlive());
    running(calling as Session, '1');
    sessions.find(used?.id as string, 'none', '')?.touch();
    const next = sessions.open(facts);
    const live = () =>
      [listening, calling, used, idle, next].map((session) =>
        sessions.find(session?.id as string, 'none', ''),
      );
    expect(live()).toEqual([listening, calling, used, undefined, next]);
    expect(await endings('idle_timeout')).toBe(1);
    expect(warnings).toEqual([
      ['the limit of sessions is reached: the longest idle ones end to make room', { sessions: 4, ended: 1 }],
    ]);
    // The warning is logged once a minute.
    sessions.open(facts);
    expect(live()).toEqual([listening, calling, undefined, undefined, next]);
    expect([warnings.length, sessions.size]).toEqual([1, 4]);
  });

  test('the end of a call or a stream counts as use of its session', () => {
    const { sessions, clock } = sessionsOf(3);
    const [called, listened, idle] = Array.from({ length: 3 }, () => sessions.open(facts));
    const stream = listened?.listen(new KeepAlive());
    const call = running(called as Session, '1');
    sessions.find(idle?.id as string, 'none', '');
    stream?.close();
    called?.removeCall(call, clock.nowMs());
    sessions.open(facts);
    sessions.open(facts);
    const left = [called, listened, idle].map((session) => sessions.find(session?.id as string, 'none', ''));
    expect(left).toEqual([called, undefined, undefined]);
  });

  test('none of which is idle, no other session opens', () => {
    const { sessions, warnings } = sessionsOf(2);
    running(sessions.open(facts), '1');
    sessions.open(facts).listen(new KeepAlive());
    expect(() => sessions.open(facts)).toThrow('too many sessions; try again later');
    expect([sessions.size, warnings.length]).toEqual([2, 0]);
  });
});

test('no session opens once a shutdown has begun', () => {
  const { sessions } = sessionsOf();
  sessions.stopAccepting();
  expect(() => sessions.open(facts)).toThrow('the gateway is shutting down');
});
