import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Random, randomJson } from '../support/random.ts';
import { acceptBoth, RawSession, rawPost } from '../support/rpc.ts';
import { waitUntil } from '../support/wait.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await fakeUpstream({
    // One tool never answers: only a client that goes away ends its call.
    onPost: ({ method, params }) =>
      method === 'tools/call' && params?.arguments?.stuck ? new Promise<never>(() => {}) : undefined,
  });
  gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const openFiles = () => readdirSync('/proc/self/fd').length;
const residentMiB = () => {
  Bun.gc(true);
  return process.memoryUsage.rss() / 2 ** 20;
};

/** Bytes on a connection that is cut in the middle, whatever comes back. */
function cutOff(bytes: string): Promise<void> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(gateway.origin);
    const socket = connect({ host: hostname, port: Number(port) }, () => {
      socket.write(bytes, () => socket.destroy());
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });
}

/** A POST whose client goes away before there can be an answer. */
async function abandoned(body: string, headers: Record<string, string>): Promise<void> {
  const abort = new AbortController();
  const posted = fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: acceptBoth, ...headers },
    body,
    signal: abort.signal,
  });
  setImmediate(() => abort.abort());
  await posted.then((response) => response.body?.cancel()).catch(() => {});
}

async function hostile(random: Random): Promise<void> {
  const host = new URL(gateway.origin).host;
  const head = `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n`;
  const json = randomJson(random, 4);
  const params = { name: 'up__echo', arguments: { stuck: true }, _meta: { progressToken: 1 } };
  const stuck = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  switch (random.below(8)) {
    case 0:
      return cutOff(`${head}Content-Length: 1000000\r\n\r\n${json}`);
    case 1:
      return cutOff(`${head}Transfer-Encoding: chunked\r\n\r\nffff\r\n${json}`);
    case 2:
      return cutOff(json);
    case 3:
      return cutOff(`${head}Content-Length: ${Buffer.byteLength(stuck)}\r\n\r\n${stuck}`);
    case 4:
      return abandoned(stuck, {});
    case 5: {
      const session = await RawSession.open(gateway.url);
      const stream = await fetch(gateway.url, {
        headers: { accept: 'text/event-stream', 'mcp-session-id': session.id },
      });
      await stream.body?.cancel();
      return session[Symbol.asyncDispose]();
    }
    case 6:
      return void (await (await rawPost(gateway.url, json.slice(0, random.below(json.length)))).text());
    default: {
      const text = `{"jsonrpc":"2.0","id":${json},"method":${randomJson(random, 1)},"params":${json}}`;
      const response = await rawPost(gateway.url, text, {
        accept: random.pick([acceptBoth, 'text/event-stream']),
      });
      expect(response.status).toBeOneOf([200, 202, 400]);
      return void (await response.text());
    }
  }
}

async function soak(seed: number, requests: number): Promise<void> {
  const random = new Random(seed);
  for (let done = 0; done < requests; done += 20) {
    await Promise.all(Array.from({ length: 20 }, () => hostile(random)));
  }
}

test('thousands of malformed and abandoned requests leave nothing behind', async () => {
  // Warm: pools, caches and compiled code are part of the ordinary state.
  await soak(1, 1_000);
  await waitUntil('the end of the calls', idle);
  const before = { files: openFiles(), mib: residentMiB() };

  await soak(2, 4_000);
  await waitUntil('the end of the calls', idle);
  await waitUntil('the sockets to be closed', () => openFiles() <= before.files + 20);
  // What the test itself records is most of it; a leak would grow with the requests.
  expect(residentMiB() - before.mib).toBeLessThan(64);

  const metrics = await gateway.metrics();
  expect(metrics.value('mcpstead_downstream_sessions_active')).toBe(0);
  await using session = await RawSession.open(gateway.url);
  expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
  expect(gateway.logs.filter((line) => line.includes('"level":"error"'))).toEqual([]);
}, 60_000);

/** Whether the upstream was told of every call that never ends that it has. */
function idle(): boolean {
  const cancelled = new Set(
    upstream.messages('notifications/cancelled').map(({ params }) => params.requestId),
  );
  const calls = upstream.messages('tools/call');
  return calls.length > 0 && calls.every(({ id }) => cancelled.has(id));
}
