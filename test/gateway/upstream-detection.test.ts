import { describe, expect, test } from 'bun:test';
import { rpcError, rpcResult } from '../support/answers.ts';
import { type EventChannel, eventChannel } from '../support/event-channel.ts';
import { fakeSse } from '../support/fake-sse.ts';
import { fakeUpstream, type Received } from '../support/fake-upstream.ts';
import { promptReconnect, startGateway } from '../support/gateway.ts';
import { RawSession, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil } from '../support/wait.ts';

failOnStrayErrors();

const reconnect = promptReconnect;

describe('protocol: auto', () => {
  test('speaks Streamable HTTP with a server that does', async () => {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    expect((await gateway.health()).servers[0]).toMatchObject({
      protocol: 'streamable',
      state: 'ready',
      era: 'legacy',
      protocol_version: '2025-11-25',
      last_error: null,
    });
    await using session = await RawSession.open(gateway.url);
    expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');

    const [initialize, ...later] = upstream.received;
    expect(initialize?.headers.get('accept')).toBe('application/json, text/event-stream');
    expect(initialize?.headers.get('mcp-session-id')).toBeNull();
    for (const request of later) {
      expect(request.headers.get('mcp-session-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
    const call = later.find(({ message }) => message.method === 'tools/call');
    expect(call?.headers.get('mcp-protocol-version')).toBe('2025-11-25');
  });

  test.each([400, 404, 405])('falls back to HTTP+SSE if the POST gets %d', async (status) => {
    await using upstream = await fakeSse();
    await using other = await fakeUpstream({
      sessions: false,
      onPost: (_message, request) =>
        request.url.pathname === '/sse' ? new Response('no', { status }) : forward(request.url, request.body),
      onGet: () => fetch(upstream.url),
    });
    const forward = (url: URL, body: string) =>
      fetch(`${upstream.origin}${url.pathname}${url.search}`, { method: 'POST', body });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: `${other.origin}/sse` }] });
    await gateway.connected();
    expect((await gateway.health()).servers[0]).toMatchObject({
      protocol: 'sse',
      protocol_version: '2024-11-05',
    });
    await using session = await RawSession.open(gateway.url);
    expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
  });

  test('finds a server of HTTP+SSE that answers every other POST with 501', async () => {
    await using upstream = await fakeSse();
    const methods: unknown[] = [];
    const answer = ({ method }: RpcMessage, { url, body }: Received) => {
      if (url.pathname !== '/sse')
        return fetch(`${upstream.origin}${url.pathname}${url.search}`, { method: 'POST', body });
      methods.push(method);
      return new Response("Unsupported method ('POST')", { status: 501 });
    };
    await using other = await fakeUpstream({
      sessions: false,
      onDiscover: answer,
      onPost: answer,
      onGet: () => fetch(upstream.url),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: `${other.origin}/sse` }] });
    await gateway.connected();
    expect((await gateway.health()).servers[0]).toMatchObject({ protocol: 'sse', era: 'legacy' });
    expect(methods).toEqual(['server/discover', 'initialize']);
    await using session = await RawSession.open(gateway.url);
    expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
  });

  test('does not take a server for a legacy one because something before it answers 501 for a while', async () => {
    let isAway = true;
    await using upstream = await fakeUpstream({
      onDiscover: ({ id }) =>
        isAway
          ? new Response('not now', { status: 501 })
          : rpcResult(id, { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }),
    });
    const up = { name: 'up', url: upstream.url, tools: { ttl_seconds: 0.1 } };
    await using gateway = await startGateway({ servers: [up] });
    const eraIs = (era: string) =>
      gateway.waitFor(
        `the ${era} era`,
        ({ servers }) => servers[0]?.connected === true && servers[0].era === era,
      );
    await eraIs('legacy');
    isAway = false;
    await eraIs('modern');
  });

  test('falls back to HTTP+SSE if the stream that answers the POST names an endpoint', async () => {
    await using upstream = await fakeSse();
    const streams: EventChannel[] = [];
    await using other = await fakeUpstream({
      sessions: false,
      onPost(_message, { url, body }) {
        if (url.pathname !== '/sse')
          return fetch(`${upstream.origin}${url.pathname}${url.search}`, { method: 'POST', body });
        const stream = eventChannel(': hello\n\nevent: endpoint\ndata: /messages?stream=of-the-post\n\n');
        streams.push(stream);
        return stream.response;
      },
      onGet: () => fetch(upstream.url),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: `${other.origin}/sse` }] });
    await gateway.connected();
    expect((await gateway.health()).servers[0]?.protocol).toBe('sse');
    await using session = await RawSession.open(gateway.url);
    expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
    await waitUntil('the end of the stream', () => streams.length === 1 && streams[0]?.closed);
  });

  test.each([401, 403])('does not take a POST that gets %d for another transport', async (status) => {
    await using upstream = await fakeUpstream({ onPost: () => new Response('who are you?', { status }) });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    const { servers } = await gateway.waitFor(
      'the refusal',
      (health) => health.servers[0]?.last_error !== null,
    );
    expect(servers[0]?.last_error).toBe(`answered HTTP ${status}: "who are you?"`);
    expect(upstream.received.map(({ httpMethod }) => httpMethod)).toEqual(['POST']);
  });

  test('accepts a JSON-RPC error as the answer to initialize, whatever its status', async () => {
    await using upstream = await fakeUpstream({
      onPost: (message) => rpcError(message.id, -32602, 'not today', { status: 400 }),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    const { servers } = await gateway.waitFor(
      'the refusal',
      (health) => health.servers[0]?.last_error !== null,
    );
    expect(servers[0]?.last_error).toBe('refused to initialize: not today (error -32602)');
    // Once more with plain capabilities, but not over HTTP+SSE.
    expect(upstream.received.map(({ httpMethod }) => httpMethod)).toEqual(['POST', 'POST']);
  });

  test('reports both transports if neither works', async () => {
    await using upstream = await fakeUpstream({
      onPost: () => new Response('nothing here', { status: 404 }),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    const { servers } = await gateway.waitFor(
      'the refusal',
      (health) => health.servers[0]?.last_error !== null,
    );
    expect(servers[0]?.last_error).toBe(
      'answered HTTP 404: "nothing here" over Streamable HTTP, and over HTTP+SSE: answered HTTP 405',
    );
  });
});

describe('only a configured transport is tried', () => {
  test('streamable', async () => {
    await using upstream = await fakeSse();
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, protocol: 'streamable', reconnect }],
    });
    await gateway.waitFor('two attempts', () => upstream.messages('initialize').length >= 2);
    expect(upstream.received.every(({ httpMethod }) => httpMethod === 'POST')).toBe(true);
    expect((await gateway.health()).servers[0]).toMatchObject({
      connected: false,
      protocol: 'streamable',
      last_error: 'answered HTTP 405',
    });
  });

  test('sse', async () => {
    await using upstream = await fakeSse();
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, protocol: 'sse' }],
    });
    await gateway.connected();
    expect(upstream.received[0]?.httpMethod).toBe('GET');
    expect(upstream.received.filter(({ url }) => url.pathname === '/sse')).toHaveLength(1);
  });
});

