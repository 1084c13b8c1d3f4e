import { describe, expect, test } from 'bun:test';
import { type FakeAnswer, type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { type RpcMessage, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();

const jsonHeaders = { headers: { 'content-type': 'application/json' } };

/** A gateway in front of an upstream that answers each call with what `answer` makes of it. */
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

/** The answer to a call with these params, as JSON text. */
async function answerTo(gateway: TestGateway, params: string): Promise<RpcMessage> {
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;
  return (await (await rawPost(gateway.url, body)).json()) as RpcMessage;
}

describe('what a client sends is refused where it would become many times as much', () => {
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
      -32602,
      'Invalid params: more than 10000 members in an object',
    ],
  ])('%s', async (_name, body, code, message) => {
    await using gateway = await gatewayTo(() => undefined);
    const { error } = (await (await rawPost(gateway.url, body)).json()) as RpcMessage;
    expect(error).toEqual({ code, message });
  });

  test('but arguments may have as many members as they like', async () => {
    await using gateway = await gatewayTo(() => undefined);
    const many = Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`a${i}`, i]));
    const params = JSON.stringify({ name: 'up__echo', arguments: many });
    const { result } = await answerTo(gateway, params);
    expect(JSON.parse(result.content[0].text)).toEqual(many);
  });
});

test('a member of a call that is repeated goes to the upstream once', async () => {
  await using gateway = await gatewayTo(() => undefined);
  const meta = `"_meta":{"progressToken":1,"pad":"${'p'.repeat(10_000)}"}`;
  await answerTo(gateway, `{"name":"up__echo",${'"_meta":0,'.repeat(9_000)}${meta}}`);
  const call = gateway.upstream.received.find(({ message }) => message.method === 'tools/call');
  expect(call?.body.length).toBeLessThan(11_000);
  expect(call?.message.params._meta.pad.length).toBe(10_000);
});

describe('what an upstream answers is refused where it would become many times as much', () => {
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

test('a tool whose description has more than a megabyte is left out, and the others are listed', async () => {
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
