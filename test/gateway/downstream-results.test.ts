import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { messagesOf, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();

let answerText: (id: string) => string;
let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await fakeUpstream({
    onPost: ({ method, id }) =>
      method === 'tools/call'
        ? new Response(answerText(String(id)), { headers: { 'content-type': 'application/json' } })
        : undefined,
  });
  gateway = await startGateway(
    { servers: [{ name: 'up', url: upstream.url, auth: { type: 'bearer', token_env: 'UP_TOKEN' } }] },
    { UP_TOKEN: 'hunter2-of-up' },
  );
  await gateway.connected();
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const call = (id: unknown) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'up__echo' } });

/** Results with this many characters of text, in the forms in which upstreams write them. */
const results: [string, (length: number) => string][] = [
  ['ASCII', (length) => `{"content":[{"type":"text","text":"${'x'.repeat(length)}"}]}`],
  ['ASCII with escapes', (length) => `{ "content" : ["${'\\"\\u00e9\\n'.repeat(length / 10)}"], "n": 1.0 }`],
  [
    'many small values',
    (length) => `{"structuredContent":[${'12345678901234567890, '.repeat(length / 22)}1]}`,
  ],
  ['Latin-1', (length) => `{"content":["${'é'.repeat(length)}"]}`],
  ['all of Unicode', (length) => `{"content":["${'aé€😀'.repeat(length / 5)}"]}`],
];

describe.each(results)('a result of %s', (_kind, resultOf) => {
  // Around the lengths from which on a result is streamed, kept as bytes, and sent in slices.
  test.each([100, 15_000, 16_000, 65_000, 66_000, 700_000, 5_000_000])(
    'of %d characters comes back as it was sent',
    async (length) => {
      const result = resultOf(length);
      answerText = (id) => `{"result":${result},"jsonrpc":"2.0","id":${id}}`;
      const response = await rawPost(gateway.url, call(7), { accept: 'application/json' });
      expect(response.headers.get('content-type')).toBe('application/json');
      expect((await response.text()) === `{"jsonrpc":"2.0","id":7,"result":${result}}`).toBe(true);
      const events = await rawPost(gateway.url, call('seven'), { accept: 'text/event-stream' });
      expect((await events.text()).endsWith(`{"jsonrpc":"2.0","id":"seven","result":${result}}\n\n`)).toBe(
        true,
      );
    },
  );

  test('comes back as it was sent in a batch, too', async () => {
    const result = resultOf(100_000);
    answerText = (id) => `{"result":${result},"jsonrpc":"2.0","id":${id}}`;
    const response = await rawPost(gateway.url, [call(1), call(2)]);
    const text = await response.text();
    expect(text.split(result)).toHaveLength(3);
    expect((JSON.parse(text) as { id: number }[]).map(({ id }) => id).sort()).toEqual([1, 2]);
  });
});

test('a long result that comes in a batch of one is passed on as well', async () => {
  const result = `{"content":["${'x'.repeat(100_000)}"]}`;
  answerText = (id) => `[{"result":${result},"jsonrpc":"2.0","id":${id}}]`;
  const response = await rawPost(gateway.url, call(1));
  expect((await response.text()) === `{"jsonrpc":"2.0","id":1,"result":${result}}`).toBe(true);
});

test.each([1_000, 100_000])('a result of %d characters that is an error shows no secret', async (length) => {
  const text = `${'x'.repeat(length)} hunter2-of-up`;
  answerText = (id) =>
    `{"jsonrpc":"2.0","id":${id},"result":{"isError":true,"content":[{"type":"text","text":"${text}"}]}}`;
  const response = await rawPost(gateway.url, call(1), { accept: 'application/json' });
  const answered = await response.text();
  expect(answered).not.toContain('hunter2');
  expect(JSON.parse(answered).result).toMatchObject({ isError: true });
});

test('a long error comes back with its code and data', async () => {
  const data = 'x'.repeat(100_000);
  answerText = (id) =>
    `{"jsonrpc":"2.0","id":${id},"error":{"code":-32042,"message":"too much","data":"${data}"}}`;
  const response = await rawPost(gateway.url, call(1), { accept: 'application/json' });
  expect(await response.json()).toEqual({
    jsonrpc: '2.0',
    id: 1,
    error: { code: -32042, message: 'too much', data },
  });
});

test.each([
  ['is cut off within', (text: string) => text.slice(0, -3)],
  ['has a control character within', (text: string) => text.replace('xyz', 'x\u0000z')],
  ['has something after it', (text: string) => `${text}{}`],
])('a long body that %s is not an answer', async (_how, spoil) => {
  answerText = (id) =>
    spoil(`{"jsonrpc":"2.0","id":${id},"result":{"content":["${'xyz'.repeat(100_000)}"]}}`);
  const response = await rawPost(gateway.url, call(1));
  for await (const { error } of messagesOf(response)) {
    expect(error).toMatchObject({ code: -32000, data: { server: 'up', reason: 'upstream_protocol_error' } });
  }
});

test('a long list of tools is understood', async () => {
  const padding = 'x'.repeat(200);
  const tools = Array.from({ length: 1_000 }, (_, index) => ({
    name: `tool_${index}`,
    description: padding,
    inputSchema: { type: 'object' as const },
  }));
  await using large = await fakeUpstream({ tools });
  await using to = await startGateway({ servers: [{ name: 'large', url: large.url }] });
  await to.connected();
  const response = await rawPost(
    to.url,
    { jsonrpc: '2.0', id: 1, method: 'tools/list' },
    { accept: 'application/json' },
  );
  const { result } = (await response.json()) as { result: { tools: { name: string }[] } };
  expect(result.tools.map(({ name }) => name)).toEqual(tools.map(({ name }) => `large__${name}`));
});
