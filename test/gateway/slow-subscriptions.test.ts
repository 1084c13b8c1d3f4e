import { expect, test } from 'bun:test';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  ListResourcesRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { startGateway } from '../support/gateway.ts';
import { postModern } from '../support/modern-rpc.ts';
import { RawSession } from '../support/rpc.ts';
import { serveV1 } from '../support/sdk-served.ts';
import { settle, waitUntil } from '../support/wait.ts';

/** A gateway to a server that takes its time to subscribe, and to end a subscription, as the test says. */
async function start() {
  const asked: string[] = [];
  const done: string[] = [];
  const subscribed = new Set<string>();
  const delays = { subscribeMs: 0, unsubscribeMs: 0 };
  const served = serveV1(() => {
    const server = new Server(
      { name: 's', version: '1' },
      { capabilities: { resources: { subscribe: true } } },
    );
    server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: [{ uri: 'x:1', name: 'x' }] }));
    server.setRequestHandler(SubscribeRequestSchema, async ({ params }) => {
      asked.push(`+${params.uri}`);
      await Bun.sleep(delays.subscribeMs);
      subscribed.add(params.uri);
      done.push(`+${params.uri}`);
      return {};
    });
    server.setRequestHandler(UnsubscribeRequestSchema, async ({ params }) => {
      asked.push(`-${params.uri}`);
      await Bun.sleep(delays.unsubscribeMs);
      subscribed.delete(params.uri);
      done.push(`-${params.uri}`);
      return {};
    });
    return server;
  });
  const gateway = await startGateway({ servers: [{ name: 's', url: served.url }] });
  await gateway.waitFor('its resource', ({ servers }) => servers[0]?.resources_count === 1);
  return {
    gateway,
    asked,
    done,
    subscribed,
    delays,
    async [Symbol.asyncDispose]() {
      await gateway.gateway.stop();
      await served[Symbol.asyncDispose]();
    },
  };
}

test('a subscription that follows the end of another one is not ended by it', async () => {
  await using started = await start();
  await using session = await RawSession.open(started.gateway.url);
  started.delays.unsubscribeMs = 300;
  await session.request('resources/subscribe', { uri: 'x:1' });
  await session.request('resources/unsubscribe', { uri: 'x:1' });
  await session.request('resources/subscribe', { uri: 'x:1' });
  await waitUntil('all to be done', () => started.done.length === 3);
  expect([...started.subscribed]).toEqual(['x:1']);
});

test('a subscription whose stream ends before the server has accepted it is ended there', async () => {
  await using started = await start();
  started.delays.subscribeMs = 300;
  const abort = new AbortController();
  const listening = postModern(started.gateway.url, 'subscriptions/listen', {
    params: { notifications: { resourceSubscriptions: ['x:1'] } },
    signal: abort.signal,
  });
  await waitUntil('the subscription', () => started.asked.length === 1);
  await settle();
  abort.abort();
  await Promise.resolve(listening).catch(() => {});
  await waitUntil('both to be done', () => started.done.length === 2);
  expect([...started.subscribed]).toEqual([]);
});
