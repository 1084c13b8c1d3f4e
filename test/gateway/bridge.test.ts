import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { startAskingV1 } from '../support/asking-v1.ts';
import { bridgedClients, connectBridgedLegacy } from '../support/bridged-clients.ts';
import { startGateway } from '../support/gateway.ts';
import { servedToolNames } from '../support/sdk-tools.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { waitUntil } from '../support/wait.ts';

// Clients that know only stdio, with `mcpstead stdio` from the sources as their server.

setDefaultTimeout(30_000);

describe.each(Object.entries(bridgedClients))('%s', (_name, connect) => {
  test('lists and calls tools, sees progress, and cancels a call', async () => {
    await using server = await startSdkV1();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    await using client = await connect(['--url', gateway.url]);
    expect(await client.toolNames()).toEqual(servedToolNames.map((tool) => `up__${tool}`));
    const watched = await client.watch('up__steps', { steps: 3 });
    expect(watched.text).toBe('3 steps done');
    // The SDKs' clients on stdio drop progress that they read together with the answer.
    expect([1, 2, 3]).toEqual(expect.arrayContaining([...watched.progress]));

    const cancelling = new AbortController();
    const held = client.call('up__hold', {}, cancelling.signal);
    held.catch(() => {});
    await waitUntil('the execution', () => server.executions('hold') === 1);
    cancelling.abort();
    await expect(held).rejects.toThrow();
    await waitUntil('the cancellation', () => server.cancellations('hold') === 1);
    expect(await client.call('up__echo', { message: 'still here' })).toBe('still here');
  });

  test('answers elicitation, sampling and roots', async () => {
    await using server = await startAskingV1();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    await using client = await connect(['--url', gateway.url]);
    expect(await client.call('up__form')).toBe('Alice');
    expect(await client.call('up__all')).toBe('Alice, Paris, file:///project');
    expect(client.questions.toSorted()).toEqual(
      ['form Who are you?', 'form Who are you?', 'roots', 'sampling'].toSorted(),
    );
  });

  test('sees one server alone with --server, and the servers of a profile with --profile', async () => {
    await using server = await startSdkV1();
    await using gateway = await startGateway({
      servers: [
        { name: 'one', url: server.url },
        { name: 'two', url: server.url },
      ],
      profiles: [{ name: 'some', servers: ['two'] }],
    });
    await gateway.connected();
    await using alone = await connect(['--url', gateway.url, '--server', 'one']);
    expect(await alone.toolNames()).toEqual([...servedToolNames]);
    await using some = await connect(['--url', gateway.url, '--profile', 'some']);
    expect(await some.toolNames()).toEqual(servedToolNames.map((tool) => `two__${tool}`));
  });

  test('reaches a gateway in bearer mode with the token of the environment', async () => {
    await using server = await startSdkV1();
    await using gateway = await startGateway(
      { servers: [{ name: 'up', url: server.url }], mcp: { auth: { mode: 'bearer' } } },
      { MCPSTEAD_BEARER_TOKEN: 'bridge-token-1234' },
    );
    await using client = await connect(['--url', gateway.url], {
      env: { MCPSTEAD_BEARER_TOKEN: 'bridge-token-1234' },
    });
    await waitUntil('the tools', async () => (await client.toolNames()).length > 0);
  });
});

test('a wrong token and an unknown view are errors of initialize that say so', async () => {
  await using gateway = await startGateway(
    { servers: [], mcp: { auth: { mode: 'bearer' } } },
    { MCPSTEAD_BEARER_TOKEN: 'bridge-token-1234' },
  );
  const withToken = (token: string, ...args: string[]) =>
    connectBridgedLegacy(['--url', gateway.url, ...args], { env: { MCPSTEAD_BEARER_TOKEN: token } });
  await expect(withToken('another')).rejects.toThrow(
    'refused the bearer token (HTTP 401); set MCPSTEAD_BEARER_TOKEN',
  );
  await expect(withToken('bridge-token-1234', '--server', 'three')).rejects.toThrow(
    'no enabled server and no profile is named "three"',
  );
});
