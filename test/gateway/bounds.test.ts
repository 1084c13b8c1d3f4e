import { describe, expect, test } from 'bun:test';
import { bodyBudget, Holding } from '../../src/runtime/byte-budget.ts';
import { sse } from '../support/answers.ts';
import { type FakeAnswer, type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { messagesOf, type RpcMessage, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { settle, waitUntil } from '../support/wait.ts';

failOnStrayErrors();

const jsonHeaders = { headers: { 'content-type': 'application/json' } };

/** A gateway in front of an upstream that answers each call with the result of `answer`. */
async function gatewayTo(answer: (message: RpcMessage) => FakeAnswer) {
  const upstream = await fakeUpstream({
    onPost: (message) => (message.method === 'tools/call' ? answer(message) : undefined),
  });
  const gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  return Object.assign(gateway, {
    upstream,
    async [Symbol.asyncDispose]() {
      await gateway.gateway.stop();
      await upstream.stop();
    },
  }) as TestGateway & { readonly upstream: FakeUpstream };
}

/** Waits until everything that is taken from the budget from now on is released. */
function budgetGiven() {
  const before = bodyBudget.bytes;
  return { back: () => waitUntil('all to be given back', () => bodyBudget.bytes <= before) };
}

/** The answer to a call with these params, as JSON text. */
async function answerTo(gateway: TestGateway, params: string): Promise<RpcMessage> {
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;
  return (await (await rawPost(gateway.url, body)).json()) as RpcMessage;
}

describe("a client's message that would multiply in memory is refused:", () => {
  test.each([
    [
      'an id of a megabyte',
      `{"jsonrpc":"2.0","id":"${'i'.repeat(1024 * 1024)}","method":"ping"}`,
      -32600,
      'Invalid request: "id" must be a string or a number, of at most 1024 characters',
    ],
    [
      'a progress token of 1,025 characters',
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__echo","_meta":{"progressToken":"${'t'.repeat(1023)}"}}}`,
      -32602,
      'tools/call: "progressToken" must have at most 1024 characters: it goes back with each notification',
    ],
    [
      'params with 10,001 members',
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__echo"${',"a":0'.repeat(10_000)}}}`,
      -32600,
      'Invalid request: more than 10000 members in an object',
    ],
    [
      '_meta with 10,001 members',
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__echo","_meta":{"a":0${',"a":0'.repeat(10_000)}}}}`,
      -32600,
      'Invalid request: more than 10000 members in an object',
    ],
  ])('%s', async (_name, body, code, message) => {
    await using gateway = await gatewayTo(() => undefined);
    const { error } = (await (await rawPost(gateway.url, body)).json()) as RpcMessage;
    expect(error).toEqual({ code, message });
  });

  test('but arguments may have any number of members', async () => {
    await using gateway = await gatewayTo(() => undefined);
    const many = Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`a${i}`, i]));
    const params = JSON.stringify({ name: 'up__echo', arguments: many });
    const { result } = await answerTo(gateway, params);
    expect(JSON.parse(result.content[0].text)).toEqual(many);
  });
});

test('a repeated member of a call goes to the upstream once', async () => {
  await using gateway = await gatewayTo(() => undefined);
  const meta = `"_meta":{"progressToken":1,"pad":"${'p'.repeat(10_000)}"}`;
  await answerTo(gateway, `{"name":"up__echo",${'"_meta":0,'.repeat(9_000)}${meta}}`);
  const call = gateway.upstream.received.find(({ message }) => message.method === 'tools/call');
  expect(call?.body.length).toBeLessThan(11_000);
  expect(call?.message.params._meta.pad.length).toBe(10_000);
});

describe("an upstream's response that would multiply in memory is refused:", () => {
  const result = (id: unknown) => `"jsonrpc":"2.0","id":${id},"result":{}`;
  test.each([
    [
      'a batch of 10,001 messages',
      ({ id }: RpcMessage) => `[{${result(id)}}${',{}'.repeat(10_000)}]`,
      'more than 10000 messages in a batch',
    ],
    [
      'a result with 10,001 members',
      ({ id }: RpcMessage) => `{"jsonrpc":"2.0","id":${id},"result":{"a":0${',"a":0'.repeat(10_000)}}}`,
      'more than 10000 members in an object',
    ],
  ])('%s', async (_name, body, what) => {
    await using gateway = await gatewayTo((message) => new Response(body(message), jsonHeaders));
    const { error } = await answerTo(gateway, '{"name":"up__echo"}');
    expect(error).toEqual({
      code: -32000,
      message: `upstream "up": answered with ${what}`,
      data: { server: 'up', reason: 'upstream_protocol_error' },
    });
  });
});

test('a tool with a description of more than a megabyte is left out, and the others are listed', async () => {
  const tool = (name: string, description: string) => ({
    name,
    description,
    inputSchema: { type: 'object' as const },
  });
  const tools = [tool('small', 's'), tool('large', 'l'.repeat(1024 * 1024)), tool('other', 'o')];
  await using upstream = await fakeUpstream({ tools });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  const list = await (await rawPost(gateway.url, '{"jsonrpc":"2.0","id":1,"method":"tools/list"}')).json();
  const names = (list as RpcMessage).result.tools.map(({ name }: { name: string }) => name);
  expect(names).toEqual(['up__small', 'up__other']);
  expect(gateway.logs.join('')).toContain('number 2 is left out: it has more than 1048576 characters');
});

