import { afterEach, describe, expect, test } from 'bun:test';
import { Abort } from '../../../src/abort.ts';
import { Call } from '../../../src/downstream/call.ts';
import { Heartbeat } from '../../../src/downstream/heartbeat.ts';
import { takeNotification } from '../../../src/downstream/legacy.ts';
import { Replies } from '../../../src/downstream/replies.ts';
import { Reply } from '../../../src/downstream/reply.ts';
import { type Session, Sessions } from '../../../src/downstream/sessions.ts';
import { DownstreamMetrics } from '../../../src/observability/downstream-metrics.ts';
import { Families } from '../../../src/observability/series.ts';
import {
  type NotificationMessage,
  parseMessage,
  type RequestMessage,
} from '../../../src/protocol/jsonrpc.ts';
import { sampleValue, textOf } from '../../support/prometheus-page.ts';
import { waitUntil } from '../../support/wait.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Sessions that end when idle for `idleTtlMs`; `endings` counts those that ended for a reason. */
function sessionsOf(idleTtlMs: number) {
  const families = new Families();
  const metrics = new DownstreamMetrics(families, () => sessions.size);
  const sessions = new Sessions(metrics, idleTtlMs, 5);
  cleanups.push(() => sessions.endAll());
  const endings = async (reason: string) =>
    sampleValue(textOf(await families.page()), 'mcpstead_downstream_session_terminations_total', { reason });
  return { sessions, endings };
}

/** A call that runs in the session. */
function running(session: Session, idText: string): Call {
  const text = `{"jsonrpc":"2.0","id":${idText},"method":"tools/call","params":{"name":"a"}}`;
  const accepted = { json: true, sse: true };
  const asked = { accepted, signal: new Abort(), respond() {}, stream() {}, onLong() {} };
  const reply = new Reply({ replies: new Replies(), streams: new Heartbeat() }, asked, null);
  const call = new Call(parseMessage(text) as RequestMessage, reply, session, {
    answered() {},
    failed() {},
  });
  session.began(call);
  return call;
}

function cancelled(session: Session, paramsText: string): void {
  const text = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":${paramsText}}`;
  takeNotification(parseMessage(text) as NotificationMessage, session);
}

describe('an idle session', () => {
  test('ends after its time to live, as idle', async () => {
    const { sessions, endings } = sessionsOf(20);
    const session = sessions.open();
    await waitUntil('the end', () => sessions.size === 0);
    expect(sessions.use(session.id)).toBeUndefined();
    expect(await endings('idle_timeout')).toBe(1);
    expect(await endings('init_failed')).toBe(0);
  });

  test('that came to nothing is counted as failed to initialize, and is none', async () => {
    const { sessions, endings } = sessionsOf(60_000);
    sessions.refuse();
    expect(sessions.size).toBe(0);
    expect(await endings('init_failed')).toBe(1);
  });

  test('lives on while a call runs, and for a whole time to live after it', async () => {
    const { sessions } = sessionsOf(60);
    const busy = sessions.open();
    const call = running(busy, '1');
    const idle = sessions.open();
    await waitUntil('the end of the idle one', () => sessions.size === 1);
    // The call took longer than the time to live: its end is when the client was last there.
    const endMs = performance.now();
    busy.ended(call, performance.now());
    await waitUntil('the end of the other', () => sessions.size === 0);
    expect(performance.now() - endMs).toBeGreaterThanOrEqual(60);
    expect(sessions.use(idle.id)).toBeUndefined();
  });

  test('lives on while its stream is open', async () => {
    const { sessions } = sessionsOf(20);
    const listening = sessions.open();
    const stream = listening.listen(new Heartbeat());
    sessions.open();
    await waitUntil('the end of the idle one', () => sessions.size === 1);
    expect(sessions.use(listening.id)).toBe(listening);
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
    const session = sessions.open();
    const call = running(session, idText);
    const other = running(session, '12345678901234567891');
    cancelled(session, params);
    expect(call.abort.aborted).toBe(true);
    expect(other.abort.aborted).toBe(false);
  });

  test('cancels all calls of that id, where a client uses one twice', () => {
    const { sessions } = sessionsOf(60_000);
    const session = sessions.open();
    const calls = [running(session, '1'), running(session, '1')];
    cancelled(session, '{"requestId":1}');
    expect(calls.map((call) => call.abort.aborted)).toEqual([true, true]);
  });

  test.each(['{}', '{"requestId":"1"}', '{"requestId":null}', '{"requestId":2}'])(
    'cancels nothing else: %s',
    (params) => {
      const { sessions } = sessionsOf(60_000);
      const session = sessions.open();
      const call = running(session, '1');
      cancelled(session, params);
      expect(call.abort.aborted).toBe(false);
    },
  );

  test('may name something two million levels deep', () => {
    const { sessions } = sessionsOf(60_000);
    const session = sessions.open();
    const call = running(session, '1');
    const levels = 2_000_000;
    cancelled(session, `{"requestId":${'['.repeat(levels)}${']'.repeat(levels)}}`);
    expect(call.abort.aborted).toBe(false);
    cancelled(session, '{"requestId":1}');
    expect(call.abort.aborted).toBe(true);
  });
});

test('the end of a session cancels its calls and closes its stream', async () => {
  const { sessions, endings } = sessionsOf(60_000);
  const session = sessions.open();
  const call = running(session, '1');
  const stream = session.listen(new Heartbeat());
  sessions.end(session, 'client_delete');
  sessions.end(session, 'client_delete');
  expect(call.abort.aborted).toBe(true);
  expect(await new Response(stream.readable).text()).toBe(': keep-alive\n\n');
  expect(await endings('client_delete')).toBe(1);
});

describe('a notice', () => {
  const notices = async (session: Session) => {
    const stream = session.listen(new Heartbeat());
    stream.close();
    return (await new Response(stream.readable).text()).split('event: message').length - 1;
  };

  test('that no stream was there to take is given once to the next one, and not again', async () => {
    const { sessions } = sessionsOf(60_000);
    const session = sessions.open();
    session.notice('{"n":1}');
    session.notice('{"n":1}');
    expect(await notices(session)).toBe(1);
    expect(await notices(session)).toBe(0);
  });

  test('goes to all sessions, once when it is given many times in a moment', async () => {
    const { sessions } = sessionsOf(60_000);
    // More than are told in one turn.
    const opened = Array.from({ length: 40 }, () => sessions.open());
    const streams = opened.map((session) => session.listen(new Heartbeat()));
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
  const session = sessions.open();
  for (const notice of ['{"n":1}', '{"n":2}']) {
    sessions.notice(notice);
    // Notices are given a moment later.
    await Bun.sleep(150);
    const stream = session.listen(new Heartbeat());
    stream.close();
    const given = (await new Response(stream.readable).text()).match(/\{"n":\d\}/g);
    expect(given).toEqual([notice]);
  }
});

test('a second stream of a session closes the first and takes over from it', async () => {
  const { sessions } = sessionsOf(60_000);
  const session = sessions.open();
  const first = session.listen(new Heartbeat());
  const second = session.listen(new Heartbeat());
  expect(first.closed).toBe(true);
  session.notice('{"n":1}');
  second.close();
  expect(await new Response(first.readable).text()).not.toContain('{"n":1}');
  expect(await new Response(second.readable).text()).toContain('{"n":1}');
});

test('no session opens once a shutdown has begun', () => {
  const { sessions } = sessionsOf(60_000);
  sessions.stopAccepting();
  expect(() => sessions.open()).toThrow('the gateway is shutting down');
});
