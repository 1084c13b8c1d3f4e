import { describe, expect, test } from 'bun:test';
import type { Message, ResponseMessage } from '../../../../src/protocol/messages.ts';
import { bodyBudget, Holding } from '../../../../src/runtime/byte-budget.ts';
import { OwnedBytes, type Payload, textOf } from '../../../../src/runtime/owned-bytes.ts';
import { UpstreamFailure } from '../../../../src/upstream/failure.ts';
import { freeMessages, parseBody, parseEvent } from '../../../../src/upstream/transport/parse-messages.ts';

const long = 'x'.repeat(200_000);
const response = (id: number, text: string) => `{"jsonrpc":"2.0","id":${id},"result":{"text":"${text}"}}`;
const notification = (text: string) =>
  `{"jsonrpc":"2.0","method":"notifications/a","params":{"b":"${text}"}}`;

/** A body as the HTTP client delivers it: a long one is bytes that the budget counts. */
function bodyOf(text: string): Payload {
  const bytes = Buffer.from(text);
  if (bytes.length <= 64 * 1024) return text;
  const holding = new Holding();
  holding.force(bytes.length);
  return new OwnedBytes(new Uint8Array(bytes), holding);
}

const payloadsIn = (messages: readonly Message[]) =>
  messages.map((message) => (message.kind === 'response' ? textOf(message.payload) : message.kind));

describe('the messages of a body', () => {
  test.each([
    ['a short response', response(1, 'a'), ['{"text":"a"}']],
    ['a long response of one long string', response(1, long), [`{"text":"${long}"}`]],
    ['a long response of many strings', response(1, `${'a'.repeat(40)}","b":"`.repeat(5_000)), undefined],
    ['a long response beyond ASCII', response(1, `é${long}`), [`{"text":"é${long}"}`]],
    [
      'a long batch',
      `[${response(1, long)},${notification('a')},${response(2, 'b')}]`,
      [`{"text":"${long}"}`, 'notification', '{"text":"b"}'],
    ],
    ['a long notification', notification(long), ['notification']],
    ['JSON that is not JSON-RPC', `{"a":"${long}"}`, ['invalid']],
  ])('are parsed, and hold nothing once they are freed: %s', async (_what, text, expected) => {
    const before = bodyBudget.bytes;
    const messages = await parseBody(bodyOf(text));
    expect(payloadsIn(messages)).toEqual(expected ?? [text.slice(text.indexOf('{"text"'), -1)]);
    freeMessages(messages);
    expect(bodyBudget.bytes).toBe(before);
  });

  test.each([
    ['text', `{"a":"${long}`],
    ['bytes that are not UTF-8', `{"a":"${long}"}`],
  ])('that is not JSON holds nothing: %s', async (what, text) => {
    const before = bodyBudget.bytes;
    const body = bodyOf(text) as OwnedBytes;
    if (what !== 'text') body.bytes[0] = 0xff;
    await expect((async () => parseBody(body))()).rejects.toThrow(UpstreamFailure);
    expect(bodyBudget.bytes).toBe(before);
  });

  test('have a long payload as bytes, which are part of the body where they can be', async () => {
    const body = bodyOf(response(1, long)) as OwnedBytes;
    const [message] = (await parseBody(body)) as [ResponseMessage];
    expect((message.payload as OwnedBytes).bytes.buffer).toBe(body.bytes.buffer);
    freeMessages([message]);
  });

  test('of two huge bodies are parsed one after the other', async () => {
    const huge = 'y'.repeat(5 * 1024 * 1024);
    const parsed = await Promise.all([1, 2].map((id) => parseBody(bodyOf(response(id, huge)))));
    expect(parsed.map(([message]) => (message as ResponseMessage).id)).toEqual([1, 2]);
    for (const messages of parsed) freeMessages(messages);
  });
});

describe('the messages of an event', () => {
  const event = (data: string, name = 'message') => ({ event: name, data, id: '' });

  test('have a long payload as bytes', async () => {
    const before = bodyBudget.bytes;
    const messages = await parseEvent(event(response(1, long)), false);
    expect(payloadsIn(messages)).toEqual([`{"text":"${long}"}`]);
    expect(bodyBudget.bytes).toBeGreaterThan(before);
    freeMessages(messages);
    expect(bodyBudget.bytes).toBe(before);
  });

  test.each([
    ['', 'message'],
    ['[DONE]', 'message'],
    [response(1, 'a'), 'other'],
    ['/messages', 'endpoint'],
  ])('are none: %j of the name %j', (data, name) => {
    expect(parseEvent(event(data, name), false)).toEqual([]);
  });

  test('of any name count if they are asked for', () => {
    expect(parseEvent(event(response(1, 'a'), 'other'), true)).toHaveLength(1);
  });

  test.each(['ping', `"${long}`])(
    'are an invalid one if it is not JSON, or none if it is cut off',
    async (data) => {
      expect(await parseEvent(event(data), false)).toMatchObject([
        { kind: 'invalid', problem: 'it is not JSON' },
      ]);
      expect(await parseEvent(event(data), false, true)).toEqual([]);
    },
  );
});
