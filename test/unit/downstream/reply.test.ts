import { describe, expect, test } from 'bun:test';
import type { Call, CallParts } from '../../../src/downstream/call.ts';
import { InFlightReplies } from '../../../src/downstream/in-flight.ts';
import { KeepAlive } from '../../../src/downstream/keep-alive.ts';
import { LegacyCall } from '../../../src/downstream/legacy/legacy-call.ts';
import { Reply } from '../../../src/downstream/reply.ts';
import { SessionStreams } from '../../../src/downstream/session-streams.ts';
import { StreamStore } from '../../../src/downstream/stream-store.ts';
import { GatewayError } from '../../../src/errors.ts';
import { sessionlessCaller } from '../../../src/protocol/caller.ts';
import { parseMessage, type RequestMessage } from '../../../src/protocol/messages.ts';
import { Abort } from '../../../src/runtime/abort.ts';
import { Deadlines } from '../../../src/runtime/deadlines.ts';
import { nextTurn } from '../../../src/runtime/event-loop.ts';
import { OwnedBytes, SharedBytes } from '../../../src/runtime/owned-bytes.ts';
import { SendBatch } from '../../../src/runtime/send-batch.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { waitUntil } from '../../support/wait.ts';

const json = { json: true, sse: false };
const sse = { json: false, sse: true };
const both = { json: true, sse: true };

const tickMs = 15_000;
/** After this time, a reply watches its client. */
const watchMs = 50;

function callOf(made: Reply): Call {
  const message = parseMessage('{"jsonrpc":"2.0","id":1,"method":"m"}') as RequestMessage;
  return new LegacyCall({} as CallParts, message, sessionlessCaller('none', ''), undefined, made);
}

/** Replies in flight by a test's clock. */
function repliesOf(clock: FakeClock, batch?: SendBatch): InFlightReplies {
  return new InFlightReplies(new KeepAlive(tickMs, clock), batch, new Deadlines(clock));
}

/** A reply with one call, and how often that was cancelled. */
function reply({
  accepted = both,
  batch = null as number | null,
  clock = new FakeClock(),
  signal = new Abort(),
  replies = repliesOf(clock),
  session = undefined as { eventStreams: SessionStreams } | undefined,
} = {}) {
  const seen = { gone: 0, long: 0 };
  const response = Promise.withResolvers<Response>();
  const { resolve } = response;
  const target = {
    accepted,
    header: () => null,
    signal,
    respond: resolve,
    stream: resolve,
    onLong: () => void seen.long++,
    onEnd() {},
  };
  const streams = new KeepAlive(tickMs, clock);
  const parts = { replies, streams };
  const made = new Reply(parts, target, batch, session);
  const call = callOf(made);
  call.signal.addEventListener('abort', () => void seen.gone++);
  made.source = call;
  return { reply: made, response: response.promise, seen, replies, streams, clock };
}

/** The response as a client gets it that is really there. */
async function fetched(response: Response): Promise<Response> {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => response });
  try {
    const got = await fetch(server.url);
    return new Response(await got.text(), { headers: got.headers });
  } finally {
    await server.stop(true);
  }
}

/** The body without the keep-alive comments, which may come at any time. */
async function eventsOf(response: Response): Promise<string> {
  return (await response.text()).replaceAll(': keep-alive\n\n', '');
}

