import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { startEverything } from '../support/everything.ts';
import { promptReconnect, startGateway, type TestGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { startSdkV1Process } from '../support/sdk-v1-process.ts';
import { startSdkV2 } from '../support/sdk-v2.ts';
import { tcpProxy } from '../support/tcp.ts';
import { waitUntil, within } from '../support/wait.ts';

setDefaultTimeout(30_000);

/** The sum of reconnects and session resets of the upstream `up`. */
async function recoveries(gateway: TestGateway): Promise<number> {
  const page = await gateway.metrics();
  const resets = ['unknown_session', 'expired', 'terminated'].map(
    (reason) => page.value('mcpstead_upstream_session_resets_total', { server: 'up', reason }) ?? 0,
  );
  return resets.reduce(
    (sum, count) => sum + count,
    page.value('mcpstead_upstream_reconnects_total', { server: 'up' }) ?? 0,
  );
}

describe.each([
  ['streamableHttp', 'SIGKILL'],
  ['streamableHttp', 'SIGINT'],
  ['sse', 'SIGKILL'],
] as const)('server-everything over %s, ended by %s and started again', (transport, signal) => {
  test('serves calls again in the same client session', async () => {
    await using server = await startEverything(transport);
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: server.url, reconnect: promptReconnect }],
    });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    expect(await session.callText('up__echo', { message: 'before' })).toBe('Echo: before');

    await server.stop(signal);
    await server.start();

    const answer = await waitUntil('an answer', () => session.callText('up__echo', { message: 'after' }));
    expect(answer).toBe('Echo: after');
    expect(await recoveries(gateway)).toBeGreaterThanOrEqual(1);
  });
});

/** Ways in which an upstream fails while calls run. Each starts an upstream and returns a function that makes it fail. */
const faults = {
  async 'its process crashes'(stack: AsyncDisposableStack) {
    const server = stack.use(await startSdkV1Process());
    const strike = async () => {
      await server.crash();
      await server.start();
    };
    return { server, url: server.url, strike };
  },
  async 'its connections break'(stack: AsyncDisposableStack) {
    const server = stack.use(await startSdkV1Process());
    const proxy = stack.use(tcpProxy(server.port));
    return { server, url: `http://127.0.0.1:${proxy.port}/mcp`, strike: async () => proxy.cut() };
  },
};

test.each(Object.entries(faults))(
  'when %s repeatedly, no call is executed twice and each gets an answer',
  async (_fault, start) => {
    await using stack = new AsyncDisposableStack();
    const { server, url, strike } = await start(stack);
    await using gateway = await startGateway({ servers: [{ name: 'up', url, reconnect: promptReconnect }] });
    await gateway.connected();
    const sessions = await Promise.all(Array.from({ length: 8 }, () => RawSession.open(gateway.url)));
    const answered: string[] = [];
    const failed: string[] = [];
    let strikesLeft = 5;

    const callOverAndOver = async (session: RawSession, client: number) => {
      for (let call = 0; strikesLeft > 0; call++) {
        const key = `${client}-${call}`;
        const params = { name: 'up__slow', arguments: { ms: 20, key } };
        const { answer } = await session.request('tools/call', params);
        if (answer.result) answered.push(key);
        else failed.push(key);
        // A call to an upstream that is down fails at once: without a pause this is a busy loop.
        if (answer.error) await Bun.sleep(5);
      }
    };
    const calling = Promise.all(sessions.map(callOverAndOver));
    for (; strikesLeft > 0; strikesLeft--) {
      const before = answered.length;
      await waitUntil('calls that go through', () => answered.length > before + 20);
      await strike();
    }
    await within('answers to all calls', calling);

    const executed = server.executedKeys();
    expect(executed.toSorted()).toEqual([...new Set(executed)].toSorted());
    expect(answered.filter((key) => !executed.includes(key))).toEqual([]);
    expect(failed.length).toBeGreaterThan(0);
    const again = () => sessions[0]!.callText('up__slow', { ms: 1, key: 'last' });
    expect(await waitUntil('an answer', again)).toBe('done');
    await Promise.all(sessions.map((open) => open[Symbol.asyncDispose]()));
  },
);

describe.each([
  ['v1', startSdkV1],
  ['v2', startSdkV2],
])('a server on the SDK %s that forgot its session', (_sdk, start) => {
  test('is initialized once more for all waiting calls, and each of them is executed once', async () => {
    await using server = await start();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    expect(await session.callText('up__count')).toBe('1');
    await server.forgetSessions();

    const counts = await Promise.all(Array.from({ length: 20 }, () => session.callText('up__count')));

    expect(counts.map(Number).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 2),
    );
    expect(server.executions('count')).toBe(21);
    expect(server.sessionsOpened()).toBe(2);
    expect(await recoveries(gateway)).toBe(1);
  });
});

test('a call fails if its connection breaks after the execution, and is not executed again', async () => {
  await using server = await startSdkV1();
  using proxy = tcpProxy(server.port);
  await using gateway = await startGateway({
    servers: [{ name: 'up', url: `http://127.0.0.1:${proxy.port}/mcp`, reconnect: promptReconnect }],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const held = session.request('tools/call', { name: 'up__hold', arguments: {} });
  await waitUntil('the execution', () => server.executions('hold') === 1);
  proxy.cut();

  const { answer } = await within('the answer', held);
  expect(answer.error).toMatchObject({
    code: -32000,
    data: { server: 'up', reason: 'upstream_disconnected' },
  });
  const echoed = await waitUntil('an answer', () => session.callText('up__echo', { message: 'again' }));
  expect(echoed).toBe('again');
  expect(server.executions('hold')).toBe(1);
});

test('while an upstream is down, its tools stay listed, its calls fail at once, and others are not disturbed', async () => {
  await using down = await startSdkV1();
  await using up = await startSdkV2();
  await using gateway = await startGateway({
    servers: [
      { name: 'down', url: down.url, reconnect: promptReconnect },
      { name: 'up', url: up.url },
    ],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  await down.stop();
  await gateway.waitFor('down noticed', ({ servers }) => servers[0]?.connected === false);

  const { answer } = await session.request('tools/call', { name: 'down__echo', arguments: { message: 'x' } });
  expect(answer.error).toMatchObject({
    code: -32000,
    data: { server: 'down', reason: 'upstream_disconnected' },
  });
  expect(await session.callText('up__echo', { message: 'well' })).toBe('well');
  const { answer: listed } = await session.request('tools/list');
  expect(listed.result.tools.map((tool: { name: string }) => tool.name)).toContain('down__echo');
});

test('a flapping upstream disturbs no other, and serves again once it stays up', async () => {
  await using flapping = await startSdkV1();
  await using steady = await startSdkV2();
  using proxy = tcpProxy(flapping.port);
  await using gateway = await startGateway({
    servers: [
      { name: 'flapping', url: `http://127.0.0.1:${proxy.port}/mcp`, reconnect: promptReconnect },
      { name: 'steady', url: steady.url },
    ],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  for (let round = 1; round <= 20; round++) {
    proxy.close();
    expect(await session.callText('steady__count')).toBe(String(2 * round - 1));
    proxy.open();
    expect(await session.callText('steady__count')).toBe(String(2 * round));
    await Bun.sleep(10);
  }
  const echoed = await waitUntil('an answer', () => session.callText('flapping__echo', { message: 'back' }));
  expect(echoed).toBe('back');
});
