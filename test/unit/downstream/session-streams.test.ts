import { describe, expect, test } from 'bun:test';
import type { EventStream } from '../../../src/downstream/event-stream.ts';
import { KeepAlive } from '../../../src/downstream/keep-alive.ts';
import { SessionStreams } from '../../../src/downstream/session-streams.ts';
import { StreamStore } from '../../../src/downstream/stream-store.ts';
import { nextTurn } from '../../../src/runtime/event-loop.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** The streams of a session, and what their opener hears of them. */
function streamsOf({ isPrimed = true, lastNumber = 0 } = {}) {
  const clock = new FakeClock();
  const store = new StreamStore(clock);
  const streams = new SessionStreams(store, isPrimed, lastNumber);
  const heard: string[] = [];
  const listener = { onLost: () => void heard.push('lost'), onGone: () => void heard.push('gone') };
  return { streams, store, clock, heard, open: () => streams.open('p', new KeepAlive(), listener), listener };
}

/** All that a connection sends, which must end. */
const textOf = async (connection: EventStream | null) =>
  (await new Response(connection?.readable ?? null).text()).replaceAll(': keep-alive\n\n', '');

const event = (id: string, data: string) => `id: ${id}\nevent: message\ndata: ${data}\n\n`;

describe('a stream', () => {
  test('has events with ids of its own, after one without a message', async () => {
    const { streams, open } = streamsOf();
    const [first, second] = [open(), open()];
    const { connection } = first;
    void first.send('{"a":1}', 'notification');
    void second.send('{"b":\n1}', 'notification');
    void first.send('{"a":2}', 'answer');
    for (const stream of [first, second]) stream.close();
    const events = event('p1-1', '{"a":1}') + event('p1-2', '{"a":2}');
    expect(await textOf(connection)).toBe(`id: p1-0\nretry: 2000\ndata: \n\n${events}`);
    const again = streams.find('p1-0');
    expect(again).toMatchObject({ kind: 'p', serial: 0 });
    expect(await textOf(again?.stream?.resume(new KeepAlive(), 0) ?? null)).toBe(events);
  });

  test('is not found by an event that it has not had, which would drop those that its client lacks', () => {
    const { streams, open } = streamsOf();
    const stream = open();
    void stream.send('{}', 'notification');
    expect(streams.find('p1-1')?.stream).toBe(stream);
    expect(streams.find('p1-2')?.stream).toBeUndefined();
    void stream.send('{}', 'answer');
    expect(streams.find('p1-2')?.stream).toBe(stream);
    stream.close();
    expect([stream.isOver(1), stream.isOver(2)]).toEqual([false, true]);
    expect(streams.find('p1-3')?.stream).toBeUndefined();
  });

  test('begins with its first message for clients that know nothing else', async () => {
    const { open } = streamsOf({ isPrimed: false, lastNumber: 41 });
    const stream = open();
    const { connection } = stream;
    void stream.send('{}', 'answer');
    stream.close();
    expect(await textOf(connection)).toBe(event('p42-1', '{}'));
  });

  test('that lost its client waits 60 s, then its opener hears of it', async () => {
    const { open, clock, heard, streams } = streamsOf();
    const stream = open();
    stream.connection?.disconnect();
    expect(heard).toEqual(['lost']);
    void stream.send('{}', 'notification');
    clock.advance(59_999);
    expect(streams.find('p1-0')?.stream).toBe(stream);
    clock.advance(1);
    await nextTurn();
    expect(heard).toEqual(['lost', 'gone']);
    expect(streams.find('p1-0')?.stream).toBeUndefined();
  });

  test('does not expire once its client is back, and waits again after the next loss', async () => {
    const { open, clock, heard } = streamsOf();
    const stream = open();
    stream.connection?.disconnect();
    clock.advance(30_000);
    const back = stream.resume(new KeepAlive(), 0);
    clock.advance(600_000);
    await nextTurn();
    expect(heard).toEqual(['lost']);
    back.disconnect();
    clock.advance(60_000);
    await nextTurn();
    expect(heard).toEqual(['lost', 'lost', 'gone']);
  });

  test('moves to a new connection although the old one seems to work', async () => {
    const { open, heard } = streamsOf();
    const stream = open();
    const old = stream.connection;
    void stream.send('{"n":1}', 'notification');
    const back = stream.resume(new KeepAlive(), 0);
    void stream.send('{"n":2}', 'answer');
    stream.close();
    expect(await textOf(old)).not.toContain('"n":2');
    expect(await textOf(back)).toBe(event('p1-1', '{"n":1}') + event('p1-2', '{"n":2}'));
    expect(heard).toEqual(['lost']);
  });

  test('that never had a connection takes nothing, and its opener hears of it after 60 s', async () => {
    const { streams, store, clock, heard, listener } = streamsOf();
    const stream = streams.openLost(listener);
    expect(stream.ask('{}')).toBeNull();
    void stream.send('{}', 'answer');
    expect(store.bytes).toBe(0);
    clock.advance(60_000);
    await nextTurn();
    expect(heard).toEqual(['gone']);
  });

  test('takes questions while its client is connected or may come back, if there is room', () => {
    const { open } = streamsOf();
    const stream = open();
    const long = 'x'.repeat(3 * 1024 * 1024);
    expect(stream.ask('{}')).toBe(1);
    stream.connection?.disconnect();
    expect([stream.ask(long), stream.ask(long)]).toEqual([2, null]);
    stream.close();
    expect(stream.ask('{}')).toBeNull();
  });

  test('does not send a question again that is over', async () => {
    const { open } = streamsOf();
    const stream = open();
    for (const question of ['{"q":1}', '{"q":2}']) stream.ask(question);
    stream.connection?.disconnect();
    stream.forget(1);
    stream.forget(9);
    stream.close();
    expect(await textOf(stream.resume(new KeepAlive(), 0))).toBe(event('p1-2', '{"q":2}'));
  });

  test('replaces an answer that cannot be kept by an error with its id', async () => {
    const { open } = streamsOf();
    const stream = open();
    stream.connection?.disconnect();
    void stream.send(['{"jsonrpc":"2.0","id":"a","result":', 'x'.repeat(6 * 1024 * 1024), '}'], 'answer');
    stream.close();
    const text = await textOf(stream.resume(new KeepAlive(), 0));
    expect(JSON.parse(text.slice(text.indexOf('{')))).toMatchObject({
      jsonrpc: '2.0',
      id: 'a',
      error: { code: -32000, message: expect.stringContaining('too long to keep') },
    });
  });

  test('is forgotten with its session, but goes on while it is connected', async () => {
    const { streams, store, open, heard } = streamsOf();
    const stream = open();
    const { connection } = stream;
    void stream.send('{"n":1}', 'notification');
    streams.close();
    expect([streams.find('p1-0')?.stream, store.bytes]).toEqual([undefined, 0]);
    void stream.send('{"n":2}', 'answer');
    stream.close();
    expect(await textOf(connection)).toContain('"n":2');
    expect([heard, store.bytes]).toEqual([['lost'], 0]);
  });

  test('that cannot be resumed is gone as soon as its client is', () => {
    const { streams, open, heard } = streamsOf();
    const stream = open();
    streams.close();
    stream.connection?.disconnect();
    expect(heard).toEqual(['lost', 'gone']);
  });
});

test.each(['', 'x', 'p1', 'p1-', 'q1-1', 'p-1', 'p1-1 ', 'p1-1e3', `p${'1'.repeat(16)}-1`])(
  'is no id of an event: %s',
  (id) => {
    expect(streamsOf().streams.find(id)).toBeNull();
  },
);
