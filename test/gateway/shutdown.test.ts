import { describe, expect, test } from 'bun:test';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil, within } from '../support/wait.ts';

failOnStrayErrors();

const never = new Promise<Response>(() => {});

describe('a drain delay', () => {
  test('makes the gateway unready at once, and everything else continues until its end', async () => {
    await using upstream = await fakeUpstream();
    const config = {
      servers: [{ name: 'up', url: upstream.url }],
      mcp: { session: { drain_delay_seconds: 1, shutdown_grace_seconds: 0 } },
    };
    await using gateway = await startGateway(config);
    await gateway.connected();
    const before = await RawSession.open(gateway.url);
    expect((await fetch(`${gateway.origin}/readyz`)).status).toBe(200);

    const stopped = gateway.gateway.stop();
    expect((await fetch(`${gateway.origin}/readyz`)).status).toBe(503);
    expect((await fetch(`${gateway.origin}/livez`)).status).toBe(200);
    const after = await RawSession.open(gateway.url);
    for (const session of [before, after])
      expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
    expect(await gateway.reload(config)).toMatchObject({ unchanged: 1 });

    await within('the end', stopped);
    expect(upstream.received.at(-1)?.httpMethod).toBe('DELETE');
    await expect(fetch(`${gateway.origin}/livez`)).rejects.toThrow();
    expect(gateway.logs.at(-1)).toContain('"shutdown finished"');
  });
});

test('calls that outlast the grace period are logged with their servers', async () => {
  const onPost = ({ method }: { method?: string }) => (method === 'tools/call' ? never : undefined);
  await using one = await fakeUpstream({ onPost });
  await using other = await fakeUpstream({ onPost });
  await using gateway = await startGateway({
    servers: [
      { name: 'one', url: one.url },
      { name: 'other', url: other.url },
    ],
  });
  await gateway.connected();
  const session = await RawSession.open(gateway.url);
  const batch = ['one__echo', 'one__echo', 'nothing'].map((name, id) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name },
  }));
  const calls = [session.post(batch), session.request('tools/call', { name: 'other__echo' })];
  await waitUntil('the calls', () => one.executions('echo') === 2 && other.executions('echo') === 1);
  await gateway.gateway.stop();
  const [, answered] = await Promise.all(calls);
  expect(answered).toMatchObject({
    answer: {
      error: {
        message: 'upstream "other": the request was cancelled: the gateway is shutting down',
        data: { server: 'other', reason: 'cancelled' },
      },
    },
  });

  const [cut, finished] = gateway.logs.slice(-2).map((line) => JSON.parse(line));
  expect(cut).toMatchObject({
    level: 'warn',
    message: 'calls were cut off: they lasted longer than mcp.session.shutdown_grace_seconds',
    shutdown_grace_seconds: 0,
    calls: { one: 2, other: 1 },
  });
  expect(finished).toMatchObject({ level: 'info', message: 'shutdown finished' });
});

test('a shutdown that cuts no call says only that it has finished', async () => {
  await using upstream = await fakeUpstream();
  const gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await gateway.gateway.stop();
  const shown = gateway.logs.map((line) => JSON.parse(line).message);
  expect(shown.at(-1)).toBe('shutdown finished');
  expect(shown.join()).not.toContain('cut off');
});