describe('a redirect', () => {
  test.each([307, 308])(
    'with %d within the origin is followed, method, body and credentials included',
    async (status) => {
      await using upstream = await fakeUpstream({
        onPost: (_message, { url }) =>
          url.pathname === '/mcp'
            ? new Response(null, { status, headers: { location: '/mcp/' } })
            : undefined,
      });
      await using gateway = await startGateway({
        servers: [{ name: 'up', url: upstream.url, headers: { 'X-Key': 'key-4711' } }],
      });
      await gateway.connected();
      await using session = await RawSession.open(gateway.url);
      expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
      const moved = upstream.received.filter(({ url }) => url.pathname === '/mcp/');
      expect(moved.map(({ message }) => message.method)).toContain('tools/call');
      expect(moved.every(({ headers }) => headers.get('x-key') === 'key-4711')).toBe(true);
      // Once the transport is known, nothing is probed.
      const posts = upstream.received.filter(
        ({ url, httpMethod }) => url.pathname === '/mcp' && httpMethod === 'POST',
      );
      expect(posts).toHaveLength(1);
    },
  );

  test('is forgotten with the session, so that a server may move back', async () => {
    let home = '/elsewhere';
    await using upstream = await fakeUpstream({
      onPost: (_message, { url }) => {
        if (url.pathname === home) return undefined;
        return url.pathname === '/mcp'
          ? new Response(null, { status: 307, headers: { location: home } })
          : new Response('moved', { status: 404 });
      },
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, reconnect }] });
    await gateway.connected();
    home = '/mcp';
    await using session = await RawSession.open(gateway.url);
    expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
  });

  test.each([301, 302, 307, 308])(
    'with %d to another origin is not followed, and no credential goes there',
    async (status) => {
      await using other = await fakeUpstream();
      await using upstream = await fakeUpstream({
        onPost: () => new Response(null, { status, headers: { location: other.url } }),
        onGet: () => new Response(null, { status, headers: { location: other.url } }),
      });
      for (const protocol of ['auto', 'sse']) {
        await using gateway = await startGateway(
          {
            servers: [
              {
                name: 'up',
                url: upstream.url,
                protocol,
                headers: { 'X-Key': 'key-4711' },
                auth: { type: 'bearer', token_env: 'UP_TOKEN' },
              },
            ],
          },
          { UP_TOKEN: 'token-0815' },
        );
        const { servers } = await gateway.waitFor(
          'the cause',
          (health) => health.servers[0]?.last_error !== null,
        );
        expect(servers[0]?.last_error).toBe(
          `redirects to another origin (HTTP ${status}), which is not followed: ${other.origin}/`,
        );
      }
      expect(other.received).toEqual([]);
    },
  );

  test('in a loop ends', async () => {
    await using upstream = await fakeUpstream({
      onPost: () => new Response(null, { status: 307, headers: { location: '/mcp' } }),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    const { servers } = await gateway.waitFor(
      'the cause',
      (health) => health.servers[0]?.last_error !== null,
    );
    expect(servers[0]?.last_error).toBe('redirects more than 5 times');
  });
});

