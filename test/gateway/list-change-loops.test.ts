import { expect, test } from 'bun:test';
import { rpcResult, sse, sseEvent } from '../support/answers.ts';
import { type EventChannel, eventChannel } from '../support/event-channel.ts';
import { type FakeModern, fakeModern } from '../support/fake-modern.ts';
import { type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { postModern } from '../support/modern-rpc.ts';
import { messagesOf, RawSession, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil } from '../support/wait.ts';

// Servers that announce a change of each list whenever one is fetched, though nothing has changed.

failOnStrayErrors();

const hints = { resultType: 'complete', ttlMs: 60_000, cacheScope: 'private' };
const lists: Record<string, object> = {
  'tools/list': { tools: [{ name: 'one', inputSchema: { type: 'object' } }], ...hints },
  'prompts/list': { prompts: [{ name: 'one' }], ...hints },
  'resources/list': { resources: [{ uri: 'test://one', name: 'one' }], ...hints },
  'resources/templates/list': { resourceTemplates: [], ...hints },
};
const changed = ['tools', 'prompts', 'resources'].map((kind) => ({
  jsonrpc: '2.0',
  method: `notifications/${kind}/list_changed`,
}));
const capabilities = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true },
};

/** Announces on the stream of each list. */
async function legacyOnOwnStream(): Promise<FakeUpstream> {
  return fakeUpstream({
    onPost: ({ id, method, params }) => {
      if (method === 'initialize') return initialized(id, params);
      const result = lists[method ?? ''];
      return result && sse(...changed.map(sseEvent), sseEvent({ jsonrpc: '2.0', id, result }));
    },
  });
}

/** Announces on the stream of the session. */
async function legacyOnSessionStream(): Promise<FakeUpstream> {
  let stream: EventChannel | null = null;
  return fakeUpstream({
    onGet() {
      stream = eventChannel();
      return stream.response;
    },
    onPost({ id, method, params }) {
      if (method === 'initialize') return initialized(id, params);
      const result = lists[method ?? ''];
      if (!result) return undefined;
      setTimeout(() => changed.forEach((notice) => void stream?.send(notice)), 5);
      return rpcResult(id, result);
    },
  });
}

function initialized(id: RpcMessage['id'], { protocolVersion }: { protocolVersion: string }): Response {
  return rpcResult(id, { protocolVersion, capabilities, serverInfo: { name: 'restless', version: '1' } });
}

/** Announces on its stream of subscriptions. */
async function modern(): Promise<FakeUpstream> {
  const server: FakeModern = await fakeModern({
    discovery: { capabilities },
    onPost({ id, method }) {
      const result = lists[method ?? ''];
      if (!result) return undefined;
      setTimeout(() => {
        for (const { channel, id: subscription } of server.streams) {
          const _meta = { 'io.modelcontextprotocol/subscriptionId': subscription };
          for (const notice of changed) channel.send({ ...notice, params: { _meta } });
        }
      }, 5);
      return rpcResult(id, result);
    },
  });
  return server;
}

test.each([
  ['legacy server, on the stream of the list', legacyOnOwnStream],
  ['legacy server, on the stream of the session', legacyOnSessionStream],
  ['modern server', modern],
])('announcements after every list of a %s cost ever fewer lists, and reach no client', async (_, start) => {
  await using upstream = await start();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  const told: RpcMessage[] = [];
  const note = async (messages: AsyncIterable<RpcMessage>) => {
    for await (const message of messages) told.push(message);
  };
  void note(await session.listen()).catch(() => {});
  const notifications = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
  const abort = new AbortController();
  const listened = await postModern(gateway.url, 'subscriptions/listen', {
    params: { notifications },
    signal: abort.signal,
  });
  void note(messagesOf(listened)).catch(() => {});
  const ack = 'notifications/subscriptions/acknowledged';
  await waitUntil('the acknowledgement', () => told.some(({ method }) => method === ack));
  // The first lists are a change, which clients may hear of.
  await Bun.sleep(1_000);
  told.length = 0;
  const listsSoFar = () => upstream.messages('tools/list').length;
  const before = listsSoFar();
  await Bun.sleep(6_000);
  expect(listsSoFar() - before).toBeLessThanOrEqual(5);
  expect(told).toEqual([]);
  abort.abort();
});

test('an announcement on the stream of the list that it names costs no other list', async () => {
  await using upstream = await fakeUpstream({
    onPost: ({ id, method, params }) => {
      if (method === 'initialize') return initialized(id, params);
      const [kind] = method?.split('/') ?? [];
      const notice = { jsonrpc: '2.0', method: `notifications/${kind}/list_changed` };
      const result = lists[method ?? ''];
      // That of resources names two lists.
      if (kind === 'resources') return rpcResult(id, result ?? {});
      return result && sse(sseEvent(notice), sseEvent({ jsonrpc: '2.0', id, result }));
    },
  });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  // Another list would come at once.
  await Bun.sleep(500);
  const counts = Object.keys(lists).map((method) => upstream.messages(method).length);
  expect(counts).toEqual([1, 1, 1, 1]);
});
