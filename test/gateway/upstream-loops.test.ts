import { describe, expect, test } from 'bun:test';
import { connect, createServer } from 'node:net';
import { GatewayError } from '../../src/errors.ts';
import { rpcResult } from '../support/answers.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { promptReconnect, startGateway, type TestGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { freePort, waitUntil } from '../support/wait.ts';

failOnStrayErrors();

const itself = 'is this very gateway: remove it from servers, or give the url of another server';

/** The names of all tools that a gateway lists. */
async function toolsOf(gateway: TestGateway): Promise<string[]> {
  await using session = await RawSession.open(gateway.url);
  const { answer } = await session.request('tools/list');
  return answer.result.tools.map(({ name }: { name: string }) => name);
}

/** A proxy in front of the gateway, which forwards requests to `target` under a host name that the gateway accepts. */
function reverseProxy(target: () => string) {
  return Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const headers = new Headers(request.headers);
      headers.delete('host');
      const body = request.method === 'POST' ? await request.text() : null;
      return fetch(target() + pathname, { method: request.method, headers, body });
    },
  });
}

/** Ways to configure a gateway's own endpoint; `stack` disposes of their resources. */
const ways: Record<string, (origin: () => string, stack: AsyncDisposableStack) => Promise<string> | string> =
  {
    'at its address': (origin) => `${origin()}/mcp`,
    'under another name of this machine': (origin) => `${origin().replace('127.0.0.1', 'localhost')}/mcp`,
    'at another address of this machine': (origin) =>
      `${origin().replace('127.0.0.1', '[::ffff:127.0.0.1]')}/mcp`,
    'behind a reverse proxy': (origin, stack) => {
      const proxy = reverseProxy(origin);
      stack.defer(() => proxy.stop(true));
      return `http://127.0.0.1:${proxy.port}/mcp`;
    },
    'behind a redirect': (origin, stack) => {
      const proxy = reverseProxy(origin);
      const redirect = Bun.serve({
        hostname: '127.0.0.1',
        port: 0,
        async fetch(request) {
          const { pathname } = new URL(request.url);
          if (pathname === '/moved')
            return new Response(null, { status: 307, headers: { location: '/mcp' } });
          return fetch(`http://127.0.0.1:${proxy.port}/mcp`, {
            method: request.method,
            headers: [...request.headers].filter(([name]) => name !== 'host'),
            body: request.method === 'POST' ? await request.text() : null,
          });
        },
      });
      stack.defer(() => proxy.stop(true));
      stack.defer(() => redirect.stop(true));
      return `http://127.0.0.1:${redirect.port}/moved`;
    },
    'behind a relay of TCP': async (origin, stack) => {
      const relay = createServer((client) => {
        const target = connect(Number(new URL(origin()).port), '127.0.0.1');
        client.on('error', () => target.destroy()).on('close', () => target.destroy());
        target.on('error', () => client.destroy()).on('close', () => client.destroy());
        client.pipe(target).pipe(client);
      });
      await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
      stack.defer(() => void relay.close());
      return `http://127.0.0.1:${(relay.address() as { port: number }).port}/mcp`;
    },
  };

