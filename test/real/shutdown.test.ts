import { expect, setDefaultTimeout, test } from 'bun:test';
import { startGateway } from '../support/gateway.ts';
import { RawSession, rawPost } from '../support/rpc.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { startSdkV2 } from '../support/sdk-v2.ts';
import { waitUntil } from '../support/wait.ts';

setDefaultTimeout(30_000);

test('a graceful stop lets a running call end, and ends the sessions at the upstreams', async () => {
  await using v1 = await startSdkV1();
  await using v2 = await startSdkV2();
  await using gateway = await startGateway({
    servers: [
      { name: 'v1', url: v1.url },
      { name: 'v2', url: v2.url },
    ],
    mcp: { session: { shutdown_grace_seconds: 5 } },
  });
  await gateway.connected();
  const session = await RawSession.open(gateway.url);
  const held = session.callText('v1__hold');
  await waitUntil('the call', () => v1.executions('hold') === 1);

  const stopped = gateway.gateway.stop();
  v1.release();

  expect(await held).toBe('released');
  await stopped;
  expect([v1.sessionCount(), v2.sessionCount()]).toEqual([0, 0]);
  await expect(rawPost(gateway.url, { jsonrpc: '2.0', id: 1, method: 'ping' })).rejects.toThrow();
});
