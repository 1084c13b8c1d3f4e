import { expect, test } from 'bun:test';
import { echoTool, fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil } from '../support/wait.ts';

failOnStrayErrors();

test('30 reloads, some of them invalid, do not disturb thousands of calls to an unchanged upstream', async () => {
  await using kept = await fakeUpstream();
  await using other = await fakeUpstream();
  const keep = { name: 'kept', url: kept.url };
  const configs = [
    { servers: [keep, { name: 'other', url: other.url }] },
    { servers: [{ name: 'other', url: other.url, headers: { 'X-Key': 'new-key' } }, keep] },
    {
      servers: [
        keep,
        { name: 'other', url: other.url, tools: { ttl_seconds: 10 } },
        { name: 'third', url: other.url },
      ],
    },
    { servers: [keep], metrics: { enabled: false } },
    { servers: [keep, { name: 'other', url: 'nonsense' }] },
  ];
  await using gateway = await startGateway({ servers: [keep] });
  await gateway.connected();
  let reloading = true;
  let calls = 0;
  const callOverAndOver = async (client: number) => {
    await using session = await RawSession.open(gateway.url);
    for (let call = 0; reloading; call++) {
      // Throws on any other answer.
      expect(await session.callText('kept__echo', { client, call })).toBe(
        `{"client":${client},"call":${call}}`,
      );
      calls++;
    }
  };
  const calling = Array.from({ length: 16 }, (_, client) => callOverAndOver(client));
  let refused = 0;
  for (let reload = 0; reload < 30; reload++) {
    const before = calls;
    await Promise.race([
      waitUntil('calls between reloads', () => calls >= before + 70),
      Promise.all(calling).then(() => undefined),
    ]);
    await gateway.reload(configs[reload % configs.length] as never).catch(() => refused++);
  }
  reloading = false;
  await Promise.all(calling);
  expect(refused).toBe(6);
  expect(calls).toBeGreaterThanOrEqual(2_000);
  expect(kept.executions('echo')).toBe(calls);
  expect(kept.messages('initialize')).toHaveLength(1);
}, 20_000);

test('concurrent reloads run one after another', async () => {
  await using upstream = await fakeUpstream();
  const servers = Array.from({ length: 20 }, (_, index) => ({ name: `s${index}`, url: upstream.url }));
  await using gateway = await startGateway({ servers: [] });
  // Each reload reads the file when its turn comes; the test changes the file in between.
  const first = gateway.reload({ servers: servers.slice(0, 1) });
  const rest = servers.slice(1).map((_, index) => gateway.reload({ servers: servers.slice(0, index + 2) }));
  const summaries = await Promise.all([first, ...rest]);
  const total = (key: 'added' | 'removed' | 'restarted') =>
    summaries.reduce((sum, summary) => sum + summary[key], 0);
  expect([total('added'), total('removed'), total('restarted')]).toEqual([20, 0, 0]);
  await gateway.connected();
  expect((await gateway.health()).servers.map(({ name }) => name)).toEqual(servers.map(({ name }) => name));
  expect(upstream.messages('initialize')).toHaveLength(20);
});

test('hundreds of servers that are added and removed leave nothing behind', async () => {
  await using upstream = await fakeUpstream({ tools: [echoTool] });
  await using gateway = await startGateway({ servers: [] });
  for (let round = 0; round < 10; round++) {
    const servers = Array.from({ length: 20 }, (_, index) => ({
      name: `r${round}-${index}`,
      url: upstream.url,
    }));
    await gateway.reload({ servers });
    if (round % 2 === 0) await gateway.connected();
  }
  await gateway.reload({ servers: [] });
  const sessions = () =>
    upstream.messages('initialize').length -
    upstream.received.filter(({ httpMethod }) => httpMethod === 'DELETE').length;
  // An aborted attempt leaves the upstream a session with an id that never arrived.
  const known = upstream.messages('notifications/initialized').length;
  await waitUntil('the leave of all', () => sessions() <= upstream.messages('initialize').length - known);
  const { text } = await gateway.metrics();
  expect(text).not.toContain('server="');
  await using session = await RawSession.open(gateway.url);
  expect((await session.request('tools/list')).answer.result.tools).toEqual([]);
});

test('servers that are removed before their first attempt get no request', async () => {
  await using upstream = await fakeUpstream();
  const servers = Array.from({ length: 100 }, (_, index) => ({ name: `s${index}`, url: upstream.url }));
  await using gateway = await startGateway({ servers: [] });
  await gateway.reload({ servers });
  await gateway.reload({ servers: [] });
  await gateway.reload({ servers: [{ name: 'last', url: upstream.url }] });
  await gateway.connected();
  expect(upstream.messages('initialize')).toHaveLength(1);
  expect(gateway.logs.filter((line) => line.includes('upstream not connected'))).toEqual([]);
});
