import { describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { hangUp, never, rpcResult, sseEvent, streamed } from '../support/answers.ts';
import { fakeSse } from '../support/fake-sse.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { promptReconnect, startGateway } from '../support/gateway.ts';
import { acceptBoth, RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { silentUpstream } from '../support/tcp.ts';
import { waitUntil } from '../support/wait.ts';

failOnStrayErrors();

const reconnect = promptReconnect;
const timedOut = { server: 'up', reason: 'upstream_timeout' };

describe('connect_seconds ends an attempt', () => {
  test('at an upstream that accepts the connection and stays silent', async () => {
    using upstream = silentUpstream();
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, timeouts: { connect_seconds: 0.1 } }],
    });
    const { servers } = await gateway.waitFor('the end', (health) => health.servers[0]?.last_error !== null);
    expect(servers[0]).toMatchObject({ state: 'backoff', last_error: 'did not initialize within 0.1 s' });
  });

  test.each(['initialize', 'notifications/initialized', 'tools/list'])(
    'at an upstream that never answers %s, and the next one succeeds',
    async (method) => {
      let hangs = true;
      await using upstream = await fakeUpstream({
        onPost: (message) => (hangs && message.method === method ? never() : undefined),
      });
      await using gateway = await startGateway({
        servers: [{ name: 'up', url: upstream.url, timeouts: { connect_seconds: 0.1 }, reconnect }],
      });
      await gateway.waitFor('the end', ({ servers }) => servers[0]?.last_error !== null);
      hangs = false;
      await gateway.connected();
    },
  );

  test.each([
    ['Streamable HTTP', fakeUpstream],
    ['HTTP+SSE', fakeSse],
  ])('of a new session over %s, and leaves no connection behind', async (_name, start) => {
    await using upstream = await start({
      onPost: ({ method }) => (method === 'tools/list' ? never() : undefined),
    });
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, timeouts: { connect_seconds: 0.1 } }],
    });
    await gateway.waitFor('the end', ({ servers }) => servers[0]?.state === 'backoff');
    // Connections that wait in the pool are idle: they have no request.
    await waitUntil('the end of the requests', () => upstream.openPorts().length <= 2);
  });
});

describe('request_seconds ends a call', () => {
  test.each([
    [
      'Streamable HTTP',
      () => fakeUpstream({ onPost: ({ method }) => (method === 'tools/call' ? never() : undefined) }),
    ],
    ['HTTP+SSE', () => fakeSse({ onRequest: ({ method }) => (method === 'tools/call' ? null : undefined) })],
  ])('over %s; the upstream is notified and checked, and stays connected', async (_name, start) => {
    await using upstream = await start();
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, timeouts: { request_seconds: 0.1 } }],
    });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const { answer } = await session.request('tools/call', { name: 'up__echo' });
    expect(answer.error).toEqual({
      code: -32000,
      message: 'upstream "up": did not answer within 0.1 s',
      data: timedOut,
    });
    expect(upstream.messages('tools/list')).toHaveLength(2);
    const [told] = upstream.messages('notifications/cancelled');
    expect(told?.params.requestId).toBe(upstream.messages('tools/call')[0]?.id);
    expect((await gateway.health()).servers[0]).toMatchObject({ connected: true, reconnects: 0 });
    const page = await gateway.metrics();
    expect(page.value('mcpstead_upstream_initialize_total', { server: 'up', result: 'success' })).toBe(1);
    const labels = { server: 'up', tool: 'echo', reason: 'upstream_timeout' };
    expect(page.value('mcpstead_tool_call_errors_total', labels)).toBe(1);
  });

  test('even if the answer has begun', async () => {
    await using upstream = await fakeUpstream({
      onPost({ method }) {
        if (method !== 'tools/call') return undefined;
        return new Response(
          new ReadableStream({ start: (out) => out.enqueue(new TextEncoder().encode('{"json')) }),
        );
      },
    });
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, timeouts: { request_seconds: 0.1 } }],
    });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const { answer } = await session.request('tools/call', { name: 'up__echo' });
    expect(answer.error.data).toEqual(timedOut);
  });

  test('even if the client does not read the events before the answer', async () => {
    const note = 'x'.repeat(1024 * 1024);
    await using upstream = await fakeUpstream({
      onPost({ method, params }) {
        if (method !== 'tools/call') return undefined;
        const { progressToken } = params._meta;
        async function* progress() {
          for (let step = 1; step <= 1_000; step++) {
            const told = { progressToken, progress: step, message: note };
            yield sseEvent({ jsonrpc: '2.0', method: 'notifications/progress', params: told });
          }
        }
        return streamed(progress(), { headers: { 'content-type': 'text/event-stream' } });
      },
    });
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, timeouts: { request_seconds: 0.3 } }],
    });
    await gateway.connected();
    const params = { name: 'up__echo', arguments: {}, _meta: { progressToken: 1 } };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    const client = connect(gateway.gateway.port, '127.0.0.1').pause();
    const headers = [
      'content-type: application/json',
      `accept: ${acceptBoth}`,
      `content-length: ${body.length}`,
    ];
    client.write(`POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers.join('\r\n')}\r\n\r\n${body}`);
    try {
      const labels = { server: 'up', tool: 'echo', reason: 'upstream_timeout' };
      await waitUntil('the end of the call', async () =>
        (await gateway.metrics()).value('mcpstead_tool_call_errors_total', labels),
      );
      await waitUntil(
        'the word to the upstream',
        () => upstream.messages('notifications/cancelled').length === 1,
      );
    } finally {
      client.destroy();
    }
  }, 15_000);

  test('as set by a reload, from the next call on', async () => {
    const release = Promise.withResolvers<void>();
    await using upstream = await fakeUpstream({
      async onPost({ id, method, params }) {
        if (method !== 'tools/call') return undefined;
        if (!params.arguments.first) return await never();
        await release.promise;
        return rpcResult(id, { content: [{ type: 'text', text: 'in time' }] });
      },
    });
    const server = { name: 'up', url: upstream.url };
    await using gateway = await startGateway({ servers: [server] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const first = session.callText('up__echo', { first: true });
    await waitUntil('the call', () => upstream.executions('echo') === 1);
    await gateway.reload({ servers: [{ ...server, timeouts: { request_seconds: 0.1 } }] });
    const { answer } = await session.request('tools/call', { name: 'up__echo', arguments: {} });
    expect(answer.error.data).toEqual(timedOut);
    release.resolve();
    expect(await first).toBe('in time');
  });
});

