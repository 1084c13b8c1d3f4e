import { describe, expect, test } from 'bun:test';
import { hangUp, never, rpcError, rpcResult, sse } from '../support/answers.ts';
import { eventChannel } from '../support/event-channel.ts';
import { fakeSse } from '../support/fake-sse.ts';
import { echoTool, type FakeAnswer, type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { promptReconnect, startGateway } from '../support/gateway.ts';
import { RawSession, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil } from '../support/wait.ts';

failOnStrayErrors();

const tools = [echoTool, { ...echoTool, name: 'read_only', annotations: { readOnlyHint: true } }];
/** Short timeouts for swallowed calls and checks. */
const timeouts = { request_seconds: 0.3, connect_seconds: 0.3 };

const call = (session: RawSession, tool = 'echo', args: object = {}) =>
  session.request('tools/call', { name: `up__${tool}`, arguments: args });

type Dialect = (message: RpcMessage) => FakeAnswer | Promise<FakeAnswer>;

/** Answers of servers that may mean an unknown session, by their words, codes or statuses. */
const telling: Record<string, Dialect> = {
  '200 with -32602 "Invalid or expired session"': ({ id }) =>
    rpcError(id, -32602, 'Invalid or expired session'),
  '200 with -32600 "Session mismatch"': ({ id }) => rpcError(id, -32600, 'Session mismatch'),
  '200 with -32000 "Received request before initialization was complete"': ({ id }) =>
    rpcError(id, -32000, 'Received request before initialization was complete'),
  '500 with a text': () => new Response('Error: unknown session', { status: 500 }),
  '500 with a JSON-RPC error': ({ id }) => rpcError(id, -32603, 'Session not found', { status: 500 }),
  'a bare 401': () => new Response(null, { status: 401 }),
  'a 401 with a JSON-RPC error': ({ id }) => rpcError(id, -32000, 'Unauthorized', { status: 401 }),
  '400 with a text': () => new Response('stale session', { status: 400 }),
  '422 with JSON': () => Response.json({ detail: 'No such session' }, { status: 422 }),
};

/** Ambiguous answers. */
const vague: Record<string, Dialect> = {
  '200 with -32600': ({ id }) => rpcError(id, -32600, 'Invalid Request'),
  '200 with -32602': ({ id }) => rpcError(id, -32602, 'Invalid request parameters'),
  '200 with an empty body': () => new Response(null),
  '200 with HTML': () =>
    new Response('<html>Please log in</html>', { headers: { 'content-type': 'text/html' } }),
  '200 with an empty object': () => Response.json({}),
  '204': () => new Response(null, { status: 204 }),
  'a bare 400': () => new Response(null, { status: 400 }),
  'a bare 403': () => new Response(null, { status: 403 }),
  '400 with a text': () => new Response('Bad Request', { status: 400 }),
  'a bare 500': () => new Response(null, { status: 500 }),
  '500 with HTML': () => new Response('<h1>Internal Server Error</h1>', { status: 500 }),
  '500 with a JSON-RPC error': ({ id }) => rpcError(id, -32603, 'Internal error', { status: 500 }),
  'the end of the connection': () => hangUp,
  'a stream without an answer': () => sse(': sorry\n\n'),
  'a redirect to a page': () =>
    new Response(null, { status: 302, headers: { location: 'http://127.0.0.1:1/login' } }),
  'an error for nobody': () => rpcError(null, -32000, 'Bad Request'),
  'a 503': () => new Response('Service Unavailable', { status: 503 }),
};

/** No answer at all. */
const silent: Record<string, Dialect> = {
  '202, and no answer': () => new Response(null, { status: 202 }),
  'no answer': never,
};

const forgetful = (dialect: Dialect) => fakeUpstream({ tools, onUnknownSession: dialect });

describe('a session that the upstream has forgotten, and says so with', () => {
  test.each(Object.entries(telling))('%s, is replaced, and the call is answered', async (_name, dialect) => {
    await using upstream = await forgetful(dialect);
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    upstream.forgetSessions();
    expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
    expect(upstream.executions('echo')).toBe(1);
    expect(upstream.messages('initialize')).toHaveLength(2);
    expect((await gateway.health()).servers[0]).toMatchObject({ connected: true, last_error: null });
  });

  test.each(Object.entries({ ...vague, ...silent }))(
    '%s, is replaced: the call fails, for it may have been executed, and the next one is answered',
    async (_name, dialect) => {
      await using upstream = await forgetful(dialect);
      await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, timeouts }] });
      await gateway.connected();
      await using session = await RawSession.open(gateway.url);
      upstream.forgetSessions();
      expect((await call(session)).answer.error).toBeDefined();
      expect(upstream.messages('tools/call')).toHaveLength(1);
      expect(await session.callText('up__echo', { a: 2 })).toBe('{"a":2}');
      expect(upstream.messages('initialize')).toHaveLength(2);
    },
  );

  test.each(Object.entries(vague))(
    '%s, is replaced, and the call is answered if its tool is read-only',
    async (_name, dialect) => {
      await using upstream = await forgetful(dialect);
      await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
      await gateway.connected();
      await using session = await RawSession.open(gateway.url);
      upstream.forgetSessions();
      expect(await session.callText('up__read_only', { a: 1 })).toBe('{"a":1}');
      expect(upstream.messages('initialize')).toHaveLength(2);
    },
  );

  test.each(Object.entries({ ...telling, ...vague, ...silent }))(
    '%s, is replaced when its tools are refreshed',
    async (_name, dialect) => {
      await using upstream = await forgetful(dialect);
      await using gateway = await startGateway({
        servers: [{ name: 'up', url: upstream.url, timeouts, tools: { ttl_seconds: 0.05 } }],
      });
      await gateway.connected();
      upstream.forgetSessions();
      await waitUntil('a new session', () => upstream.messages('initialize').length === 2);
      await gateway.connected();
    },
  );
});

