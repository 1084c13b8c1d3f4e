import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { remoteClients, sdkClients } from '../support/client-programs.ts';
import { connectV1 } from '../support/clients.ts';
import { everythingTools, startEverything } from '../support/everything.ts';
import { startGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { servedToolNames } from '../support/sdk-tools.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { startSdkV2, startSdkV2Modern } from '../support/sdk-v2.ts';

setDefaultTimeout(30_000);

const upstreams = {
  'a v1 SDK server': startSdkV1,
  'a v2 SDK server': startSdkV2,
  'a v2 SDK server of the modern era': startSdkV2Modern,
};

describe.each(Object.entries({ ...sdkClients, ...remoteClients }))(
  'through the gateway, %s',
  (name, connect) => {
    test.each(Object.entries(upstreams))(
      'reaches %s: lists, calls, sees progress',
      async (_server, start) => {
        await using server = await start();
        await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
        await gateway.connected();
        await using client = await connect(gateway.url);

        expect(await client.toolNames()).toEqual(servedToolNames.map((tool) => `up__${tool}`));
        const called = await client.watch?.('up__steps', { steps: 3 });
        expect(called?.text).toBe('3 steps done');
        // The SDK's client on stdio, which is in front of mcp-remote, drops progress that is read together with the result.
        if (name in sdkClients) expect(called?.progress).toEqual([1, 2, 3]);
      },
    );
  },
);

test('tools are listed in the order of the servers in the file, and of the tools at their server', async () => {
  await using everything = await startEverything();
  await using everythingSse = await startEverything('sse');
  await using v1 = await startSdkV1();
  await using v2 = await startSdkV2({ pageSize: 2 });
  await using gateway = await startGateway({
    servers: [
      { name: 'zebra', url: v2.url },
      { name: 'old', url: everythingSse.url },
      { name: 'ant', url: v1.url },
      { name: 'all', url: everything.url },
    ],
  });
  await gateway.connected();
  await using client = await connectV1(gateway.url);
  expect(await client.toolNames()).toEqual([
    ...servedToolNames.map((tool) => `zebra__${tool}`),
    ...everythingTools.map((tool) => `old__${tool}`),
    ...servedToolNames.map((tool) => `ant__${tool}`),
    ...everythingTools.map((tool) => `all__${tool}`),
  ]);
});

test('a tool reaches the client as its server describes it, under its qualified name', async () => {
  await using server = await startEverything();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
  await gateway.connected();
  // As the gateway does.
  const capabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
  await using direct = await connectV1(server.url, capabilities);
  await using through = await connectV1(gateway.url);
  const described = (await direct.client.listTools()).tools;
  expect((await through.client.listTools()).tools).toEqual(
    described.map((tool) => ({ ...tool, name: `up__${tool.name}` })),
  );
});

test('arguments, result and _meta pass through unchanged', async () => {
  await using server = await startSdkV1();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const args = { text: 'ünï\u0000\u2028"', nested: { list: [1, null, true, { deep: [] }] }, big: 1e300 };
  const { answer } = await session.request('tools/call', {
    name: 'up__mirror',
    arguments: args,
    _meta: { 'example.com/trace': 'abc' },
  });
  expect(answer.result).toEqual({
    content: [{ type: 'text', text: 'mirrored' }],
    structuredContent: { arguments: args, meta: { 'example.com/trace': 'abc' } },
    _meta: { 'example.com/mirror': 'kept' },
  });
});
