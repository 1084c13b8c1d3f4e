import { describe, expect, test } from 'bun:test';
import { never } from '../support/answers.ts';
import { type FakeSse, type FakeSseOptions, fakeSse } from '../support/fake-sse.ts';
import { promptReconnect, startGateway } from '../support/gateway.ts';
import { RawSession, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil } from '../support/wait.ts';

failOnStrayErrors();

const result = { content: [{ type: 'text', text: 'wéll' }] };

/** A server that writes the answer to `tools/call` on its stream in its own way. */
function serverThat(write: (stream: FakeSse['streams'][number], json: string) => void): Promise<FakeSse> {
  const options: FakeSseOptions = {
    onRequest({ id, method }) {
      if (method !== 'tools/call') return undefined;
      const stream = server.streams.at(-1);
      if (stream) write(stream, JSON.stringify({ jsonrpc: '2.0', id, result }));
      return null;
    },
  };
  let server: FakeSse;
  return fakeSse(options).then((started) => {
    server = started;
    return started;
  });
}

async function callOnce(upstream: FakeSse, settings: Record<string, unknown> = {}) {
  await using gateway = await startGateway({
    servers: [{ name: 'up', url: upstream.url, protocol: 'sse', reconnect: promptReconnect, ...settings }],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const { answer } = await session.request('tools/call', { name: 'up__echo' });
  await gateway.connected();
  return answer;
}

describe('on the one stream of HTTP+SSE an answer is found', () => {
  type Write = Parameters<typeof serverThat>[0];
  const dialects: Record<string, Write> = {
    'as a message event': (stream, json) => stream.write(`event: message\ndata: ${json}\n\n`),
    'without an event name': (stream, json) => stream.write(`data: ${json}\n\n`),
    'with CRLF': (stream, json) => stream.write(`event: message\r\ndata: ${json}\r\n\r\n`),
    'with CR': (stream, json) => stream.write(`data: ${json}\r\r`),
    'after comments and priming events': (stream, json) =>
      stream.write(`: ping\n\nid: 7\ndata:\n\ndata: ${json}\n\n`),
    'after an event of another name': (stream, json) =>
      stream.write(`event: ping\ndata: now\n\ndata: ${json}\n\n`),
    'after a second endpoint event': (stream, json) =>
      stream.write(`event: endpoint\ndata: http://example.com/\n\ndata: ${json}\n\n`),
    'after the answer to an unknown request': (stream, json) =>
      stream.write(`data: {"jsonrpc":"2.0","id":4711,"result":{}}\n\ndata: ${json}\n\n`),
    'in a batch': (stream, json) => stream.write(`data: [${json}]\n\n`),
    'after what is no JSON-RPC': (stream, json) =>
      stream.write(
        `data: ping\n\ndata: {"type":"heartbeat"}\n\ndata: 42\n\ndata: [1,{}]\n\ndata: ${json}\n\n`,
      ),
    'beside what is no JSON-RPC in a batch': (stream, json) => stream.write(`data: [{"a":1},${json}]\n\n`),
    'under the id as decimal text': (stream, json) =>
      stream.write(`data: ${json.replace(/"id":(\d+)/, '"id":"$1"')}\n\n`),
    'beside an error that is null': (stream, json) =>
      stream.write(`data: ${json.replace('{', '{"error":null,')}\n\n`),
    'cut into pieces': (stream, json) => {
      for (const piece of `data: ${json}\n\n`) stream.write(piece);
    },
  };
  test.each(Object.entries(dialects))('%s', async (_name, write) => {
    await using upstream = await serverThat(write);
    expect((await callOnce(upstream)).result).toEqual(result);
  });

  test('under any event name with normalize_sse_events', async () => {
    await using upstream = await serverThat((stream, json) => stream.write(`event: rpc\ndata: ${json}\n\n`));
    const answer = await callOnce(upstream, { quirks: { normalize_sse_events: true } });
    expect(answer.result).toEqual(result);
  });

  test('even if the POST is never answered', async () => {
    await using upstream: FakeSse = await fakeSse({
      onPost({ id, method }) {
        if (method !== 'tools/call') return undefined;
        upstream.streams[0]?.send({ jsonrpc: '2.0', id, result });
        return never();
      },
    });
    expect((await callOnce(upstream)).result).toEqual(result);
  });
});

describe('a message other than an answer', () => {
  test('on the stream is skipped, and logged once', async () => {
    await using upstream = await serverThat((stream, json) => {
      stream.write(`data: {nonsense\n\ndata: ping\n\ndata: ${json}\n\n`);
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    expect(await session.callText('up__echo')).toBe('wéll');
    expect(await session.callText('up__echo')).toBe('wéll');
    expect(upstream.streams).toHaveLength(1);
    expect(gateway.logs.filter((line) => line.includes('it is not JSON'))).toHaveLength(1);
  });

  test.each([400, 500])('to notifications/initialized, HTTP %d, is ignored', async (status) => {
    await using upstream = await fakeSse({
      onPost: ({ method }) =>
        method === 'notifications/initialized' ? new Response('no', { status }) : undefined,
    });
    expect((await callOnce(upstream)).result.content[0].text).toBe('{}');
    expect(upstream.streams).toHaveLength(1);
  });

  test('with the id of a call fails that call at once', async () => {
    await using upstream = await serverThat((stream, json) => {
      const { id } = JSON.parse(json);
      stream.write(`data: {"jsonrpc":"2.0","id":${id},"error":"no such tool"}\n\n`);
    });
    const { error } = await callOnce(upstream);
    expect(error.data).toEqual({ server: 'up', reason: 'upstream_protocol_error' });
    expect(upstream.streams).toHaveLength(1);
  });

  test.each([
    [401, 'upstream_auth_failed'],
    [500, 'upstream_protocol_error'],
    [503, 'upstream_disconnected'],
  ])('to the POST, HTTP %d, fails that call only', async (status, reason) => {
    await using upstream = await fakeSse({
      onPost: ({ method }) => (method === 'tools/call' ? new Response('no', { status }) : undefined),
    });
    expect((await callOnce(upstream)).error.data).toEqual({ server: 'up', reason });
    expect(upstream.streams).toHaveLength(1);
  });
});

test('each of many concurrent calls gets its own answer, in any order', async () => {
  const waiting: RpcMessage[] = [];
  await using upstream: FakeSse = await fakeSse({
    onRequest(message) {
      if (message.method !== 'tools/call') return undefined;
      waiting.push(message);
      if (waiting.length === 50) {
        for (const { id, params } of waiting.reverse()) {
          const content = [{ type: 'text', text: String(params.arguments.index) }];
          upstream.streams[0]?.send({ jsonrpc: '2.0', id, result: { content } });
        }
      }
      return null;
    },
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url, protocol: 'sse' }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const texts = await Promise.all(
    Array.from({ length: 50 }, (_, index) => session.callText('up__echo', { index })),
  );
  expect(texts).toEqual(Array.from({ length: 50 }, (_, index) => String(index)));
});

test('the end of the stream fails running calls, and does not count as a failed health check', async () => {
  await using upstream = await fakeSse({
    onRequest: ({ method }) => (method === 'tools/call' ? null : undefined),
  });
  await using gateway = await startGateway({
    servers: [{ name: 'up', url: upstream.url, protocol: 'sse', reconnect: promptReconnect }],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const calls = [1, 2, 3].map(() => session.request('tools/call', { name: 'up__echo' }));
  await waitUntil('the calls', () => upstream.messages('tools/call').length === 3);
  upstream.streams[0]?.end();
  for (const { answer } of await Promise.all(calls)) {
    expect(answer.error).toEqual({
      code: -32000,
      message: 'upstream "up": its event stream ended',
      data: { server: 'up', reason: 'upstream_disconnected' },
    });
  }
  const metrics = await gateway.metrics();
  const failed = { server: 'up', result: 'failure' };
  expect(metrics.value('mcpstead_upstream_health_checks_total', failed)).toBe(0);
});

test("an upstream's own ping is answered", async () => {
  await using upstream = await fakeSse();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  upstream.streams[0]?.send({ jsonrpc: '2.0', id: 'are you there?', method: 'ping' });
  const answer = await waitUntil('the answer', () =>
    upstream.received.find(({ message }) => message.id === 'are you there?'),
  );
  expect(answer?.message).toEqual({ jsonrpc: '2.0', id: 'are you there?', result: {} });
});
