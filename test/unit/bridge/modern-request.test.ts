import { expect, test } from 'bun:test';
import { rpcResult } from '../../support/answers.ts';
import { fakeUpstream } from '../../support/fake-upstream.ts';
import { startGateway } from '../../support/gateway.ts';
import { lineClient, modernMeta } from '../../support/line-client.ts';

const annotated = (name: string) => ({
  name,
  inputSchema: {
    type: 'object',
    properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
  },
});

test('repeats annotated arguments in headers, whether or not the client has listed the tools', async () => {
  const names = ['query'];
  await using upstream = await fakeUpstream({
    onPost: ({ method, id }) => {
      if (method === 'tools/list') return rpcResult(id, { tools: names.map(annotated) });
      if (method === 'tools/call') return rpcResult(id, { content: [{ type: 'text', text: 'found' }] });
      return undefined;
    },
  });
  const config = { servers: [{ name: 'up', url: upstream.url }] };
  await using gateway = await startGateway(config);
  await gateway.connected();
  await using client = lineClient(gateway.url);
  const call = (name: string) =>
    client.request('tools/call', { name, arguments: { region: 'Zürich' }, _meta: modernMeta });
  const refused = async () =>
    (await gateway.metrics()).value('mcpstead_mcp_requests_total', { method: 'tools/call', result: 'error' });
  expect((await call('up__query')).result.content[0].text).toBe('found');
  // The first call found out that there are annotations.
  expect(await refused()).toBe(1);
  expect((await call('up__query')).result.content[0].text).toBe('found');
  expect(await refused()).toBe(1);

  await using listing = lineClient(gateway.url);
  await listing.request('tools/list', { _meta: modernMeta });
  const params = { name: 'up__query', arguments: { region: 'eu' }, _meta: modernMeta };
  expect((await listing.request('tools/call', params)).result.content[0].text).toBe('found');
  expect(await refused()).toBe(1);
});

test('passes errors of the gateway on under the id of their request, whatever their HTTP status is', async () => {
  await using gateway = await startGateway({ servers: [] });
  await using client = lineClient(gateway.url);
  const unknown = await client.request('tools/fly', { _meta: modernMeta }, 'x');
  expect([unknown.id, unknown.error.code]).toEqual(['x', -32601]);
  const version = { ...modernMeta, 'io.modelcontextprotocol/protocolVersion': '2099-01-01' };
  const unsupported = await client.request('server/discover', { _meta: version });
  expect(unsupported.error.code).toBe(-32022);
  expect(unsupported.error.data.supported).toEqual(['2026-07-28']);
});

test('closes the stream of a cancelled request, and answers it no more', async () => {
  await using gateway = await startGateway({ servers: [] });
  await using client = lineClient(gateway.url);
  const params = { notifications: { toolsListChanged: true }, _meta: modernMeta };
  await client.send({ jsonrpc: '2.0', id: 5, method: 'subscriptions/listen', params });
  await client.seen('the agreement', ({ method }) => method?.endsWith('acknowledged'));
  await client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 5 } });
  expect((await client.request('server/discover', { _meta: modernMeta })).result.supportedVersions).toEqual([
    '2026-07-28',
  ]);
  await gateway.reload({ servers: [{ name: 'up', url: 'http://127.0.0.1:9/mcp' }] });
  await Bun.sleep(200);
  expect(client.received.filter(({ id, method }) => id === 5 || method?.includes('changed'))).toEqual([]);
});