describe('a client that accepts both', () => {
  test('gets JSON when the answer is the first thing that comes', async () => {
    const { reply: made, response: answered } = reply({});
    made.answer('{"a":1}');
    const response = await answered;
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.text()).toBe('{"a":1}');
  });

  test('gets a stream from the first notification on, before there is an answer', async () => {
    const { reply: made, response: answered, seen } = reply({});
    made.notify('{"n":1}');
    const response = await answered;
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    made.notify('{"n":2}');
    made.answer('{"a":1}');
    expect(await eventsOf(response)).toBe(
      'event: message\ndata: {"n":1}\n\nevent: message\ndata: {"n":2}\n\nevent: message\ndata: {"a":1}\n\n',
    );
    expect(seen).toEqual({ gone: 0, long: 0 });
  });

  test('gets a batch as an array, in the order of the answers', async () => {
    const { reply: made, response: answered } = reply({ batch: 2 });
    made.answer('{"a":1}');
    made.answer(['{"list":', new SharedBytes(Buffer.from('["é"]')), '}']);
    expect(await (await answered).text()).toBe('[{"a":1},{"list":["é"]}]');
  });

  test('gets the answers of a batch as events once a notification comes between them', async () => {
    const { reply: made, response: answered } = reply({ batch: 2 });
    made.answer('{"a":1}');
    made.notify('{"n":1}');
    made.answer('{"a":2}');
    const events = await eventsOf(await answered);
    expect(events.match(/\{.*\}/g)).toEqual(['{"a":1}', '{"n":1}', '{"a":2}']);
  });

  test('is sent comments on a stream when the answer takes long', async () => {
    const { reply: made, response: answered, seen, clock } = reply({});
    clock.advance(watchMs + 2 * tickMs);
    const response = await answered;
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader?.read())?.value ?? '';
    clock.advance(tickMs);
    text += (await reader?.read())?.value ?? '';
    expect(text).toBe(': keep-alive\n\n'.repeat(2));
    made.answer('{"a":1}');
    for (let part = await reader?.read(); !part?.done; part = await reader?.read()) text += part?.value;
    expect(text.replaceAll(': keep-alive\n\n', '')).toBe('event: message\ndata: {"a":1}\n\n');
    expect(seen).toEqual({ gone: 0, long: 0 });
  });
});

describe('a client that accepts only JSON', () => {
  test('is not sent notifications, and gets its answer as JSON', async () => {
    const { reply: made, response: answered } = reply({ accepted: json });
    expect(made.notify('{"n":1}')).toBeUndefined();
    made.answer('{"a":1}');
    const response = await answered;
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.text()).toBe('{"a":1}');
  });

  test('keeps its connection if the answer takes long, although nothing can be sent on it', async () => {
    const { reply: made, response: answered, seen, clock } = reply({ accepted: json });
    clock.advance(watchMs + 2 * tickMs);
    expect(seen.long).toBe(1);
    made.answer('{"a":1}');
    expect((await answered).headers.get('content-type')).toBe('application/json');
  });
});

describe('a client that accepts only a stream', () => {
  test('gets each answer as an event', async () => {
    const { reply: made, response: answered } = reply({ accepted: sse, batch: 2 });
    made.answer(['[', new SharedBytes(Buffer.from('1')), ']']);
    made.answer('{"a":\n2}');
    const response = await answered;
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(await response.text()).toBe('event: message\ndata: [1]\n\nevent: message\ndata: {"a": 2}\n\n');
  });

  test('gets the first of several answers without waiting for the others', async () => {
    const { reply: made, response: answered } = reply({ accepted: sse, batch: 2 });
    made.answer('{"a":1}');
    const reader = (await answered).body?.getReader();
    let text = '';
    while (!text.includes('{"a":1}')) text += new TextDecoder().decode((await reader?.read())?.value);
    made.answer('{"a":2}');
    expect(text).toEndWith('event: message\ndata: {"a":1}\n\n');
  });
});

describe('a batch with long answers', () => {
  const half = `{"a":"${'x'.repeat(600_000)}"}`;
  const own = (text: string) => ['', new OwnedBytes(Buffer.from(new TextEncoder().encode(text).buffer)), ''];

  test('is sent as an array before its last answer, to a client that accepts only JSON', async () => {
    const { reply: made, response: answered } = reply({ accepted: json, batch: 3 });
    made.answer(own(half));
    made.answer(half);
    const response = fetched(await answered);
    made.answer('{"last":1}');
    expect((await response).headers.get('content-type')).toBe('application/json');
    expect((await (await response).text()) === `[${half},${half},{"last":1}]`).toBe(true);
  });

  test('is sent as events before its last answer, to a client that accepts a stream', async () => {
    const { reply: made, response: answered } = reply({ batch: 3 });
    made.answer(own(half));
    made.answer(own(half));
    const response = fetched(await answered);
    made.answer('{"last":1}');
    expect((await response).headers.get('content-type')).toBe('text/event-stream');
    const events = [half, half, '{"last":1}'].map((data) => `event: message\ndata: ${data}\n\n`);
    expect((await eventsOf(await response)) === events.join('')).toBe(true);
  });

  test('has line breaks replaced in events, but not in shared bytes', async () => {
    const { reply: made, response: answered } = reply({ accepted: sse, batch: 2 });
    const shared = new SharedBytes(Buffer.from(`{"a":\r\n"${'é'.repeat(10_000)}",\n"b":1}`));
    const text = shared.toString();
    made.answer(['', shared, '']);
    made.answer(own(text));
    const line = `event: message\ndata: ${text.replaceAll(/[\r\n]/g, ' ')}\n\n`;
    expect((await eventsOf(await fetched(await answered))) === line + line).toBe(true);
    expect(shared.toString() === text).toBe(true);
  });

  test.each([
    ['an array', json],
    ['a stream', both],
  ])('cancels its calls and frees its answers when the client disconnects: %s', async (_, accepted) => {
    const { reply: made, response: answered, seen } = reply({ accepted, batch: 4 });
    const answers = [own(half), own(half), own(half)] as const;
    for (const answer of answers) made.answer(answer);
    await (await answered).body?.cancel();
    await waitUntil('the cancellation', () => seen.gone === 1);
    made.answer(own(half));
    expect(answers.map(([, bytes]) => bytes?.length)).toEqual([0, 0, 0]);
  });
});

