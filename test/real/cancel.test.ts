import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { connectV1, connectV2 } from '../support/clients.ts';
import { startGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import type { SdkServer } from '../support/sdk-host.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { startSdkV2 } from '../support/sdk-v2.ts';
import { settle, waitUntil } from '../support/wait.ts';

setDefaultTimeout(30_000);

const hold = { name: 'up__hold', arguments: {} };

describe.each([
  ['v1', startSdkV1],
  ['v2', startSdkV2],
])('a call that runs on a server on the SDK %s is cancelled there', (_sdk, start) => {
  test('when the client cancels it', async () => {
    await using server = await start();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    await using v1 = await connectV1(gateway.url);
    await using v2 = await connectV2(gateway.url);
    const abort = new AbortController();
    const calls = Promise.allSettled([
      v1.client.callTool(hold, undefined, { signal: abort.signal }),
      v2.client.callTool(hold, { signal: abort.signal }),
    ]);
    await waitUntil('both calls', () => server.executions('hold') === 2);
    abort.abort('enough');
    expect((await calls).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await waitUntil('both cancellations', () => server.cancellations('hold') === 2);
  });

  test('when a client without a session goes away', async () => {
    await using server = await start();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    await brokenCall(gateway.url, {}, server);
    await waitUntil('the cancellation', () => server.cancellations('hold') === 1);
  });

  test('when the session of a client that went away ends, but not before', async () => {
    await using server = await start();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    const session = await RawSession.open(gateway.url);
    await brokenCall(gateway.url, { 'mcp-session-id': session.id }, server);
    await settle();
    expect(server.cancellations('hold')).toBe(0);
    await session[Symbol.asyncDispose]();
    await waitUntil('the cancellation', () => server.cancellations('hold') === 1);
  });
});

/** Calls the tool that holds, and breaks the connection. */
async function brokenCall(url: string, headers: Record<string, string>, server: SdkServer): Promise<void> {
  const abort = new AbortController();
  const gone = fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: hold }),
    signal: abort.signal,
  }).then((response) => response.text());
  await waitUntil('the call', () => server.executions('hold') === 1);
  abort.abort();
  await expect(gone).rejects.toThrow();
}

test('cancelling one of two calls with equal ids leaves the other one running', async () => {
  await using server = await startSdkV1();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
  await gateway.connected();
  await using cancelling = await RawSession.open(gateway.url);
  await using waiting = await RawSession.open(gateway.url);
  const cancelled = cancelling.request('tools/call', hold, 'same id').catch(() => 'no answer');
  const answered = waiting.request('tools/call', hold, 'same id');
  await waitUntil('both calls', () => server.executions('hold') === 2);

  await cancelling.post({
    jsonrpc: '2.0',
    method: 'notifications/cancelled',
    params: { requestId: 'same id', reason: 'enough' },
  });
  await waitUntil('the cancellation', () => server.cancellations('hold') === 1);
  server.release();

  expect((await answered).answer.result).toMatchObject({ content: [{ text: 'released' }] });
  await cancelled;
  expect(server.cancellations('hold')).toBe(1);
});
