import { describe, expect, test } from 'bun:test';
import { hangUp, never, rpcError, rpcResult, sse, sseEvent } from '../support/answers.ts';
import { connectV1 } from '../support/clients.ts';
import { type EventChannel, eventChannel } from '../support/event-channel.ts';
import {
  echoTool,
  type FakeAnswer,
  type FakeUpstream,
  type FakeUpstreamOptions,
  fakeUpstream,
} from '../support/fake-upstream.ts';
import { promptReconnect, startGateway } from '../support/gateway.ts';
import { RawSession, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil } from '../support/wait.ts';

failOnStrayErrors();

const result = { content: [{ type: 'text', text: 'wéll' }] };
const answerTo = ({ id }: RpcMessage) => ({ jsonrpc: '2.0', id, result });
const json = (message: RpcMessage) => JSON.stringify(answerTo(message));
const accepted = () => new Response(null, { status: 202 });
const progress = (progressToken: unknown) => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken, progress: 1 },
});

/** A server that answers calls with `onCall`, and has the GET stream of its last session if it offers one. */
interface OddServer {
  readonly upstream: FakeUpstream;
  /** The GET stream, once it is open. */
  stream(): Promise<EventChannel>;
}

type OnCall = (message: RpcMessage, server: OddServer) => FakeAnswer | Promise<FakeAnswer>;

async function oddServer(onCall: OnCall, options: FakeUpstreamOptions = {}): Promise<OddServer> {
  const streams: EventChannel[] = [];
  const server: OddServer = {
    upstream: await fakeUpstream({
      onGet() {
        const stream = eventChannel();
        streams.push(stream);
        return stream.response;
      },
      onPost: (message) => (message.method === 'tools/call' ? onCall(message, server) : undefined),
      ...options,
    }),
    stream: () => waitUntil('the GET stream', () => streams.at(-1)) as Promise<EventChannel>,
  };
  return server;
}

