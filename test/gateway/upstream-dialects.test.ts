import { describe, expect, test } from 'bun:test';
import { endless, rpcError, rpcResult, sse, sseEvent, streamed } from '../support/answers.ts';
import { eventChannel } from '../support/event-channel.ts';
import { type FakeAnswer, type FakeUpstream, fakeUpstream, type Received } from '../support/fake-upstream.ts';
import { promptReconnect, startGateway } from '../support/gateway.ts';
import { RawSession, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil } from '../support/wait.ts';

failOnStrayErrors();

type CallAnswer = (message: RpcMessage, request: Received) => FakeAnswer | Promise<FakeAnswer>;

/** An upstream that answers `tools/call` in its own way. */
function upstreamThat(answer: CallAnswer, onGet?: (request: Received) => FakeAnswer): Promise<FakeUpstream> {
  return fakeUpstream({
    onPost: (message, request) => (message.method === 'tools/call' ? answer(message, request) : undefined),
    ...(onGet && { onGet }),
  });
}

const result = { content: [{ type: 'text', text: 'wéll' }] };
const answerTo = ({ id }: RpcMessage) => ({ jsonrpc: '2.0', id, result });
const json = (message: RpcMessage) => JSON.stringify(answerTo(message));
const progress = (message: RpcMessage, value: number) => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: message.params._meta.progressToken, progress: value },
});
const typed = (body: string, type: string) => new Response(body, { headers: { 'content-type': type } });
const chunked = (body: string, type: string) => streamed([body], { headers: { 'content-type': type } });

async function callOnce(answer: CallAnswer, server: Record<string, unknown> = {}) {
  await using upstream = await upstreamThat(answer);
  await using gateway = await startGateway({
    servers: [{ name: 'up', url: upstream.url, reconnect: promptReconnect, ...server }],
  });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const { answer: answered } = await session.request('tools/call', { name: 'up__echo', arguments: {} });
  return { answered, executions: upstream.executions('echo'), health: await gateway.health() };
}

describe('an answer is understood as', () => {
  const dialects: Record<string, CallAnswer> = {
    JSON: (message) => typed(json(message), 'application/json'),
    'JSON, chunked': (message) => chunked(json(message), 'application/json; charset=utf-8'),
    'JSON with a byte order mark': (message) => typed(`\uFEFF${json(message)}`, 'application/json'),
    'JSON with a byte order mark, chunked byte by byte': (message) =>
      streamed(Array.from(Buffer.from(`\uFEFF${json(message)}`), (byte) => new Uint8Array([byte]))),
    'JSON after white space': (message) => chunked(` \n\t${json(message)}`, 'application/json'),
    'a batch that holds it': (message) =>
      typed(
        JSON.stringify([{ jsonrpc: '2.0', method: 'notifications/message', params: {} }, answerTo(message)]),
        'application/json',
      ),
    'JSON labeled SSE': (message) => typed(json(message), 'text/event-stream'),
    'JSON labeled SSE, chunked': (message) => chunked(json(message), 'text/event-stream'),
    'JSON labeled text/plain': (message) => typed(json(message), 'text/plain'),
    'JSON without a content type': (message) => streamed([json(message)]),
    SSE: (message) => sse(sseEvent(answerTo(message))),
    'SSE labeled JSON': (message) => typed(sseEvent(answerTo(message)), 'application/json'),
    'SSE labeled JSON, chunked': (message) => chunked(sseEvent(answerTo(message)), 'application/json'),
    'SSE labeled text/plain': (message) => typed(sseEvent(answerTo(message)), 'text/plain'),
    'SSE with a byte order mark': (message) => sse(`\uFEFFdata: ${json(message)}\n\n`),
    'SSE with CRLF': (message) => sse(`event: message\r\ndata: ${json(message)}\r\n\r\n`),
    'SSE with CRLF cut between CR and LF': (message) => sse(`data: ${json(message)}\r`, '\n\r', '\n'),
    'SSE with CR': (message) => sse(`event: message\rdata: ${json(message)}\r\r`),
    'SSE without spaces after the colons': (message) => sse(`event:message\ndata:${json(message)}\n\n`),
    'SSE byte by byte': (message) =>
      sse(...Array.from(Buffer.from(sseEvent(answerTo(message))), (byte) => new Uint8Array([byte]))),
    'SSE with comments': (message) => sse(': hello\n\n', ': again\n', `data: ${json(message)}\n: inside\n\n`),
    'SSE with multi-line data': (message) =>
      sse(JSON.stringify(answerTo(message), null, 1).replace(/^/gm, 'data: '), '\n\n'),
    'SSE with priming events': (message) =>
      sse('id: 1\ndata:\n\n', 'id: 2\ndata: \n\n', sseEvent(answerTo(message))),
    'SSE labeled JSON, with a length, long and all of it ASCII': (message) => {
      const body = `: ${'x'.repeat(100_000)}\n\ndata: ${json(message).replace('é', '\\u00e9')}\n\n`;
      const headers = { 'content-type': 'application/json', 'content-length': String(body.length) };
      return streamed([body], { headers });
    },
    'SSE with [DONE]': (message) => sse(sseEvent(answerTo(message)), 'data: [DONE]\n\n'),
    'SSE with [DONE] first': (message) => sse('data: [DONE]\n\n', sseEvent(answerTo(message))),
    'SSE with fields that nobody knows': (message) =>
      sse(`foo: bar\nbaz\nretry: soon\ndata: ${json(message)}\n\n`),
    'SSE with an event of another name before': (message) =>
      sse('event: ping\ndata: not JSON\n\n', sseEvent(answerTo(message))),
    'SSE with a batch': (message) =>
      sse(sseEvent([progress({ params: { _meta: {} } }, 1), answerTo(message)])),
    'SSE with the answer to another request before': (message) =>
      sse(sseEvent({ jsonrpc: '2.0', id: 9999, result: {} }), sseEvent(answerTo(message))),
    'JSON with HTTP 201': (message) => rpcResult(message.id, result, { status: 201 }),
    'JSON with HTTP 500': (message) => rpcResult(message.id, result, { status: 500 }),
  };
  test.each(Object.entries(dialects))('%s', async (_name, dialect) => {
    const { answered, executions } = await callOnce(dialect);
    expect(answered.result).toEqual(result);
    expect(executions).toBe(1);
  });
});

