import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { volatileState } from '../../../src/state/state.ts';
import { startAskingServer } from '../../support/asking-server.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { lineClient, modernMeta } from '../../support/line-client.ts';
import { startSdkV1 } from '../../support/sdk-v1.ts';
import { tcpProxy } from '../../support/tcp.ts';
import { freePort, waitUntil, within } from '../../support/wait.ts';

setDefaultTimeout(30_000);

const text = (answer: { result: { content: { text: string }[] } }) => answer.result.content[0]?.text;

/** Starts the processes of one gateway, one after another: on one port, with the key that sealed the sessions. */
function successive(url: string) {
  const port = freePort();
  const key = new Uint8Array(32).fill(7);
  const start = async (): Promise<TestGateway> => {
    const config = { port, servers: [{ name: 'up', url }] };
    const gateway = await startGateway(config, {}, volatileState(key));
    await gateway.connected();
    return gateway;
  };
  return { url: `http://127.0.0.1:${port}/mcp`, start };
}

const die = async ({ gateway }: TestGateway) => {
  gateway.kill();
  await gateway.stop();
};

describe('when the gateway dies and another process takes its place, a bridge', () => {
  test('goes on with the session, and sets up again what that has set', async () => {
    await using server = await startAskingServer();
    const gateways = successive(server.url);
    const first = await gateways.start();
    await using client = lineClient(gateways.url);
    await client.initialize();
    const uri = 'test://watched';
    await client.request('resources/subscribe', { uri });
    await client.request('logging/setLevel', { level: 'error' });
    await waitUntil('the stream', async () =>
      (await first.metrics()).value('mcpstead_mcp_requests_total', { method: 'listen', result: 'success' }),
    );
    await die(first);
    await using second = await gateways.start();
    await client.seen('the change', ({ method }) => method === 'notifications/tools/list_changed');
    await client.seen('the update', ({ method }) => method === 'notifications/resources/updated');
    await waitUntil('the subscription', () => server.subscriptions().length > 0);
    const asked = (method: string) => ({ method, result: 'success' });
    const count = async (method: string) =>
      (await second.metrics()).value('mcpstead_mcp_requests_total', asked(method));
    await waitUntil('the subscription of the client', async () => (await count('resources/subscribe')) === 1);
    await waitUntil('the level of the client', async () => (await count('logging/setLevel')) === 1);
    expect(await count('initialize')).toBe(0);
    const updates = () =>
      client.received.filter(({ method }) => method === 'notifications/resources/updated');
    const before = updates().length;
    await server.touch(uri);
    await waitUntil('a new update', () => updates().length > before);
  });

  test('fails the calls of the moment, withdraws their questions, and sends none of them again', async () => {
    await using server = await startAskingServer();
    const gateways = successive(server.url);
    const first = await gateways.start();
    await using client = lineClient(gateways.url);
    await client.initialize({ elicitation: {} });
    const call = client.request('tools/call', { name: 'up__elicit' });
    const question = await client.seen('the question', ({ method }) => method === 'elicitation/create');
    await die(first);
    const { error } = await within('the answer', call);
    expect(error.message).toContain('whether the request was executed is not known');
    const withdrawn = await client.seen(
      'the withdrawal',
      ({ method }) => method === 'notifications/cancelled',
    );
    expect(withdrawn.params.requestId).toBe(question.id);

    await using _second = await gateways.start();
    const again = client.request('tools/call', { name: 'up__elicit', arguments: { message: 'again?' } });
    const asked = await client.seen('the next question', ({ params }) => params?.message === 'again?');
    expect(asked.id).not.toBe(question.id);
    await client.send({
      jsonrpc: '2.0',
      id: asked.id,
      result: { action: 'accept', content: { name: 'Ann' } },
    });
    expect(text(await again)).toContain('Ann');
  });

  test('opens the stream of a subscription again, and tells the client what may have changed', async () => {
    await using server = await startSdkV1();
    const gateways = successive(server.url);
    const first = await gateways.start();
    await using client = lineClient(gateways.url, { times: { reachMs: 2_000 } });
    const params = { notifications: { toolsListChanged: true }, _meta: modernMeta };
    await client.send({ jsonrpc: '2.0', id: 'l', method: 'subscriptions/listen', params });
    const acknowledged = 'notifications/subscriptions/acknowledged';
    await client.seen('the agreement', ({ method }) => method === acknowledged);
    // Longer than a message waits for a gateway.
    await Bun.sleep(2_100);
    await die(first);
    await using second = await gateways.start();
    const changed = await client.seen(
      'the change',
      ({ method }) => method === 'notifications/tools/list_changed',
    );
    expect(changed.params._meta).toEqual({ 'io.modelcontextprotocol/subscriptionId': 'l' });
    const changes = () =>
      client.received.filter(({ method }) => method === 'notifications/tools/list_changed');
    const before = changes().length;
    await second.reload({ servers: [] });
    await waitUntil('a real change', () => changes().length > before);
    expect(client.received.filter(({ method }) => method === acknowledged)).toHaveLength(1);
    expect(client.received.filter(({ id }) => id === 'l')).toEqual([]);
  });

  test('does not end a subscription when the gateway stops in good order', async () => {
    await using server = await startSdkV1();
    const gateways = successive(server.url);
    const first = await gateways.start();
    await using client = lineClient(gateways.url);
    const params = { notifications: { toolsListChanged: true }, _meta: modernMeta };
    await client.send({ jsonrpc: '2.0', id: 'l', method: 'subscriptions/listen', params });
    await client.seen('the agreement', ({ method }) => method?.endsWith('acknowledged'));
    await Bun.sleep(1_100);
    await first.gateway.stop();
    await using _second = await gateways.start();
    await client.seen('the change', ({ method }) => method === 'notifications/tools/list_changed');
    expect(client.received.filter(({ id }) => id === 'l')).toEqual([]);
  });
});

test('a call whose stream breaks off within a session goes on, is executed once and brings its answer', async () => {
  await using server = await startSdkV1();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
  await gateway.connected();
  using proxy = tcpProxy(gateway.gateway.port);
  await using client = lineClient(`http://127.0.0.1:${proxy.port}/mcp`);
  await client.initialize();
  const params = { name: 'up__hold', arguments: {}, _meta: { progressToken: 1 } };
  const call = client.request('tools/call', params);
  // Only a stream that has begun can be resumed.
  await client.seen('progress', ({ method }) => method === 'notifications/progress');
  proxy.cut();
  server.release();
  expect(text(await within('the answer', call))).toBe('released');
  expect(server.executions('hold')).toBe(1);
});