describe('the endpoint that an HTTP+SSE server names', () => {
  test('is refused if it has another origin', async () => {
    await using other = await fakeUpstream();
    await using upstream = await fakeSse({ endpoint: `${other.origin}/messages` });
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, headers: { 'X-Key': 'key-4711' }, reconnect }],
    });
    const { servers } = await gateway.waitFor(
      'the cause',
      (health) => health.servers[0]?.last_error !== null,
    );
    expect(servers[0]?.last_error).toBe(
      'answered HTTP 405 over Streamable HTTP, and over HTTP+SSE: names an endpoint of another origin, which is not followed',
    );
    expect(other.received).toEqual([]);
  });

  test.each(['/messages?stream=0', 'messages?stream=0', 'ABSOLUTE'])('may be %s', async (endpoint) => {
    const options: { endpoint: string } = { endpoint };
    await using upstream = await fakeSse(options);
    if (endpoint === 'ABSOLUTE') options.endpoint = `${upstream.origin}/messages?stream=0`;
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    expect(upstream.messages('tools/list')).toHaveLength(1);
  });

  test('may be missing: the attempt ends with the connect timeout', async () => {
    await using upstream = await fakeUpstream({
      onGet: () =>
        new Response(
          new ReadableStream({ start: (out) => out.enqueue(new TextEncoder().encode(': hi\n\n')) }),
        ),
    });
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, protocol: 'sse', timeouts: { connect_seconds: 0.1 } }],
    });
    const { servers } = await gateway.waitFor(
      'the cause',
      (health) => health.servers[0]?.last_error !== null,
    );
    expect(servers[0]?.last_error).toBe('did not initialize within 0.1 s');
  });
});