/** The answer that a client of the gateway gets to a call of the server's tool. */
async function throughGateway({ upstream }: OddServer, settings: Record<string, unknown> = {}) {
  await using gateway = await startGateway({
    servers: [{ name: 'up', url: upstream.url, reconnect: promptReconnect, ...settings }],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const { before, answer } = await session.request('tools/call', {
    name: 'up__echo',
    arguments: {},
    _meta: { progressToken: 'mine' },
  });
  return { before, answer, executions: upstream.executions('echo') };
}

/** Answers over the session's stream, and to the POST with `post`. */
const overStream =
  (
    post: () => FakeAnswer | Promise<FakeAnswer>,
    body = answerTo as (message: RpcMessage) => object,
  ): OnCall =>
  async (message, server) => {
    (await server.stream()).send(body(message));
    return post();
  };

/** The same, but later. */
const overStreamAfter =
  (post: () => FakeAnswer): OnCall =>
  (message, server) => {
    setTimeout(async () => (await server.stream()).send(answerTo(message)), 100);
    return post();
  };

describe('an answer is accepted, as by the SDK client, if', () => {
  const dialects: Record<string, OnCall> = {
    'its id is decimal text': ({ id }) => rpcResult(String(id), result),
    'its id is decimal text, in an event': (message) =>
      sse(sseEvent({ ...answerTo(message), id: `${message.id}` })),
    'it comes on the stream of the session after a 202': overStream(accepted),
    'it comes on the stream of the session after a 202 with a text': overStream(
      () => new Response('Accepted', { status: 202 }),
    ),
    'it comes on the stream of the session, under an id that is decimal text': overStream(
      accepted,
      (message) => ({
        ...answerTo(message),
        id: String(message.id),
      }),
    ),
    'it comes on the stream of the session, long before the 202': overStream(async () => {
      await Bun.sleep(100);
      return accepted();
    }),
    'it comes on the stream of the session, and the POST is never answered': overStream(never),
    'it comes on the stream of the session, and the stream of the request says nothing': overStream(
      () => eventChannel().response,
    ),
    'it comes on the stream of the session long after the 202': overStreamAfter(accepted),
    'it comes on the stream of the session after one of its own that brought nothing': overStreamAfter(() =>
      sse(': sorry\n\n'),
    ),
    'it comes on the stream of the session after one of its own that was empty': overStreamAfter(() =>
      sse(''),
    ),
    'an event is no JSON': (message) => sse('data: ping\n\n', sseEvent(answerTo(message))),
    'an event is JSON, and no JSON-RPC': (message) =>
      sse('data: {"type":"heartbeat"}\n\n', 'data: 42\n\n', 'data: null\n\n', sseEvent(answerTo(message))),
    'an event is an array of anything': (message) => sse('data: [1,{},"x"]\n\n', sseEvent(answerTo(message))),
    'an event is a notification without a method': (message) =>
      sse(sseEvent({ jsonrpc: '2.0', params: {} }), sseEvent(answerTo(message))),
    'an event is a request that is none': (message) =>
      sse(sseEvent({ jsonrpc: '2.0', id: null, method: 'ping' }), sseEvent(answerTo(message))),
  };

  test.each(Object.entries(dialects))('%s', async (_name, onCall) => {
    const forSdk = await oddServer(onCall);
    await using _sdk = forSdk.upstream;
    await using client = await connectV1(forSdk.upstream.url);
    expect((await client.call('echo', {})).text).toBe('wéll');

    const forGateway = await oddServer(onCall);
    await using _gateway = forGateway.upstream;
    const { answer, executions } = await throughGateway(forGateway);
    expect(answer.result).toEqual(result);
    expect(executions).toBe(1);
  });
});

describe('an answer is accepted, although not by every SDK client, if', () => {
  const dialects: Record<string, OnCall> = {
    'an error that is null stands beside it': ({ id }) =>
      Response.json({ jsonrpc: '2.0', id, result, error: null }),
    'all that is absent is null': (message) =>
      sse(sseEvent({ ...answerTo(message), method: null, params: null, error: null })),
    'its event is cut off by the end of the stream': (message) => sse(`data: ${json(message)}`),
    'its event has no blank line': (message) => sse(`id: 7\r\ndata: ${json(message)}\r\n`),
    'its event has no blank line, in a body of known length that is labeled JSON': (message) =>
      new Response(`data: ${json(message)}\n`, { headers: { 'content-type': 'application/json' } }),
    'a member of its batch is no JSON-RPC': (message) =>
      Response.json([{ type: 'heartbeat' }, 7, answerTo(message)]),
  };

  test.each(Object.entries(dialects))('%s', async (_name, onCall) => {
    const server = await oddServer(onCall);
    await using _upstream = server.upstream;
    const { answer, executions } = await throughGateway(server);
    expect(answer.result).toEqual(result);
    expect(executions).toBe(1);
  });

  test('it comes on the stream of another request', async () => {
    const streams: EventChannel[] = [];
    const messages: RpcMessage[] = [];
    const server = await oddServer((message) => {
      messages.push(message);
      const stream = eventChannel();
      streams.push(stream);
      return stream.response;
    });
    await using upstream = server.upstream;
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const calls = [session.callText('up__echo'), session.callText('up__echo')];
    await waitUntil('both calls', () => messages.length === 2);
    const text = (value: string) => ({ content: [{ type: 'text', text: value }] });
    const [a, b] = messages as [RpcMessage, RpcMessage];
    streams[0]?.send({ jsonrpc: '2.0', id: b.id, result: text('for the second') });
    streams[0]?.send({ jsonrpc: '2.0', id: a.id, result: text('for the first') });
    streams[0]?.end();
    expect((await Promise.all(calls)).sort()).toEqual(['for the first', 'for the second']);
  });
});

test('a server that answers everything but initialize over the stream of the session works', async () => {
  const requests = { 'tools/list': { tools: [echoTool] }, 'tools/call': result, ping: {} };
  const server = await oddServer(() => undefined, {
    async onPost({ id, method }) {
      if (!Object.hasOwn(requests, method ?? '')) return undefined;
      const stream = await server.stream();
      setTimeout(
        () => stream.send({ jsonrpc: '2.0', id, result: requests[method as keyof typeof requests] }),
        5,
      );
      return accepted();
    },
  });
  await using upstream = server.upstream;
  await using gateway = await startGateway({
    servers: [{ name: 'up', url: upstream.url, tools: { ttl_seconds: 0.05 } }],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const texts = await Promise.all(Array.from({ length: 20 }, () => session.callText('up__echo')));
  expect(texts).toEqual(Array.from({ length: 20 }, () => 'wéll'));
  const lists = upstream.messages('tools/list').length;
  await waitUntil('refreshes', () => upstream.messages('tools/list').length > lists + 2);
  expect(upstream.messages('initialize')).toHaveLength(1);
  expect(upstream.executions('echo')).toBe(20);
});

describe('an error', () => {
  const error = { code: -32042, message: 'no such thing', data: [1] };
  const errors: Record<string, OnCall> = {
    'beside a result that is null': ({ id }) => Response.json({ jsonrpc: '2.0', id, result: null, error }),
    'whose id is decimal text': ({ id }) => Response.json({ jsonrpc: '2.0', id: String(id), error }),
    'without an id, in an event': () => sse(sseEvent({ jsonrpc: '2.0', error })),
    'whose id is null, in an event, after progress': () =>
      sse(sseEvent(progress(1)), sseEvent({ jsonrpc: '2.0', id: null, error })),
    'on the stream of the session': overStream(accepted, ({ id }) => ({ jsonrpc: '2.0', id, error })),
  };
  test.each(Object.entries(errors))('%s is the answer', async (_name, onCall) => {
    const server = await oddServer(onCall);
    await using _upstream = server.upstream;
    const { answer } = await throughGateway(server);
    expect(answer.error).toMatchObject(error);
  });
});

describe('a call fails at once, with a reason, if', () => {
  const noStream = { onGet: () => undefined };
  const rubbish: Record<string, [OnCall, FakeUpstreamOptions, string]> = {
    'it is accepted by a server that offers no stream': [
      accepted,
      noStream,
      'answered a request with HTTP 202 and no body, and offers no stream that could bring the answer',
    ],
    'its stream brings nothing but rubbish': [
      () => sse('data: ping\n\n', 'data: pong\n\n'),
      {},
      'ended its stream without an answer, but with something that is not JSON-RPC: it is not JSON',
    ],
    'its last event is cut off within': [
      (message) => sse(`data: ${json(message).slice(0, 40)}`),
      {},
      'ended its stream without an answer',
    ],
    'its answer is no JSON-RPC, on a stream that goes on': [
      ({ id }) => eventChannel(sseEvent({ jsonrpc: '2.0', id, error: { message: 'no code' } })).response,
      {},
      'answered with something that is not JSON-RPC: "error" must have a "code", which is an integer, and a "message"',
    ],
    'its answer lacks the version, on the stream of the session': [
      overStream(accepted, ({ id }) => ({ id, result })),
      {},
      'answered with something that is not JSON-RPC: "jsonrpc" must be "2.0"',
    ],
  };
  test.each(Object.entries(rubbish))('%s', async (_name, [onCall, options, why]) => {
    const server = await oddServer(onCall, options);
    await using _upstream = server.upstream;
    const { answer } = await throughGateway(server);
    expect(answer.error).toEqual({
      code: -32000,
      message: `upstream "up": ${why}`,
      data: { server: 'up', reason: 'upstream_protocol_error' },
    });
  });

  test('it was accepted and the stream of the session is refused after that', async () => {
    let refuse: () => void = () => {};
    const refused = new Promise<void>((resolve) => (refuse = resolve));
    const server = await oddServer(
      () => {
        setTimeout(refuse, 50);
        return accepted();
      },
      {
        async onGet() {
          await refused;
          return new Response(null, { status: 405 });
        },
      },
    );
    await using _upstream = server.upstream;
    const { answer } = await throughGateway(server);
    expect(answer.error.data).toEqual({ server: 'up', reason: 'upstream_protocol_error' });
  });
});

test('an accepted call is cancelled upstream after its deadline', async () => {
  const server = await oddServer(accepted);
  await using upstream = server.upstream;
  await using gateway = await startGateway({
    servers: [{ name: 'up', url: upstream.url, timeouts: { request_seconds: 0.2 } }],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const { answer } = await session.request('tools/call', { name: 'up__echo' });
  expect(answer.error.data).toEqual({ server: 'up', reason: 'upstream_timeout' });
  await waitUntil('the word', () => upstream.messages('notifications/cancelled').length === 1);
});

test("progress has the client's token even if ours comes back as decimal text", async () => {
  const server = await oddServer((message) =>
    sse(sseEvent(progress(String(message.params._meta.progressToken))), sseEvent(answerTo(message))),
  );
  await using _upstream = server.upstream;
  const { before } = await throughGateway(server);
  expect(before.map(({ params }) => params)).toEqual([{ progressToken: 'mine', progress: 1 }]);
});

describe('notifications/initialized', () => {
  const refusals: Record<string, () => FakeAnswer> = {
    'HTTP 400': () => new Response('Bad Request', { status: 400 }),
    'HTTP 401': () => new Response(null, { status: 401 }),
    'HTTP 404': () => new Response(null, { status: 404 }),
    'HTTP 405': () => new Response(null, { status: 405 }),
    'HTTP 500': () => new Response('oops', { status: 500 }),
    'HTTP 503': () => new Response(null, { status: 503 }),
    'a JSON-RPC error with HTTP 400': () => rpcError(null, -32600, 'Invalid Request', { status: 400 }),
    'by hanging up': () => hangUp,
  };
  test.each(Object.entries(refusals))(
    'does not end the session if it is answered %s',
    async (_name, refusal) => {
      const server = await oddServer(json as never, {
        onPost: (message) => (message.method === 'notifications/initialized' ? refusal() : undefined),
      });
      await using upstream = server.upstream;
      const { answer } = await throughGateway(server);
      expect(answer.result.content[0].text).toBe('{}');
      expect(upstream.messages('initialize')).toHaveLength(1);
    },
  );
});

test('a server that stops between initialize and notifications/initialized is not connected', async () => {
  await using upstream = await fakeUpstream({
    async onPost(message) {
      if (message.method !== 'notifications/initialized') return undefined;
      await upstream.stop();
      return undefined;
    },
  });
  await using gateway = await startGateway({
    servers: [{ name: 'up', url: upstream.url, reconnect: promptReconnect }],
  });
  const { servers } = await gateway.waitFor('the cause', (health) => health.servers[0]?.last_error !== null);
  expect(servers[0]?.connected).toBe(false);
});

test('the stream of a session starts over if the server does not know its last event', async () => {
  const streams: EventChannel[] = [];
  await using upstream = await fakeUpstream({
    onGet({ headers }) {
      if (headers.has('last-event-id')) return new Response('unknown event', { status: 400 });
      const stream = eventChannel('retry: 1\nid: event-7\ndata:\n\n');
      streams.push(stream);
      return stream.response;
    },
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await waitUntil('the stream', () => streams.length === 1);
  streams[0]?.end();
  await waitUntil('the stream that begins anew', () => streams.length === 2);
  const ids = upstream.received
    .filter(({ httpMethod }) => httpMethod === 'GET')
    .map(({ headers }) => headers.get('last-event-id'));
  expect(ids).toEqual([null, 'event-7', null]);
});

test('an empty session id counts as none', async () => {
  await using upstream = await fakeUpstream({
    sessions: false,
    onPost: ({ id, method, params }) =>
      method === 'initialize'
        ? rpcResult(
            id,
            {
              protocolVersion: params.protocolVersion,
              capabilities: { tools: {} },
              serverInfo: { name: 'a', version: '1' },
            },
            { headers: { 'mcp-session-id': '' } },
          )
        : undefined,
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  expect(upstream.received.filter(({ headers }) => headers.has('mcp-session-id'))).toEqual([]);
});

test('invalid messages on the stream of a session are skipped, and logged once', async () => {
  const server = await oddServer(() => undefined);
  await using upstream = server.upstream;
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  const stream = await server.stream();
  for (const data of ['ping', 'pong', '42', '{"type":"heartbeat"}', '[{},[]]'])
    stream.write(`data: ${data}\n\n`);
  stream.send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: null });
  await waitUntil('the list', () => upstream.messages('tools/list').length === 2);
  expect(upstream.received.filter(({ httpMethod }) => httpMethod === 'GET')).toHaveLength(1);
  const told = gateway.logs.map((line) => JSON.parse(line)).filter(({ what }) => what !== undefined);
  expect(told.map(({ level, server, what }) => [level, server, what])).toEqual([
    ['debug', 'up', 'it sends something that is not JSON-RPC: it is not JSON'],
    ['debug', 'up', 'it sends something that is not JSON-RPC: a message must be a JSON object'],
    ['debug', 'up', 'it sends something that is not JSON-RPC: "jsonrpc" must be "2.0"'],
  ]);
});

test('a broken stream of a session resumes after its last event', async () => {
  const server = await oddServer(() => undefined);
  await using upstream = server.upstream;
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  const stream = await server.stream();
  stream.write('retry: 1\nid: event-7\ndata:\n\n');
  stream.end();
  await waitUntil('the second stream', () =>
    upstream.received.some(({ headers }) => headers.get('last-event-id') === 'event-7'),
  );
});
