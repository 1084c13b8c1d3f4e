import { describe, expect, test } from 'bun:test';
import { Heartbeat } from '../../../src/downstream/heartbeat.ts';
import { Reply, type ReplyOptions } from '../../../src/downstream/reply.ts';
import { waitUntil } from '../../support/wait.ts';

const json = { json: true, sse: false };
const sse = { json: false, sse: true };
const both = { json: true, sse: true };

function reply(options: Partial<ReplyOptions>) {
  const seen = { gone: 0, long: 0 };
  const made = new Reply({
    accepted: both,
    answers: 1,
    batch: false,
    heartbeat: new Heartbeat(60_000),
    onGone: () => void seen.gone++,
    onLong: () => void seen.long++,
    ...options,
  });
  return { reply: made, seen };
}

/** The body without the keep-alive comments, which may come at any time. */
async function eventsOf(response: Response): Promise<string> {
  return (await response.text()).replaceAll(': keep-alive\n\n', '');
}

describe('a client that accepts both', () => {
  test('gets JSON when the answer is the first thing that comes', async () => {
    const { reply: made } = reply({ headers: { 'mcp-session-id': 's' } });
    made.answer('{"a":1}');
    const response = await made.response;
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('mcp-session-id')).toBe('s');
    expect(await response.text()).toBe('{"a":1}');
  });

  test('gets a stream from the first notification on, before there is an answer', async () => {
    const { reply: made, seen } = reply({});
    made.notify('{"n":1}');
    const response = await made.response;
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    made.notify('{"n":2}');
    made.answer('{"a":1}');
    expect(await eventsOf(response)).toBe(
      'event: message\ndata: {"n":1}\n\nevent: message\ndata: {"n":2}\n\nevent: message\ndata: {"a":1}\n\n',
    );
    expect(seen).toEqual({ gone: 0, long: 0 });
  });

  test('gets a batch as an array, in the order in which its answers came', async () => {
    const { reply: made } = reply({ answers: 2, batch: true });
    made.answer('{"a":1}');
    made.answer({ before: '{"list":', bytes: Buffer.from('["é"]'), after: '}' });
    expect(await (await made.response).text()).toBe('[{"a":1},{"list":["é"]}]');
  });

  test('gets the answers of a batch as events once something had to be sent between them', async () => {
    const { reply: made } = reply({ answers: 2, batch: true });
    made.answer('{"a":1}');
    made.notify('{"n":1}');
    made.answer('{"a":2}');
    const events = await eventsOf(await made.response);
    expect(events.match(/\{.*\}/g)).toEqual(['{"a":1}', '{"n":1}', '{"a":2}']);
  });

  test('is sent comments on a stream when the answer takes long', async () => {
    const { reply: made, seen } = reply({ heartbeat: new Heartbeat(5) });
    const response = await made.response;
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    await waitUntil('a second comment', async () => {
      text += (await reader?.read())?.value ?? '';
      return text.split(': keep-alive\n\n').length > 2;
    });
    made.answer('{"a":1}');
    for (let part = await reader?.read(); !part?.done; part = await reader?.read()) text += part?.value;
    expect(text.replaceAll(': keep-alive\n\n', '')).toBe('event: message\ndata: {"a":1}\n\n');
    expect(seen).toEqual({ gone: 0, long: 0 });
  });
});

describe('a client that accepts only JSON', () => {
  test('is not sent notifications, and gets its answer as JSON', async () => {
    const { reply: made } = reply({ accepted: json });
    expect(made.notify('{"n":1}')).toBeUndefined();
    made.answer('{"a":1}');
    const response = await made.response;
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.text()).toBe('{"a":1}');
  });

  test('has its connection kept when the answer takes long, for nothing can be sent on it', async () => {
    const { reply: made, seen } = reply({ accepted: json, heartbeat: new Heartbeat(5) });
    await waitUntil('the call of onLong', () => seen.long > 0);
    made.answer('{"a":1}');
    expect((await made.response).headers.get('content-type')).toBe('application/json');
  });
});

describe('a client that accepts only a stream', () => {
  test('gets each answer as an event', async () => {
    const { reply: made } = reply({ accepted: sse, answers: 2, batch: true });
    made.answer({ before: '[', bytes: Buffer.from('1'), after: ']' });
    made.answer('{"a":\n2}');
    const response = await made.response;
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(await response.text()).toBe(
      ': keep-alive\n\nevent: message\ndata: [1]\n\nevent: message\ndata: {"a": 2}\n\n',
    );
  });

  test('gets the first answer of several when it is there, not when all are', async () => {
    const { reply: made } = reply({ accepted: sse, answers: 2, batch: true });
    made.answer('{"a":1}');
    const reader = (await made.response).body?.getReader();
    let text = '';
    while (!text.includes('{"a":1}')) text += new TextDecoder().decode((await reader?.read())?.value);
    made.answer('{"a":2}');
    expect(text).toEndWith('event: message\ndata: {"a":1}\n\n');
  });
});

describe('a stream', () => {
  test('that the client closes is told of once, and takes nothing more', async () => {
    const { reply: made, seen } = reply({});
    made.notify('{"n":1}');
    await (await made.response).body?.cancel();
    expect(seen.gone).toBe(1);
    expect(made.notify('{"n":2}')).toBeUndefined();
    made.answer('{"a":1}');
    expect(seen.gone).toBe(1);
  });

  test('takes nothing after the last answer', async () => {
    const { reply: made } = reply({ accepted: sse });
    made.notify('{"n":1}');
    made.answer('{"a":1}');
    expect(made.notify('{"n":2}')).toBeUndefined();
    made.answer('{"a":2}');
    expect(await eventsOf(await made.response)).toBe(
      'event: message\ndata: {"n":1}\n\nevent: message\ndata: {"a":1}\n\n',
    );
  });

  test('makes its sender wait while the client does not read, and lets it go on when it does', async () => {
    const { reply: made } = reply({});
    let waited = made.notify('x');
    const response = await made.response;
    for (let sent = 0; waited === undefined && sent < 1_000; sent++) waited = made.notify('x'.repeat(1_000));
    expect(waited).toBeInstanceOf(Promise);
    void response.text();
    await waited;
    made.answer('{"a":1}');
  });

  test('lets its sender go on when the client goes away instead of reading', async () => {
    const { reply: made, seen } = reply({});
    const waited = made.notify('x'.repeat(1_000_000));
    expect(waited).toBeInstanceOf(Promise);
    await (await made.response).body?.cancel();
    await waited;
    expect(seen.gone).toBe(1);
  });

  test('is ended, and its call cancelled, when a sender that does not wait fills 64 MiB', async () => {
    const { reply: made, seen } = reply({});
    for (let sent = 0; sent < 65; sent++) void made.notify('x'.repeat(2 ** 20));
    expect(seen.gone).toBe(1);
  });
});