describe('over HTTP+SSE, a session that the upstream has forgotten, and says so with', () => {
  const answers: Record<
    string,
    { onPost?: Dialect; onRequest?: (message: RpcMessage) => RpcMessage | null }
  > = {
    'HTTP 500': { onPost: () => new Response('no', { status: 500 }) },
    'a bare 401': { onPost: () => new Response(null, { status: 401 }) },
    'an error on the stream': {
      onRequest: ({ id }) => ({
        jsonrpc: '2.0',
        ...(id !== undefined && { id }),
        error: { code: -32602, message: 'Invalid or expired session' },
      }),
    },
    nothing: { onRequest: () => null },
  };

  test.each(Object.entries(answers))('%s, is replaced', async (name, { onPost, onRequest }) => {
    let streams = 0;
    const isOld = () => streams > 0 && upstream.streams.length === streams;
    const upstream = await fakeSse({
      onPost: (message) => (isOld() && message.id !== undefined ? onPost?.(message) : undefined),
      onRequest: (message) => (isOld() ? onRequest?.(message) : undefined),
    });
    await using _upstream = upstream;
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, protocol: 'sse', timeouts }],
    });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    streams = upstream.streams.length;
    const first = (await call(session)).answer;
    const isTold = name === 'a bare 401' || name === 'an error on the stream';
    expect(first.result === undefined).toBe(!isTold);
    expect(await session.callText('up__echo', { a: 2 })).toBe('{"a":2}');
    expect(upstream.streams).toHaveLength(streams + 1);
  });
});

test.concurrent.each(Object.entries(telling))(
  'a session that is unknown to calls alone is replaced after a second of that: %s',
  async (_name, dialect) => {
    let isForgotten = false;
    const sessions = () => upstream.messages('initialize').length;
    const upstream = await fakeUpstream({
      tools,
      onPost: (message) =>
        message.method === 'tools/call' && isForgotten && sessions() === 1 ? dialect(message) : undefined,
    });
    await using _upstream = upstream;
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    await session.callText('up__echo', {});
    isForgotten = true;
    await waitUntil('a call that is answered', async () => (await call(session)).answer.result !== undefined);
    expect(sessions()).toBe(2);
  },
);