describe("an upstream's own error comes back with code, message and data, sent with", () => {
  test.each([200, 400, 429, 500])('HTTP %d', async (status) => {
    const error = { code: -32042, message: 'no such thing', data: { hint: 'try another' } };
    const { answered } = await callOnce((message) =>
      Response.json({ jsonrpc: '2.0', id: message.id, error }, { status }),
    );
    expect(answered.error).toEqual(error);
  });
});

describe('an invalid answer is upstream_protocol_error:', () => {
  const rubbish: Record<string, CallAnswer> = {
    HTML: () => typed('<!doctype html><title>Welcome</title>', 'text/html'),
    'HTML, chunked': () => chunked('<!doctype html>\n<title>Welcome</title>', 'text/html'),
    'an empty body': () => new Response('', { headers: { 'content-type': 'application/json' } }),
    'an empty stream': () => sse(),
    'white space': () => typed('  \n', 'application/json'),
    'white space without an end': () => endless(' \n'.repeat(32_768), 'application/json'),
    'HTTP 202 without a body': () => new Response(null, { status: 202 }),
    'HTTP 204': () => new Response(null, { status: 204 }),
    'HTTP 418': () => new Response('teapot', { status: 418 }),
    'HTTP 429': () => new Response('slow down', { status: 429 }),
    'HTTP 500 with a text': () => new Response('Internal Server Error', { status: 500 }),
    'JSON cut short': () => typed('{"jsonrpc":"2.0","id":', 'application/json'),
    'JSON that is no JSON-RPC': () => typed('{"ok":true}', 'application/json'),
    'an array of nothing': () => typed('[]', 'application/json'),
    'a result that is no object': ({ id }) => Response.json({ jsonrpc: '2.0', id, result: 7 }),
    'result and error at once': ({ id }) =>
      Response.json({ jsonrpc: '2.0', id, result: {}, error: { code: 1, message: 'x' } }),
    'the answer to another request': ({ id }) => rpcResult(Number(id) + 1000, result),
    'a stream with an event that is no JSON': () => sse('data: {nonsense\n\n'),
    'a stream that ends with the answer to another request': () =>
      sse(sseEvent({ jsonrpc: '2.0', id: 9999, result: {} })),
    'a stream with an event of another name only': (message) =>
      sse(`event: result\ndata: ${json(message)}\n\n`),
    'a redirect within the origin that leads nowhere': () =>
      new Response(null, { status: 307, headers: { location: 'http://' } }),
  };
  test.each(Object.entries(rubbish))('%s', async (_name, dialect) => {
    const { answered, executions } = await callOnce(dialect);
    expect(answered.error).toMatchObject({
      code: -32000,
      data: { server: 'up', reason: 'upstream_protocol_error' },
    });
    expect(answered.error.message).toStartWith('upstream "up": ');
    expect(executions).toBe(1);
  });

  test.each([200, 400, 500])(
    'a JSON-RPC error without an id, alone in its body, is the answer: HTTP %d',
    async (status) => {
      const { answered, executions } = await callOnce(() => rpcError(undefined, -32603, 'oops', { status }));
      expect(answered.error).toEqual({ code: -32603, message: 'oops' });
      expect(executions).toBe(1);
    },
  );

  test('HTTP 503 says that the upstream is down', async () => {
    const { answered } = await callOnce(() => new Response('Service Unavailable', { status: 503 }));
    expect(answered.error.data).toEqual({ server: 'up', reason: 'upstream_disconnected' });
  });

  test.each([401, 403])('HTTP %d says that the credential is wrong', async (status) => {
    const { answered } = await callOnce(() => new Response('no', { status }));
    expect(answered.error.data).toEqual({ server: 'up', reason: 'upstream_auth_failed' });
  });
});

