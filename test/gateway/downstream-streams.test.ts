import { describe, expect, test } from 'bun:test';
import { rpcResult, sseEvent, streamed } from '../support/answers.ts';
import { fakeSse } from '../support/fake-sse.ts';
import { type FakeUpstreamOptions, fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { rawConnection } from '../support/raw-http.ts';
import { messagesOf, RawSession, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil, within } from '../support/wait.ts';

failOnStrayErrors();

const eventStream = { headers: { 'content-type': 'text/event-stream' } };
const progress = (token: unknown, step: number) =>
  sseEvent({
    jsonrpc: '2.0',
    method: 'notifications/progress',
    params: { progressToken: token, progress: step },
  });
const result = (id: RpcMessage['id'], text: string) =>
  sseEvent({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }] } });

/** A gateway in front of an upstream whose tool calls are answered by `onCall`. */
async function gatewayTo(
  onCall: (message: RpcMessage) => Response | Promise<Response>,
  more: FakeUpstreamOptions = {},
) {
  const upstream = await fakeUpstream({
    ...more,
    onPost: (message) => (message.method === 'tools/call' ? onCall(message) : undefined),
  });
  const gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  return {
    upstream,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** The bytes of a POST to /mcp that accepts both. */
function postOf(origin: string, body: string): string {
  const lines = [
    'POST /mcp HTTP/1.1',
    `Host: ${new URL(origin).host}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    `Content-Length: ${body.length}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

const call = (id: number, args: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'up__echo', arguments: args, _meta: { progressToken: `token ${id}` } },
});

describe('a client that accepts both', () => {
  test('gets JSON when the answer comes first, though the upstream streams it', async () => {
    await using to = await gatewayTo(({ id }) => streamed([result(id, 'done')], eventStream));
    await using session = await RawSession.open(to.gateway.url);
    const response = await session.post(call(1));
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(((await response.json()) as RpcMessage).result.content[0].text).toBe('done');
  });

  test('gets a stream from the first progress on, each event when it happens', async () => {
    // The upstream continues only when the client has seen the last step: nothing was held back.
    const steps = [
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
    ];
    await using to = await gatewayTo(({ id, params }) => {
      async function* events() {
        for (const [index, step] of steps.entries()) {
          yield progress(params._meta.progressToken, index);
          await step.promise;
        }
        yield result(id, 'done');
      }
      return streamed(events(), eventStream);
    });
    await using session = await RawSession.open(to.gateway.url);
    const response = await within('the headers', session.post(call(7)));
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const messages = messagesOf(response);
    for (const [index, step] of steps.entries()) {
      const { value } = await within(`step ${index}`, messages.next());
      expect(value).toEqual({
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken: 'token 7', progress: index },
      });
      step.resolve();
    }
    expect((await messages.next()).value).toEqual({
      jsonrpc: '2.0',
      id: 7,
      result: { content: [{ type: 'text', text: 'done' }] },
    });
    expect((await messages.next()).done).toBe(true);
  });

  test('gets the answers of a batch over one stream, each when it comes', async () => {
    const release = Promise.withResolvers<void>();
    await using to = await gatewayTo(({ id, params }) => {
      async function* events() {
        if (params.arguments.slow) {
          yield progress(params._meta.progressToken, 1);
          await release.promise;
        }
        yield result(id, params.arguments.slow ? 'slow' : 'quick');
      }
      return streamed(events(), eventStream);
    });
    await using session = await RawSession.open(to.gateway.url);
    const response = await session.post([call(1, { slow: true }), call(2), { ...call(3), method: 'ping' }]);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const messages = messagesOf(response);
    const first = [await messages.next(), await messages.next(), await messages.next()];
    expect(first.map(({ value }) => value?.id ?? value?.params.progressToken).toSorted()).toEqual([
      2,
      3,
      'token 1',
    ]);
    release.resolve();
    expect((await messages.next()).value?.id).toBe(1);
    expect((await messages.next()).done).toBe(true);
  });
});

test('a client that accepts only JSON gets the answer as JSON, and no progress', async () => {
  await using to = await gatewayTo(({ id, params }) =>
    streamed([progress(params._meta.progressToken, 1), result(id, 'done')], eventStream),
  );
  await using session = await RawSession.open(to.gateway.url);
  const response = await session.post(call(1), { accept: 'application/json' });
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(((await response.json()) as RpcMessage).result.content[0].text).toBe('done');
});

test('a client that accepts only a stream gets one, progress or not', async () => {
  await using to = await gatewayTo(({ id }) => rpcResult(id, { content: [] }));
  await using session = await RawSession.open(to.gateway.url);
  for (const body of [
    call(1),
    [call(1)],
    { ...call(1), method: 'tools/list' },
    { ...call(1), method: 'x' },
  ]) {
    const response = await session.post(body, { accept: 'text/event-stream' });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect((await Array.fromAsync(messagesOf(response))).map(({ id }) => id)).toEqual([1]);
  }
});

test('a notification for a request that is answered already is dropped', async () => {
  const late = Promise.withResolvers<void>();
  await using to = await gatewayTo(({ id, params }) => {
    async function* events() {
      yield result(id, 'done');
      yield progress(params._meta.progressToken, 9);
      late.resolve();
    }
    return streamed(events(), eventStream);
  });
  await using session = await RawSession.open(to.gateway.url);
  const { before, answer } = await session.request('tools/call', call(1).params);
  expect([before, answer.result.content[0].text]).toEqual([[], 'done']);
  await late.promise;
  expect((await session.request('ping')).before).toEqual([]);
});

describe('a client that does not read', () => {
  const events = 1_000;
  const payload = 'x'.repeat(100_000);

  /** Starts a call that is answered by 100 MB of progress, and does not read. */
  async function unread(yielded: { count: number }, more?: FakeUpstreamOptions) {
    const to = await gatewayTo(({ id, params }) => {
      async function* chunks() {
        for (let step = 0; step < events; step++) {
          yielded.count++;
          const { progressToken } = params._meta;
          const stepParams = { progressToken, progress: step, message: payload };
          yield sseEvent({ jsonrpc: '2.0', method: 'notifications/progress', params: stepParams });
        }
        yield result(id, 'done');
      }
      return streamed(chunks(), eventStream);
    }, more);
    const connection = await rawConnection(to.gateway.origin);
    connection.socket.pause();
    connection.write(postOf(to.gateway.origin, JSON.stringify(call(1))));
    return { to, connection };
  }

  /** Waits until the upstream has sent nothing more for a while. */
  async function untilStill(yielded: { count: number }): Promise<number> {
    let last = 0;
    let still = 0;
    await waitUntil('the upstream to be held up', () => {
      still = yielded.count > 0 && yielded.count === last ? still + 1 : 0;
      last = yielded.count;
      return still === 30;
    });
    return last;
  }

  test('holds its upstream up, and is served to the end when it reads on', async () => {
    const yielded = { count: 0 };
    const { to, connection } = await unread(yielded);
    await using _ = to;
    using __ = connection;
    // The buffers of four sockets hold far less than 100 MB.
    expect(await untilStill(yielded)).toBeLessThan(events / 2);
    let read = 0;
    let tail = '';
    connection.socket.removeAllListeners('data');
    connection.socket.on('data', (bytes) => {
      read += bytes.length;
      tail = (tail + bytes.toString('latin1')).slice(-200);
    });
    connection.socket.resume();
    await waitUntil('the answer', () => tail.includes('"done"'), 20_000);
    expect(read).toBeGreaterThan(events * payload.length);
  }, 30_000);

  test('does not hold up others on the same upstream', async () => {
    const yielded = { count: 0 };
    const { to, connection } = await unread(yielded);
    await using _ = to;
    using __ = connection;
    await untilStill(yielded);
    await using session = await RawSession.open(to.gateway.url);
    const listed = await within('an answer to another client', session.request('tools/list'));
    expect(listed.answer.result.tools).toHaveLength(1);
  });

  test("does not delay other clients that share the upstream's stream", async () => {
    await using upstream = await fakeSse({
      onRequest({ method, params }) {
        if (method !== 'tools/call' || !params.arguments.flood) return undefined;
        // Far more than the buffers of the sockets.
        for (let step = 0; step < 300; step++) {
          const { progressToken } = params._meta;
          const stepParams = { progressToken, progress: step, message: payload };
          upstream.streams[0]?.send({ method: 'notifications/progress', params: stepParams, jsonrpc: '2.0' });
        }
        return null;
      },
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    using connection = await rawConnection(gateway.origin);
    connection.socket.pause();
    connection.write(postOf(gateway.origin, JSON.stringify(call(1, { flood: true }))));
    await waitUntil('the call upstream', () => upstream.messages('tools/call').length === 1);
    await using session = await RawSession.open(gateway.url);
    expect(await within('an answer to another client', session.callText('up__echo'))).toBe('{}');
  });

  test('and goes away ends its call upstream', async () => {
    const yielded = { count: 0 };
    const { to, connection } = await unread(yielded);
    await using _ = to;
    await untilStill(yielded);
    connection.socket.destroy();
    await waitUntil('the cancellation', () => to.upstream.messages('notifications/cancelled').length === 1);
  });
});
