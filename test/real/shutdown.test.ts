import { expect, setDefaultTimeout, test } from 'bun:test';
import { everythingOverStdio } from '../support/everything.ts';
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

test('a stop ends a server that it started over stdio', async () => {
  await using gateway = await startGateway({ servers: [{ name: 'up', ...everythingOverStdio }] });
  await gateway.connected();
  const children = () => childrenOf(process.pid).filter((command) => command.includes('server-everything'));
  expect(children()).toHaveLength(1);
  await gateway.gateway.stop();
  await waitUntil('the end of the child process', () => children().length === 0);
});

/** Command lines of the processes that `pid` started. */
function childrenOf(pid: number): string[] {
  const listed = Bun.spawnSync(['ps', '-A', '-o', 'ppid=,command=']).stdout.toString();
  return listed
    .split('\n')
    .filter((line) => line.trim().startsWith(`${pid} `))
    .map((line) => line.trim().slice(`${pid} `.length));
}
