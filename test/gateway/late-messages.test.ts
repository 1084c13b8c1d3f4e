import { expect, test } from 'bun:test';
import { rpcResult, sse, sseEvent } from '../support/answers.ts';
import { type EventChannel, eventChannel } from '../support/event-channel.ts';
import { fakeModern } from '../support/fake-modern.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { postModern } from '../support/modern-rpc.ts';
import { messagesOf, RawSession, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { settle, waitUntil } from '../support/wait.ts';

// Messages of servers that come when nobody waits for them any more.

failOnStrayErrors();

const progress = (progressToken: unknown, step: number) => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken, progress: step },
});
const log = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'error', data: 'late' } };
const content = { resultType: 'complete', content: [{ type: 'text', text: 'done' }] };

/** The answer to a call, then more on the same stream. */
const answeredEarly = ({ id, params }: RpcMessage) =>
  sse(
    sseEvent(progress(params._meta.progressToken, 1)),
    sseEvent({ jsonrpc: '2.0', id, result: content }),
    sseEvent(progress(params._meta.progressToken, 2)),
    sseEvent(log),
    sseEvent({ jsonrpc: '2.0', id: 99, method: 'elicitation/create', params: { message: 'late?' } }),
    sseEvent({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'again' }] } }),
  );
const onPost = (message: RpcMessage) =>
  message.method === 'tools/call' ? answeredEarly(message) : undefined;

const servers = {
  legacy: () => fakeUpstream({ onPost }),
  modern: () => fakeModern({ onPost }),
};
const params = {
  name: 'up__echo',
  arguments: {},
  _meta: { progressToken: 'mine', 'io.modelcontextprotocol/logLevel': 'debug' },
};
const clients = {
  async legacy(url: string) {
    const session = await RawSession.open(url, { capabilities: { elicitation: {} } });
    return session.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  },
  modern: (url: string) => postModern(url, 'tools/call', { params }),
};

test.each(
  Object.keys(servers).flatMap((server) => Object.keys(clients).map((client) => [server, client])) as [
    keyof typeof servers,
    keyof typeof clients,
  ][],
)('what a %s server sends after its answer does not reach a %s client', async (server, client) => {
  await using upstream = await servers[server]();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  for (let round = 0; round < 10; round++) {
    const messages = await Array.fromAsync(messagesOf(await clients[client](gateway.url)));
    expect(
      messages.map(({ method, result, params }) => (method ? params.progress : result.content[0].text)),
    ).toEqual([1, 'done']);
  }
  expect((await gateway.metrics()).value('mcpstead_parked_calls')).toBe(0);
  expect((await gateway.health()).servers[0]).toMatchObject({ connected: true, last_error: null });
});

test('progress of an ended call that comes on the stream of the session reaches no other call', async () => {
  let stream: EventChannel | null = null;
  const running: RpcMessage[] = [];
  const held = Promise.withResolvers<void>();
  await using upstream = await fakeUpstream({
    onGet() {
      stream = eventChannel();
      return stream.response;
    },
    async onPost(message) {
      if (message.method !== 'tools/call') return undefined;
      running.push(message);
      if (running.length > 1) await held.promise;
      return rpcResult(message.id, content);
    },
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await waitUntil('the stream', () => stream !== null);
  await using first = await RawSession.open(gateway.url);
  await using second = await RawSession.open(gateway.url);
  expect((await first.request('tools/call', params, 'same')).answer.result.content[0].text).toBe('done');
  const later = second.request('tools/call', params, 'same');
  await waitUntil('the second call', () => running.length === 2);
  const [ended, open] = running.map((message) => message.params._meta.progressToken);
  for (const step of [7, 8]) (stream as EventChannel | null)?.send(progress(ended, step));
  (stream as EventChannel | null)?.send(progress(open, 1));
  (stream as EventChannel | null)?.send({ jsonrpc: '2.0', id: running[0]?.id, result: content });
  await settle();
  held.resolve();
  const { before, answer } = await later;
  expect(before.map((message) => message.params)).toEqual([{ progressToken: 'mine', progress: 1 }]);
  expect(answer.result.content[0].text).toBe('done');
});
