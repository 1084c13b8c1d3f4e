import { expect, test } from 'bun:test';
import { rpcResult } from '../support/answers.ts';
import { fakeModern } from '../support/fake-modern.ts';
import { startGateway } from '../support/gateway.ts';
import { askModern } from '../support/modern-rpc.ts';
import { RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

// Names that no header can carry as they are. MCP 2026-07-28, Streamable HTTP, Value Encoding.

failOnStrayErrors();

const encoded = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;
const hints = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
/** The last one looks like an encoded name itself. */
const names = ['größe', '日本', '=?base64?eA==?='];

async function start() {
  const tools = names.map((name) => ({ name, inputSchema: { type: 'object' } }));
  const upstream = await fakeModern({
    tools: () => tools,
    discovery: { capabilities: { tools: {}, prompts: {}, resources: {} } },
    onPost({ id, method, params }) {
      if (method === 'prompts/list')
        return rpcResult(id, { prompts: names.map((name) => ({ name })), ...hints });
      if (method === 'resources/list')
        return rpcResult(id, { resources: names.map((name) => ({ name, uri: `test://${name}` })), ...hints });
      if (method === 'resources/templates/list') return rpcResult(id, { resourceTemplates: [], ...hints });
      if (method === 'prompts/get')
        return rpcResult(id, { resultType: 'complete', messages: [], description: params.name });
      if (method === 'resources/read')
        return rpcResult(id, { contents: [{ uri: params.uri, text: 'read' }], ...hints });
      return undefined;
    },
  });
  const gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  return {
    upstream,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.gateway.stop();
      await upstream.stop();
    },
  };
}

const requests = {
  'tools/call': (name: string, prefix: string) => ({ name: prefix + name, arguments: {} }),
  'prompts/get': (name: string, prefix: string) => ({ name: prefix + name }),
  'resources/read': (name: string) => ({ uri: `test://${name}` }),
};

test.each(Object.entries(requests))('%s carries encoded names both ways', async (method, paramsOf) => {
  await using both = await start();
  for (const name of names) {
    const params = paramsOf(name, 'up__') as { name?: string; uri?: string };
    const own = paramsOf(name, '') as { name?: string; uri?: string };
    // A qualified name does not look encoded, but a client may encode whatever it likes.
    const headers = { 'mcp-name': encoded(String(params.name ?? params.uri)) };
    const { status, answer } = await askModern(both.gateway.url, method, { params: { ...params }, headers });
    expect([name, status, answer.error]).toEqual([name, 200, undefined]);
    await using session = await RawSession.open(both.gateway.url);
    expect((await session.request(method, params)).answer.error).toBeUndefined();
    const sent = both.upstream.received.filter(({ message }) => message.method === method).slice(-2);
    // The name of a resource is plain ASCII in front, but not all of it.
    const expected =
      method === 'resources/read' && name.startsWith('=')
        ? `test://${name}`
        : encoded(String(own.name ?? own.uri));
    expect(sent.map(({ headers }) => headers.get('mcp-name'))).toEqual([expected, expected]);
    expect(sent.map(({ message }) => message.params.name ?? message.params.uri)).toEqual([
      own.name ?? own.uri,
      own.name ?? own.uri,
    ] as string[]);
  }
});

test('an encoded name of another item is refused', async () => {
  await using both = await start();
  const params = { name: 'up__größe', arguments: {} };
  const headers = { 'mcp-name': encoded('up__日本') };
  const { status, answer } = await askModern(both.gateway.url, 'tools/call', { params, headers });
  expect([status, answer.error?.code]).toEqual([400, -32020]);
});