describe('a stream', () => {
  test('that the client closes cancels the call once, and takes nothing more', async () => {
    const { reply: made, response: answered, seen } = reply({});
    made.notify('{"n":1}');
    await (await answered).body?.cancel();
    expect(seen.gone).toBe(1);
    expect(made.notify('{"n":2}')).toBeUndefined();
    made.answer('{"a":1}');
    expect(seen.gone).toBe(1);
  });

  test('takes nothing after the last answer', async () => {
    const { reply: made, response: answered } = reply({ accepted: sse });
    made.notify('{"n":1}');
    made.answer('{"a":1}');
    expect(made.notify('{"n":2}')).toBeUndefined();
    made.answer('{"a":2}');
    expect(await eventsOf(await answered)).toBe(
      'event: message\ndata: {"n":1}\n\nevent: message\ndata: {"a":1}\n\n',
    );
  });

  test('makes its sender wait until the client reads', async () => {
    const { reply: made, response: answered } = reply({});
    let waited = made.notify('x');
    const response = await answered;
    for (let sent = 0; waited === undefined && sent < 1_000; sent++) waited = made.notify('x'.repeat(1_000));
    expect(waited).toBeInstanceOf(Promise);
    void response.text();
    await waited;
    made.answer('{"a":1}');
  });

  test('lets its sender continue when the client disconnects', async () => {
    const { reply: made, response: answered, seen } = reply({});
    const waited = made.notify('x'.repeat(1_000_000));
    expect(waited).toBeInstanceOf(Promise);
    await (await answered).body?.cancel();
    await waited;
    expect(seen.gone).toBe(1);
  });

  test('ends and cancels its call when a sender ignores back-pressure for 64 MiB', async () => {
    const { reply: made, seen } = reply({});
    for (let sent = 0; sent < 65; sent++) void made.notify('x'.repeat(2 ** 20));
    expect(seen.gone).toBe(1);
  });
});

describe('a client that disconnects', () => {
  test('before the reply watches it has its call cancelled a little later', async () => {
    const signal = new Abort();
    const { reply: made, seen, clock } = reply({ signal });
    signal.abort();
    expect(seen.gone).toBe(0);
    clock.advance(watchMs);
    expect(seen.gone).toBe(1);
    expect(made.notify('{"n":1}')).toBeUndefined();
  });

  test('after a while has its call cancelled at once', async () => {
    const signal = new Abort();
    const { seen, clock } = reply({ signal });
    clock.advance(watchMs);
    expect(seen.gone).toBe(0);
    signal.abort();
    expect(seen.gone).toBe(1);
  });

  test('before it takes its stream leaves no stream open', async () => {
    const signal = new Abort();
    const { reply: made, streams, clock } = reply({ signal });
    const waiting = made.notify('{"n":1}');
    expect(streams.size).toBe(1);
    signal.abort();
    clock.advance(watchMs);
    await waiting;
    expect(streams.size).toBe(0);
  });

  test('is not watched for a reply that is done', async () => {
    let watched = 0;
    const target = {
      accepted: both,
      header: () => null,
      get signal() {
        watched++;
        return new Abort();
      },
      respond() {},
      stream() {},
      onLong() {},
      onEnd() {},
    };
    const clock = new FakeClock();
    const parts = { replies: repliesOf(clock), streams: new KeepAlive() };
    const quick = new Reply(parts, target);
    quick.answer('{"a":1}');
    clock.advance(watchMs);
    expect(watched).toBe(0);
    const slow = new Reply(parts, target);
    clock.advance(watchMs);
    expect(watched).toBe(1);
    slow.answer('{"a":1}');
  });
});