describe('a batch of long results', () => {
  const long = 'x'.repeat(2 * 1024 * 1024);
  const answer = ({ id }: RpcMessage): FakeAnswer => {
    const result = { content: [{ type: 'text', text: long }] };
    return new Response(JSON.stringify({ jsonrpc: '2.0', id, result }), jsonHeaders);
  };
  const calls = Array.from({ length: 40 }, (_, id) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: 'up__echo' },
  }));

  test.each([
    ['application/json', 'application/json'],
    ['application/json, text/event-stream', 'text/event-stream'],
  ])('is passed on as it arrives to a client that accepts %s', async (accept, type) => {
    const given = budgetGiven();
    await using gateway = await gatewayTo(answer);
    const response = await rawPost(gateway.url, calls, { accept });
    expect(response.headers.get('content-type')).toBe(type);
    const ids: unknown[] = [];
    for await (const { id, result } of messagesOf(response)) {
      ids.push(id);
      expect(result.content[0].text === long).toBe(true);
    }
    expect(ids.map(Number).toSorted((a, b) => a - b)).toEqual(calls.map(({ id }) => id));
    await given.back();
  });

  test('releases its memory when its client disconnects', async () => {
    const given = budgetGiven();
    await using gateway = await gatewayTo(answer);
    const abort = new AbortController();
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(calls),
      signal: abort.signal,
    });
    await response.body?.getReader().read();
    abort.abort();
    await given.back();
  });
});

describe('while the memory budget is exhausted', () => {
  const big = 'y'.repeat(200_000);
  const resultOf = ({ id }: RpcMessage) =>
    JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: big }] } });

  test("a client's long body is refused with 503, and short calls continue", async () => {
    await using gateway = await gatewayTo(() => undefined);
    const other = new Holding();
    other.force(1024 * 1024 * 1024);
    try {
      const params = { name: 'up__echo', arguments: { big } };
      const response = await rawPost(gateway.url, { jsonrpc: '2.0', id: 1, method: 'tools/call', params });
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
      expect(await response.json()).toEqual({
        jsonrpc: '2.0',
        id: null,
        error: {
          code: -32000,
          message: 'the gateway holds as many large messages as it can; try again later',
        },
      });
      const { result } = await answerTo(gateway, '{"name":"up__echo","arguments":{"a":1}}');
      expect(result.content[0].text).toBe('{"a":1}');
    } finally {
      other.release();
    }
  });

  test.each([
    ['JSON', (message: RpcMessage) => new Response(resultOf(message), jsonHeaders)],
    ['an event', (message: RpcMessage) => sse(`data: ${resultOf(message)}\n\n`)],
  ])('a long answer as %s waits, and comes when there is room', async (_, respond) => {
    const given = budgetGiven();
    await using gateway = await gatewayTo(respond);
    const other = new Holding();
    other.force(1024 * 1024 * 1024);
    const answered = answerTo(gateway, '{"name":"up__echo"}');
    expect(await Promise.race([answered, settle()])).toBeUndefined();
    other.release();
    const { result } = await answered;
    expect(result.content[0].text === big).toBe(true);
    await given.back();
  });
});

test('results of every kind release the memory that they took', async () => {
  const texts: Record<string, (id: string) => string> = {
    ascii: (id) => `{"jsonrpc":"2.0","id":${id},"result":{"content":["${'x'.repeat(300_000)}"]}}`,
    unicode: (id) => `{"jsonrpc":"2.0","id":${id},"result":{"content":["${'€'.repeat(300_000)}"]}}`,
    isError: (id) =>
      `{"jsonrpc":"2.0","id":${id},"result":{"isError":true,"content":["${'x'.repeat(300_000)}"]}}`,
    error: (id) => `{"jsonrpc":"2.0","id":${id},"error":{"code":1,"message":"${'x'.repeat(300_000)}"}}`,
    batch: (id) => `[{"jsonrpc":"2.0","id":${id},"result":{"content":["${'x'.repeat(300_000)}"]}}]`,
    other: () => `{"jsonrpc":"2.0","id":"other","result":{"content":["${'x'.repeat(300_000)}"]}}`,
    nonsense: () => 'x'.repeat(300_000),
    events: (id) => `data: {"jsonrpc":"2.0","id":${id},"result":{"content":["${'x'.repeat(300_000)}"]}}\n\n`,
  };
  const given = budgetGiven();
  await using gateway = await gatewayTo((message) => {
    const text = texts[message.params.arguments.kind as string] as (id: string) => string;
    return new Response(text(String(message.id)), jsonHeaders);
  });
  for (const kind of Object.keys(texts)) {
    await answerTo(gateway, `{"name":"up__echo","arguments":{"kind":"${kind}"}}`);
    await given.back();
  }
});

test('a long answer to initialize and failed lists release the memory that they took', async () => {
  const before = bodyBudget.bytes;
  const long = 'x'.repeat(300_000);
  let lists = 0;
  await using upstream = await fakeUpstream({
    onPost: ({ id, method }) => {
      const answer = (outcome: object) =>
        new Response(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }), jsonHeaders);
      if (method === 'initialize') {
        const serverInfo = { name: 'up', version: '1' };
        const result = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo };
        return answer({ result: { ...result, instructions: long } });
      }
      if (method !== 'tools/list' || lists++ > 0) return undefined;
      return answer({ error: { code: -32603, message: long } });
    },
  });
  const reconnect = { backoff_base_ms: 10, backoff_max_ms: 20 };
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
  await gateway.connected();
  expect(lists).toBeGreaterThan(1);
  // Before any garbage collection.
  expect(bodyBudget.bytes).toBeLessThanOrEqual(before);
});