describe('an upstream that hangs after it was ready', () => {
  test.each([
    ['a call that times out', { timeouts: { request_seconds: 0.1, connect_seconds: 0.1 } }],
    ['the refresh of its tools', { timeouts: { connect_seconds: 0.1 }, tools: { ttl_seconds: 0.05 } }],
  ])('is noticed by %s, and heals', async (how, settings) => {
    let hangs = false;
    await using upstream = await fakeUpstream({ onPost: () => (hangs ? never() : undefined) });
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, reconnect, ...settings }],
    });
    await gateway.connected();
    hangs = true;
    if (how.startsWith('a call')) {
      await using session = await RawSession.open(gateway.url);
      await session.request('tools/call', { name: 'up__echo' });
    }
    await gateway.waitFor('the notice', ({ servers }) => servers[0]?.connected === false);
    const page = await gateway.metrics();
    expect(page.value('mcpstead_upstream_health_checks_total', { server: 'up', result: 'failure' })).toBe(1);
    hangs = false;
    await gateway.connected();
    expect((await gateway.health()).servers[0]?.reconnects).toBe(1);
  });

  test('is noticed by the end of its stream of server messages', async () => {
    let dead = false;
    const streams: (() => void)[] = [];
    await using upstream = await fakeUpstream({
      onPost: () => (dead ? hangUp : undefined),
      onGet: () =>
        new Response(
          new ReadableStream({
            start(out) {
              out.enqueue(new TextEncoder().encode(': open\n\n'));
              streams.push(() => out.error(new Error('cut')));
            },
          }),
          { headers: { 'content-type': 'text/event-stream' } },
        ),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    await gateway.connected();
    await waitUntil('the stream', () => streams.length === 1);
    dead = true;
    streams[0]?.();
    await gateway.waitFor('the notice', ({ servers }) => servers[0]?.connected === false);
    dead = false;
    await gateway.connected();
  });
});

test('a refused stream of server messages is requested again later', async () => {
  const statuses = [503, 409, 429];
  let streams = 0;
  await using upstream = await fakeUpstream({
    onGet() {
      const status = statuses.shift();
      if (status !== undefined) return new Response('not now', { status });
      streams++;
      return new Response(
        new ReadableStream({ start: (out) => out.enqueue(new TextEncoder().encode(': open\n\n')) }),
        {
          headers: { 'content-type': 'text/event-stream' },
        },
      );
    },
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await waitUntil('the stream', () => streams === 1);
  expect((await gateway.health()).servers[0]?.connected).toBe(true);
  expect(upstream.messages('initialize')).toHaveLength(1);
});