describe('a gateway that is configured as its own upstream', () => {
  test.each(Object.entries(ways))(
    '%s, refuses it by name, and lists none of its tools',
    async (_way, way) => {
      await using stack = new AsyncDisposableStack();
      await using upstream = await fakeUpstream();
      const other = { name: 'other', url: upstream.url };
      await using gateway = await startGateway({ servers: [other] });
      const url = await way(() => gateway.origin, stack);
      await gateway.reload({ servers: [other, { name: 'self', url }] });
      const { servers } = await gateway.waitFor('the refusal', (health) =>
        health.servers.some(({ name, last_error }) => name === 'self' && last_error !== null),
      );
      expect(servers[1]).toMatchObject({
        name: 'self',
        connected: false,
        state: 'backoff',
        tools_count: 0,
        last_error: itself,
      });
      // The longest wait from the beginning.
      expect(servers[1]?.next_retry_seconds).toBeWithin(25, 30.001);
      await gateway.connected('other');
      expect(await toolsOf(gateway)).toEqual(['other__echo']);
    },
  );

  test('from the start, detects that when it serves', async () => {
    const port = freePort();
    await using gateway = await startGateway({
      port,
      servers: [{ name: 'self', url: `http://127.0.0.1:${port}/mcp`, reconnect: promptReconnect }],
    } as Parameters<typeof startGateway>[0]);
    const { servers } = await gateway.waitFor('the refusal', (health) =>
      health.servers.every(({ last_error }) => last_error === itself),
    );
    expect(servers[0]).toMatchObject({ connected: false, tools_count: 0 });
    expect(await toolsOf(gateway)).toEqual([]);
  });

  test('and required, does not start', async () => {
    const port = freePort();
    const config = { port, servers: [{ name: 'self', url: `http://localhost:${port}/mcp`, required: true }] };
    const started = startGateway(config as Parameters<typeof startGateway>[0]);
    const error = await started.then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(GatewayError);
    expect((error as GatewayError).message).toBe(`required upstream "self" is not reachable: ${itself}`);
  });

  test('is recognized by its answer to initialize, not by its address', async () => {
    let result: unknown;
    await using upstream = await fakeUpstream({
      onPost: ({ id, method }) => (method === 'initialize' && result ? rpcResult(id, result) : undefined),
    });
    await using gateway = await startGateway({ servers: [] });
    await using session = await RawSession.open(gateway.url);
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'c', version: '1' },
    };
    result =
      (await session.request('initialize', params)).answer.result ?? (await initializeResultOf(gateway));
    await gateway.reload({ servers: [{ name: 'copy', url: upstream.url }] });
    await gateway.waitFor('the refusal', ({ servers }) => servers[0]?.last_error === itself);
    expect(upstream.messages('tools/list')).toEqual([]);
  });
});

/** The gateway's answer to initialize. */
async function initializeResultOf(gateway: TestGateway): Promise<unknown> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  });
  return ((await response.json()) as { result: unknown }).result;
}

describe('gateways in a row', () => {
  test('work: each lists the tools of the next one', async () => {
    await using upstream = await fakeUpstream();
    await using last = await startGateway({ servers: [{ name: 'c', url: upstream.url }] });
    await using middle = await startGateway({ servers: [{ name: 'b', url: last.url }] });
    await last.connected();
    await middle.connected();
    await using first = await startGateway({ servers: [{ name: 'a', url: middle.url }] });
    await first.connected();
    expect(await toolsOf(first)).toEqual(['a__b__c__echo']);
    await using session = await RawSession.open(first.url);
    expect(await session.callText('a__b__c__echo', { x: 1 })).toBe('{"x":1}');
  });

  test('that form a loop are cut at the first one', async () => {
    await using upstream = await fakeUpstream();
    const own = { name: 'own', url: upstream.url };
    await using first = await startGateway({ servers: [own] });
    await using second = await startGateway({ servers: [{ name: 'first', url: first.url }] });
    await first.connected();
    await second.connected();
    await using third = await startGateway({ servers: [{ name: 'second', url: second.url }] });
    await third.connected();
    await first.reload({ servers: [own, { name: 'third', url: third.url }] });
    const { servers } = await first.waitFor('the refusal', (health) =>
      health.servers.some(({ name, last_error }) => name === 'third' && last_error !== null),
    );
    expect(servers[1]).toMatchObject({
      connected: false,
      last_error:
        'is a gateway that leads back to this very one: remove it from servers, or give the url of another server',
    });
    await waitUntil('a quiet list', async () => (await toolsOf(first)).length === 1);
    expect(await toolsOf(third)).toEqual(['second__first__own__echo']);
  });
});