describe('a body without an end is cut off at 64 MiB', () => {
  const megabyte = 'x'.repeat(1024 * 1024);
  test.each([
    ['as JSON', '{"padding":"'],
    ['as one line of a stream', 'data: '],
    ['as one event of many lines', ''],
  ])('%s', async (_name, head) => {
    async function* body() {
      yield head;
      const chunk = head === '' ? `data: ${megabyte}\n` : megabyte;
      for (let sent = 0; sent < 200; sent++) yield chunk;
      throw new Error('nobody stopped it');
    }
    const { answered } = await callOnce(() => streamed(body()));
    expect(answered.error.data).toEqual({ server: 'up', reason: 'upstream_protocol_error' });
    expect(answered.error.message).toMatch(/67108864/);
  });

  test('as a declared length', async () => {
    const length = 64 * 1024 * 1024 + 1;
    const { answered } = await callOnce(() =>
      streamed(['{"jsonrpc"'], {
        headers: { 'content-type': 'application/json', 'content-length': String(length) },
      }),
    );
    expect(answered.error.message).toBe('upstream "up": answered with more than 67108864 bytes');
  });

  test('but an error page without an end is not read so far', async () => {
    let chunks = 0;
    async function* page() {
      for (; chunks < 1_000; chunks++) yield megabyte;
    }
    const { answered } = await callOnce(() => streamed(page(), { status: 500 }));
    expect(answered.error.data).toEqual({ server: 'up', reason: 'upstream_protocol_error' });
    expect(chunks).toBeLessThan(30);
  });
});

describe('events reach the client at once', () => {
  test.each(['text/event-stream', 'text/plain', 'application/json'])(
    'on a live stream labeled %s',
    async (type) => {
      const channels: ReturnType<typeof eventChannel>[] = [];
      await using upstream = await upstreamThat((message) => {
        const channel = eventChannel(sseEvent(progress(message, 1)), type);
        channels.push(channel);
        return channel.response;
      });
      await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
      await gateway.connected();
      await using session = await RawSession.open(gateway.url);
      const response = await session.post({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'up__echo', _meta: { progressToken: 'mine' } },
      });
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      const decoder = new TextDecoder();
      let seen = '';
      while (!seen.includes('"progress":1'))
        seen += decoder.decode((await reader.read()).value, { stream: true });
      expect(seen).toContain('"progressToken":"mine"');
      // Only now does the upstream answer.
      const [message = {}] = upstream.messages('tools/call');
      channels[0]?.send(answerTo(message));
      channels[0]?.end();
      while (!seen.includes('"result"'))
        seen += decoder.decode((await reader.read()).value, { stream: true });
      expect(seen).toContain('wéll');
    },
  );
});

