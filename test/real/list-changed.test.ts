import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { connectV1, type TestClient } from '../support/clients.ts';
import { startGateway } from '../support/gateway.ts';
import { RawSession, type RpcMessage } from '../support/rpc.ts';
import { servedToolNames } from '../support/sdk-tools.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { startSdkV2 } from '../support/sdk-v2.ts';
import { waitUntil, within } from '../support/wait.ts';

setDefaultTimeout(30_000);

const qualified = (server: string, tools: readonly string[]) => tools.map((tool) => `${server}__${tool}`);

/** Lists the tools again after each notification of a change, until the list is as expected. */
async function listedOnceTold(
  messages: AsyncGenerator<RpcMessage>,
  client: TestClient,
  wanted: (names: string[]) => boolean,
): Promise<string[]> {
  for (;;) {
    const told = await within('list_changed', messages.next());
    expect(told.value).toEqual({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    const names = await client.toolNames();
    if (wanted(names)) return names;
  }
}

describe.each([
  ['v1', startSdkV1],
  ['v2', startSdkV2],
])('when a server on the SDK %s changes its tools', (_sdk, start) => {
  test('a connected client is notified, and sees the tool come and go', async () => {
    await using server = await start();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    await using client = await connectV1(gateway.url);
    const messages = await session.listen();
    expect(await client.toolNames()).toEqual(qualified('up', servedToolNames));

    await server.addTool('late');
    const longer = await listedOnceTold(messages, client, (names) => names.includes('up__late'));
    expect(longer).toEqual(qualified('up', [...servedToolNames, 'late']));
    expect((await client.call('up__late', {})).text).toBe('late was called');

    await server.removeTool('late');
    const shorter = await listedOnceTold(messages, client, (names) => !names.includes('up__late'));
    expect(shorter).toEqual(qualified('up', servedToolNames));
    await expect(client.call('up__late', {})).rejects.toThrow('up__late');
    await messages.return(undefined);
  });

  test('after a restart, the client is notified once the server is back', async () => {
    await using server = await start();
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: server.url, reconnect: { backoff_base_ms: 20, backoff_max_ms: 100 } }],
    });
    await gateway.connected();
    await using client = await connectV1(gateway.url);
    await server.stop();
    expect(await client.toolNames()).toEqual(qualified('up', servedToolNames));
    await server.addTool('new');
    await server.start();
    await waitUntil('the new tool', async () => (await client.toolNames()).includes('up__new'));
  });
});

test('a reload that adds and removes servers tells clients and changes the list', async () => {
  await using first = await startSdkV1();
  await using second = await startSdkV2();
  await using gateway = await startGateway({ servers: [{ name: 'first', url: first.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  await using client = await connectV1(gateway.url);
  const messages = await session.listen();

  const summary = await gateway.reload({ servers: [{ name: 'second', url: second.url }] });
  expect(summary).toEqual({ added: 1, removed: 1, restarted: 0, updated: 0, unchanged: 0, ignored: [] });
  const names = await listedOnceTold(messages, client, (listed) => listed.includes('second__echo'));
  expect(names).toEqual(qualified('second', servedToolNames));
  await messages.return(undefined);
});