describe('a client of a session that disconnects', () => {
  /** A reply within a session. */
  function sessionReply(options: Parameters<typeof reply>[0] = {}) {
    const { clock = new FakeClock() } = options;
    const eventStreams = new SessionStreams(new StreamStore(clock), false, 0);
    return { ...reply({ ...options, clock, session: { eventStreams } }), eventStreams };
  }

  test.each([
    ['while nothing was sent', false],
    ['while it reads a stream', true],
  ])('%s has its call cancelled a minute later', async (_, isStream) => {
    const signal = new Abort();
    const { reply: made, seen, replies, clock } = sessionReply({ signal });
    if (isStream) void made.notify('{"n":1}');
    clock.advance(watchMs);
    signal.abort();
    clock.advance(59_999);
    expect(seen.gone).toBe(0);
    // The call is still in flight, so a shutdown waits for it.
    let isIdle = false;
    const idle = replies.idle(1_000_000).then(() => {
      isIdle = true;
    });
    await nextTurn();
    expect(isIdle).toBe(false);
    clock.advance(1);
    expect(seen.gone).toBe(1);
    await idle;
    made.answer('{"a":1}');
  });

  test('has the answers of its batch freed if nothing was sent', async () => {
    const signal = new Abort();
    const { reply: made, seen, clock } = sessionReply({ signal, batch: 2 });
    const answers = [1, 2].map(() => new OwnedBytes(new Uint8Array(20_000)));
    made.answer(['', answers[0] as OwnedBytes, '']);
    clock.advance(watchMs);
    signal.abort();
    made.answer(['', answers[1] as OwnedBytes, '']);
    expect(answers.map(({ length }) => length)).toEqual([0, 0]);
    clock.advance(60_000);
    expect(seen.gone).toBe(0);
  });

  test('is asked only while its stream works or may be resumed', () => {
    const signal = new Abort();
    const { reply: made, clock } = sessionReply({ signal });
    expect(made.ask('{"q":1}')).toBe(1);
    clock.advance(watchMs);
    signal.abort();
    expect(made.ask('{"q":2}')).toBe(2);
    const lost = sessionReply({ signal });
    lost.clock.advance(watchMs);
    expect(lost.reply.ask('{"q":1}')).toBeNull();
    const jsonOnly = sessionReply({ accepted: json });
    expect(jsonOnly.reply.ask('{"q":1}')).toBeNull();
  });
});

describe('replies in flight', () => {
  test('can all have their calls cancelled, and are still answered', async () => {
    const clock = new FakeClock();
    const replies = repliesOf(clock);
    const old = reply({ replies });
    clock.advance(watchMs);
    const young = reply({ replies });
    replies.cancelAll(() => 'a', new GatewayError('unavailable', 'b'));
    expect([old.seen.gone, young.seen.gone]).toEqual([1, 1]);
    for (const one of [old, young]) {
      one.reply.answer('{"a":1}');
      expect(await (await one.response).text()).toBe('{"a":1}');
    }
  });

  test('count as requests in flight until they are answered or the client aborts', async () => {
    const batch = new SendBatch();
    const clock = new FakeClock();
    const replies = repliesOf(clock, batch);
    const sends = async (): Promise<'at once' | 'at the end of the turn'> => {
      let sent = false;
      const send = () => {
        sent = true;
      };
      batch.add({ send });
      if (sent) return 'at once';
      await nextTurn();
      return 'at the end of the turn';
    };
    const client = new Abort();
    const first = reply({ replies });
    expect(await sends()).toBe('at once');
    reply({ replies, signal: client });
    expect(await sends()).toBe('at the end of the turn');
    clock.advance(watchMs);
    client.abort();
    expect(await sends()).toBe('at once');
    reply({ replies });
    expect(await sends()).toBe('at the end of the turn');
    first.reply.answer('{"a":1}');
    expect(await sends()).toBe('at once');
  });

  test('delay a shutdown until the last one is done', async () => {
    const { reply: made, replies, clock } = reply({});
    let isIdle = false;
    const idle = replies.idle(10_000).then(() => {
      isIdle = true;
    });
    clock.advance(9_999);
    await nextTurn();
    expect(isIdle).toBe(false);
    made.answer('{"a":1}');
    await idle;
    await replies.idle(10_000);
  });

  test('delay a shutdown up to its time limit', async () => {
    const { replies, clock } = reply({});
    const idle = replies.idle(10_000);
    clock.advance(10_000);
    await idle;
  });
});
