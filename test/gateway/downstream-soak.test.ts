import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { type Program, startProgram } from '../support/program.ts';
import { sampleValue } from '../support/prometheus-page.ts';
import { Random, randomJson } from '../support/random.ts';
import { acceptBoth, RawSession, rawPost } from '../support/rpc.ts';
import { freePort, waitUntil } from '../support/wait.ts';

let folder: string;
let upstream: FakeUpstream;
let program: Program;
let origin: string;
let url: string;
beforeAll(async () => {
  upstream = await fakeUpstream({
    // One tool never answers: only a client that disconnects ends its call.
    onPost: ({ method, params }) =>
      method === 'tools/call' && params?.arguments?.stuck ? new Promise<never>(() => {}) : undefined,
  });
  // In a process of its own, whose memory and sockets are the gateway's alone.
  const port = freePort();
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-soak-'));
  const config = join(folder, 'mcpstead.yaml');
  writeFileSync(config, `port: ${port}\nservers: [{ name: up, url: '${upstream.url}', required: true }]\n`);
  program = startProgram(['--config', config]);
  await program.printed('serving http://');
  origin = `http://127.0.0.1:${port}`;
  url = `${origin}/mcp`;
});
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function gauge(name: string): Promise<number> {
  return sampleValue(await (await fetch(`${origin}/metrics`)).text(), name) ?? Number.NaN;
}
const openFiles = () => gauge('mcpstead_process_open_fds');
const residentMiB = async () => (await gauge('mcpstead_process_resident_memory_bytes')) / 2 ** 20;

/** Sends bytes and cuts the connection without reading. */
function cutOff(bytes: string): Promise<void> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(origin);
    const socket = connect({ host: hostname, port: Number(port) }, () => {
      socket.write(bytes, () => socket.destroy());
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });
}

/** Sends a POST and disconnects before the response. */
async function abandoned(body: string, headers: Record<string, string>): Promise<void> {
  const abort = new AbortController();
  const posted = fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: acceptBoth, ...headers },
    body,
    signal: abort.signal,
  });
  setImmediate(() => abort.abort());
  await posted.then((response) => response.body?.cancel()).catch(() => {});
}

async function hostile(random: Random): Promise<void> {
  const host = new URL(origin).host;
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
      const session = await RawSession.open(url);
      const stream = await fetch(url, {
        headers: { accept: 'text/event-stream', 'mcp-session-id': session.id },
      });
      await stream.body?.cancel();
      return session[Symbol.asyncDispose]();
    }
    case 6:
      return void (await (await rawPost(url, json.slice(0, random.below(json.length)))).text());
    default: {
      const text = `{"jsonrpc":"2.0","id":${json},"method":${randomJson(random, 1)},"params":${json}}`;
      const response = await rawPost(url, text, {
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
  // Warm up: pools, caches and compiled code are part of the normal state.
  await soak(1, 1_000);
  await waitUntil('the end of the calls', idle);
  const before = { files: await openFiles(), mib: await residentMiB() };

  await soak(2, 4_000);
  await waitUntil('the end of the calls', idle);
  await waitUntil('the sockets to be closed', async () => (await openFiles()) <= before.files + 20);
  expect((await residentMiB()) - before.mib).toBeLessThan(64);
  expect(await gauge('mcpstead_downstream_sessions_active')).toBe(0);
  await using session = await RawSession.open(url);
  expect(await session.callText('up__echo', { a: 1 })).toBe('{"a":1}');
  expect(program.stderr()).not.toContain('"level":"error"');
}, 60_000);

test('a session keeps little memory, however long its initialize request is', async () => {
  const open = async (n: number) => {
    const params = {
      protocolVersion: '2025-11-25',
      clientInfo: { name: `client ${n}`, version: '1' },
      capabilities: {},
      padding: 'x'.repeat(2_000_000),
    };
    const response = await rawPost(url, { jsonrpc: '2.0', id: n, method: 'initialize', params });
    expect(response.status).toBe(200);
    await response.text();
  };
  await open(0);
  const beforeMiB = await residentMiB();
  for (let n = 1; n <= 150; n++) await open(n);
  expect((await residentMiB()) - beforeMiB).toBeLessThan(150);
  expect(await gauge('mcpstead_downstream_sessions_active')).toBe(151);
});

/** Whether all calls without an answer are cancelled at the upstream. */
function idle(): boolean {
  const cancelled = new Set(
    upstream.messages('notifications/cancelled').map(({ params }) => params.requestId),
  );
  const calls = upstream.messages('tools/call');
  return calls.length > 0 && calls.every(({ id }) => cancelled.has(id));
}