test('fifty concurrent calls in a forgotten session cost one check and one new session', async () => {
  await using upstream = await forgetful(telling['200 with -32602 "Invalid or expired session"'] as Dialect);
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  upstream.forgetSessions();
  const texts = await Promise.all(
    Array.from({ length: 50 }, (_, index) => session.callText('up__echo', { index })),
  );
  expect(texts).toEqual(Array.from({ length: 50 }, (_, index) => `{"index":${index}}`));
  expect(upstream.executions('echo')).toBe(50);
  expect(upstream.messages('initialize')).toHaveLength(2);
  // One of the first session, the check, and one of the second session.
  expect(upstream.messages('tools/list')).toHaveLength(3);
});

describe('a tool that always answers', () => {
  const answers: Record<string, { answer: Dialect; told: object }> = {
    '-32602': {
      answer: ({ id }) => rpcError(id, -32602, 'Invalid arguments for tool echo'),
      told: { code: -32602, message: 'Invalid arguments for tool echo' },
    },
    '-32001 "Session not found"': {
      answer: ({ id }) => rpcError(id, -32001, 'Session not found'),
      told: { code: -32001, message: 'Session not found' },
    },
    'HTTP 500': {
      answer: () => new Response('oops', { status: 500 }),
      told: { code: -32000, data: { server: 'up', reason: 'upstream_protocol_error' } },
    },
    'HTTP 500 with an error of its own': {
      answer: ({ id }) => rpcError(id, -32603, 'oops', { status: 500 }),
      told: { code: -32603, message: 'oops' },
    },
    'HTTP 404': {
      answer: () => new Response('no such item', { status: 404 }),
      told: { code: -32000, data: { server: 'up', reason: 'upstream_protocol_error' } },
    },
    'HTTP 404 with an error of its own': {
      answer: ({ id }) => rpcError(id, -32002, 'no such item', { status: 404 }),
      told: { code: -32002, message: 'no such item' },
    },
    'HTTP 401': {
      answer: () => new Response('log in first', { status: 401 }),
      told: { code: -32000, data: { server: 'up', reason: 'upstream_auth_failed' } },
    },
    'an empty body': {
      answer: () => new Response(null),
      told: { code: -32000, data: { server: 'up', reason: 'upstream_protocol_error' } },
    },
  };

  test.each(Object.entries(answers))(
    '%s costs no new session and hardly a check, and its error is passed on unchanged',
    async (_name, { answer, told }) => {
      await using upstream = await fakeUpstream({
        tools,
        onPost: (message) =>
          message.method === 'tools/call' && message.params.name === 'echo' ? answer(message) : undefined,
      });
      await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
      await gateway.connected();
      await using session = await RawSession.open(gateway.url);
      for (let calls = 0; calls < 30; calls++) {
        expect((await call(session)).answer.error).toMatchObject(told);
        expect(await session.callText('up__read_only', { calls })).toBe(`{"calls":${calls}}`);
      }
      expect(upstream.executions('echo')).toBe(30);
      expect(upstream.messages('initialize')).toHaveLength(1);
      // At most one per second, and these calls take less.
      expect(upstream.messages('tools/list').length).toBeWithin(2, 10);
      expect((await gateway.health()).servers[0]).toMatchObject({
        connected: true,
        reconnects: 0,
        last_error: null,
      });
    },
  );

  test('a redirect to a page of the same server leads no other request there', async () => {
    await using upstream = await fakeUpstream({
      tools,
      onPost({ method, params }, { url }) {
        if (url.pathname === '/login') return new Response('<h1>Please log in</h1>');
        const isOdd = method === 'tools/call' && params.name === 'echo';
        return isOdd ? new Response(null, { status: 302, headers: { location: '/login' } }) : undefined;
      },
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    for (let calls = 0; calls < 5; calls++) {
      expect((await call(session)).answer.error.data.reason).toBe('upstream_protocol_error');
      expect(await session.callText('up__read_only', { calls })).toBe(`{"calls":${calls}}`);
    }
    expect(upstream.messages('initialize')).toHaveLength(1);
  });

  test('after an error the session is checked again later, even if no more calls fail', async () => {
    let fails = true;
    await using upstream = await fakeUpstream({
      tools,
      onPost: ({ id, method }) =>
        fails && method === 'tools/call' ? rpcError(id, -32602, 'Invalid arguments') : undefined,
      onUnknownSession: ({ id }) => rpcError(id, -32602, 'Invalid arguments'),
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    await call(session);
    fails = false;
    // The first check has just passed, so this failure counts as the same kind.
    upstream.forgetSessions();
    expect((await call(session)).answer.error).toEqual({ code: -32602, message: 'Invalid arguments' });
    await waitUntil('a new session', () => upstream.messages('initialize').length === 2);
    await gateway.connected();
  });
});

test('errors of the tool and cancellations by the client cause no check', async () => {
  await using upstream = await fakeUpstream({
    tools,
    onPost({ id, method, params }) {
      if (method !== 'tools/call') return undefined;
      if (params.name === 'read_only') return never();
      return rpcResult(id, {
        isError: true,
        content: [{ type: 'text', text: 'Invalid or expired session' }],
      });
    },
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  expect((await call(session)).answer.result.isError).toBe(true);
  const waiting = session.request('tools/call', { name: 'up__read_only' }, 'mine');
  await waitUntil('the call', () => upstream.executions('read_only') === 1);
  await session.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'mine' } });
  expect((await waiting).answer.error.data).toEqual({ server: 'up', reason: 'cancelled' });
  expect(upstream.messages('tools/list')).toHaveLength(1);
});

test('a client that cancels a call need not wait for the check', async () => {
  let hangs = false;
  await using upstream = await fakeUpstream({
    tools,
    onPost: ({ id, method }) => {
      if (method === 'tools/call') return rpcError(id, -32602, 'Invalid arguments');
      return hangs && method === 'tools/list' ? never() : undefined;
    },
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  hangs = true;
  const waiting = session.request('tools/call', { name: 'up__echo', arguments: {} }, 'mine');
  await waitUntil('the check', () => upstream.messages('tools/list').length === 2);
  await session.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'mine' } });
  expect((await waiting).answer.error.data).toEqual({ server: 'up', reason: 'cancelled' });
});

test('a check is repeated if its connection breaks, since the server may have closed it while idle', async () => {
  let breaks = 0;
  await using upstream = await fakeUpstream({
    tools,
    onPost({ id, method }) {
      if (method === 'tools/list' && breaks-- > 0) return hangUp;
      return method === 'tools/call' ? rpcError(id, -32603, 'Internal error') : undefined;
    },
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  breaks = 1;
  expect((await call(session)).answer.error.code).toBe(-32603);
  expect(upstream.messages('tools/list')).toHaveLength(3);
  expect(upstream.messages('initialize')).toHaveLength(1);
  expect((await gateway.health()).servers[0]).toMatchObject({ connected: true, reconnects: 0 });
});

test('an upstream that accepts no more requests for now keeps its session', async () => {
  let limited = false;
  await using upstream = await fakeUpstream({
    tools,
    onPost: () => (limited ? new Response('slow down', { status: 429 }) : undefined),
  });
  await using gateway = await startGateway({
    servers: [{ name: 'up', url: upstream.url, tools: { ttl_seconds: 0.05 } }],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  limited = true;
  const lists = upstream.messages('tools/list').length;
  expect((await call(session)).answer.error.data.reason).toBe('upstream_protocol_error');
  await waitUntil('a refresh', () => upstream.messages('tools/list').length > lists);
  limited = false;
  expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
  expect(upstream.messages('initialize')).toHaveLength(1);
});

test('a server without tools is checked with a ping instead', async () => {
  let forgot = false;
  await using upstream: FakeUpstream = await fakeUpstream({
    onPost({ id, method, params }) {
      if (method === 'initialize') {
        forgot = false;
        const result = {
          protocolVersion: params.protocolVersion,
          capabilities: {},
          serverInfo: { name: 'none', version: '1' },
        };
        return rpcResult(id, result, { headers: { 'mcp-session-id': crypto.randomUUID() } });
      }
      if (method === 'tools/list') return rpcError(id, -32601, 'Method not found');
      return forgot && id !== undefined ? rpcError(id, -32602, 'Invalid or expired session') : undefined;
    },
    sessions: false,
  });
  await using gateway = await startGateway({
    servers: [{ name: 'up', url: upstream.url, tools: { ttl_seconds: 0.05 } }],
  });
  await gateway.waitFor('the connection', ({ servers }) => servers[0]?.connected === true);
  forgot = true;
  await waitUntil('a new session', () => upstream.messages('initialize').length === 2);
});

test('a session that fails its check is not shown as connected, even without a new one', async () => {
  let isDown = false;
  await using upstream = await fakeUpstream({
    onPost: ({ method, id }) => (isDown && method === 'initialize' ? rpcError(id, -32603, 'no') : undefined),
    onUnknownSession: ({ id }) => rpcError(id, -32602, 'Invalid or expired session'),
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  isDown = true;
  upstream.forgetSessions();
  const { error } = (await call(session)).answer;
  expect(error.message).toStartWith('upstream "up": not connected: refused to initialize: no (error -32603)');
  expect((await gateway.health()).servers[0]).toMatchObject({ connected: false, state: 'backoff' });
});

test('an upstream that forgets each session at once is not initialized in a loop', async () => {
  const used = new Set<string | null>();
  await using upstream = await fakeUpstream({
    onPost({ id, method }, { headers }) {
      const session = headers.get('mcp-session-id');
      if (method === 'tools/call') used.add(session);
      return used.has(session) ? rpcError(id, -32602, 'Invalid or expired session') : undefined;
    },
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  for (let calls = 0; calls < 30; calls++) expect((await call(session)).answer.error).toBeDefined();
  // The first session, its replacement at once, and then at most one per second.
  expect(upstream.messages('initialize').length).toBeWithin(2, 15);
});

test('running calls may finish in a session with a check that takes too long', async () => {
  const release = Promise.withResolvers<void>();
  let isBusy = false;
  await using upstream = await fakeUpstream({
    tools,
    async onPost({ id, method, params }) {
      if (method === 'tools/list' && isBusy) {
        isBusy = false;
        return never();
      }
      if (method !== 'tools/call' || params.arguments.hold === undefined) return undefined;
      if (params.arguments.hold) await release.promise;
      return params.arguments.hold
        ? rpcResult(id, { content: [{ type: 'text', text: 'held' }] })
        : rpcError(id, -32000, 'no');
    },
  });
  await using gateway = await startGateway({
    servers: [
      { name: 'up', url: upstream.url, timeouts: { connect_seconds: 1 }, reconnect: promptReconnect },
    ],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const held = session.callText('up__echo', { hold: true });
  await waitUntil('the call', () => upstream.executions('echo') === 1);
  isBusy = true;
  expect((await call(session, 'echo', { hold: false })).answer.error).toEqual({
    code: -32000,
    message: 'no',
  });
  expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
  expect(upstream.messages('initialize')).toHaveLength(2);
  release.resolve();
  expect(await held).toBe('held');
});

test('a list of tools that failed once in a live session is fetched again soon', async () => {
  const stream = eventChannel();
  const listed = [echoTool];
  let refusals = 0;
  await using upstream = await fakeUpstream({
    tools: listed,
    onGet: () => stream.response,
    onPost: ({ method }) =>
      method === 'tools/list' && refusals-- > 0 ? new Response('oops', { status: 500 }) : undefined,
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  refusals = 1;
  listed.push({ ...echoTool, name: 'new' });
  stream.send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
  await gateway.waitFor('the new tool', ({ servers }) => servers[0]?.tools_count === 2);
  expect((await gateway.health()).servers[0]).toMatchObject({ connected: true, last_error: null });
  expect(upstream.messages('initialize')).toHaveLength(1);
});
