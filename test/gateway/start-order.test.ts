import { expect, test } from 'bun:test';
import { type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { freePort, settle, waitUntil } from '../support/wait.ts';

failOnStrayErrors();

/** An upstream that initializes only once it may. */
async function slowUpstream() {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const upstream = await fakeUpstream({
    onPost: async (message) => {
      if (message.method === 'initialize') await released;
      return undefined;
    },
  });
  return { upstream, release };
}

/** A gateway that listens, and starts until its required server is ready. */
async function starting(upstream: FakeUpstream, timeouts: Record<string, number> = {}) {
  const port = freePort();
  const servers = [{ name: 'up', url: upstream.url, required: true, timeouts }];
  const started = startGateway({ port, servers });
  // Tests await it later.
  started.catch(() => {});
  await waitUntil('its start', () => upstream.messages('initialize').length > 0);
  return { started, origin: `http://127.0.0.1:${port}` };
}

const call = (signal?: AbortSignal): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'up__echo', arguments: { text: 'hello' } },
  }),
  ...(signal && { signal }),
});

test('while a required server connects, the gateway is alive and not ready', async () => {
  const { upstream, release } = await slowUpstream();
  await using _upstream = upstream;
  const { started, origin } = await starting(upstream);
  const statusOf = async (path: string) => (await fetch(`${origin}${path}`)).status;
  expect([await statusOf('/livez'), await statusOf('/readyz')]).toEqual([200, 503]);
  release();
  await using _gateway = await started;
  expect([await statusOf('/livez'), await statusOf('/readyz')]).toEqual([200, 200]);
});

test('calls wait for the start; one whose client has given up is not executed', async () => {
  const { upstream, release } = await slowUpstream();
  await using _upstream = upstream;
  const { started, origin } = await starting(upstream);
  const client = new AbortController();
  const waiting = fetch(`${origin}/mcp`, call());
  const abandoned = fetch(`${origin}/mcp`, call(client.signal));
  await settle();
  client.abort();
  await expect(abandoned).rejects.toThrow();
  await settle();
  release();
  await using _gateway = await started;
  expect(await (await waiting).json()).toMatchObject({ id: 1, result: { content: [{ type: 'text' }] } });
  expect(upstream.executions('echo')).toBe(1);
});

test('calls that wait for a start that fails are refused with 503, and nothing was executed', async () => {
  const { upstream } = await slowUpstream();
  await using _upstream = upstream;
  const { started, origin } = await starting(upstream, { connect_seconds: 0.5 });
  const response = await fetch(`${origin}/mcp`, call());
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await response.text()).toContain(
    'the start of the gateway has failed or was aborted; nothing was executed',
  );
  await expect(started).rejects.toThrow('required upstream "up" is not reachable');
  await expect(fetch(`${origin}/livez`)).rejects.toThrow();
});

test('a long body is refused at once during the start, in place of being held', async () => {
  const { upstream, release } = await slowUpstream();
  await using _upstream = upstream;
  const { started, origin } = await starting(upstream);
  const response = await fetch(`${origin}/mcp`, { method: 'POST', body: 'x'.repeat(100_000) });
  expect([response.status, response.headers.get('connection')]).toEqual([503, 'close']);
  release();
  await using _gateway = await started;
});