describe('quirks', () => {
  const named: CallAnswer = (message) => sse(`event: rpc-result\ndata: ${json(message)}\n\n`);

  test('normalize_sse_events: events of any name carry messages', async () => {
    const { answered } = await callOnce(named, { quirks: { normalize_sse_events: true } });
    expect(answered.result).toEqual(result);
  });

  test('without it only message events do', async () => {
    const { answered } = await callOnce(named);
    expect(answered.error.data.reason).toBe('upstream_protocol_error');
  });

  test('inject_accept_header replaces our own header in every request', async () => {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, quirks: { inject_accept_header: 'application/json' } }],
    });
    await gateway.connected();
    await waitUntil('the GET', () => upstream.received.some(({ httpMethod }) => httpMethod === 'GET'));
    expect([...new Set(upstream.received.map(({ headers }) => headers.get('accept')))]).toEqual([
      'application/json',
    ]);
  });

  test('both take effect at once after a reload', async () => {
    await using upstream = await upstreamThat(named);
    const server = { name: 'up', url: upstream.url };
    await using gateway = await startGateway({ servers: [server] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    await gateway.reload({
      servers: [
        { ...server, quirks: { normalize_sse_events: true, inject_accept_header: 'text/event-stream' } },
      ],
    });
    expect(await session.callText('up__echo')).toBe('wéll');
    const call = upstream.received.find(({ message }) => message.method === 'tools/call');
    expect(call?.headers.get('accept')).toBe('text/event-stream');
    expect(upstream.messages('initialize')).toHaveLength(1);
  });
});

describe('a stream that the server closes before the answer', () => {
  const resumable = (resumed: (request: Received, call: RpcMessage) => FakeAnswer) => {
    let call: RpcMessage = {};
    return upstreamThat(
      (message) => {
        call = message;
        return sse('retry: 1\nid: first\ndata:\n\n');
      },
      (request) => (request.headers.has('last-event-id') ? resumed(request, call) : undefined),
    );
  };

  test('is resumed after its last event id, and the call is not sent again', async () => {
    let resumptions = 0;
    await using upstream = await resumable((_request, call) =>
      ++resumptions < 3
        ? sse(`retry: 1\nid: event-${resumptions}\ndata:\n\n`)
        : sse(`id: last\n${sseEvent(answerTo(call))}`),
    );
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    expect(await session.callText('up__echo')).toBe('wéll');
    expect(upstream.executions('echo')).toBe(1);
    const ids = upstream.received
      .map(({ headers }) => headers.get('last-event-id'))
      .filter((id) => id !== null);
    expect(ids).toEqual(['first', 'event-1', 'event-2']);
  });

  test('within an event: it is resumed without that half, and earlier events are passed on once', async () => {
    let call: RpcMessage = {};
    await using upstream = await upstreamThat(
      (message) => {
        call = message;
        return sse(`retry: 1\nid: first\n${sseEvent(progress(message, 1))}data: {"half`);
      },
      (request) => (request.headers.has('last-event-id') ? sse(sseEvent(answerTo(call))) : undefined),
    );
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const { before, answer } = await session.request('tools/call', {
      name: 'up__echo',
      _meta: { progressToken: 'mine' },
    });
    expect(answer.result).toEqual(result);
    expect(before.map(({ method, params }) => [method, params.progress])).toEqual([
      ['notifications/progress', 1],
    ]);
  });

  test('and refuses to resume: the call fails', async () => {
    await using upstream = await resumable(() => new Response(null, { status: 405 }));
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const { answer } = await session.request('tools/call', { name: 'up__echo' });
    expect(answer.error.data).toEqual({ server: 'up', reason: 'upstream_disconnected' });
    expect(upstream.executions('echo')).toBe(1);
  });

  test('and brings nothing new each time: the call fails after a few tries', async () => {
    await using upstream = await resumable(() => sse(': nothing new\n\n'));
    await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const { answer } = await session.request('tools/call', { name: 'up__echo' });
    expect(answer.error.data).toEqual({ server: 'up', reason: 'upstream_protocol_error' });
    expect(upstream.received.filter(({ headers }) => headers.has('last-event-id')).length).toBeLessThan(10);
  }, 10_000);
});
