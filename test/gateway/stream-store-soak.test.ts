import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sse, sseEvent } from '../support/answers.ts';
import { type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { type Program, startProgram } from '../support/program.ts';
import { sampleValue } from '../support/prometheus-page.ts';
import { RawSession, rawPost } from '../support/rpc.ts';
import { freePort, waitUntil } from '../support/wait.ts';

// Streams whose connections break, and whose clients never come back for their events.

const eventsPerCall = 60;
const paddingChars = 2_000;
let folder: string;
let upstream: FakeUpstream;
let program: Program;
let origin: string;
beforeAll(async () => {
  upstream = await fakeUpstream({
    onPost({ id, method, params }) {
      if (method !== 'tools/call' || params._meta === undefined) return undefined;
      const { progressToken } = params._meta;
      const notices = Array.from({ length: eventsPerCall }, (_, progress) => ({
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken, progress, message: 'x'.repeat(paddingChars) },
      }));
      const result = { content: [{ type: 'text', text: 'done' }] };
      return sse(...notices.map(sseEvent), sseEvent({ jsonrpc: '2.0', id, result }));
    },
  });
  // In a process of its own, whose memory and sockets are the gateway's alone.
  const port = freePort();
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-streams-'));
  const config = join(folder, 'mcpstead.yaml');
  writeFileSync(config, `port: ${port}\nservers: [{ name: up, url: '${upstream.url}', required: true }]\n`);
  program = startProgram(['--config', config]);
  await program.printed('serving http://');
  origin = `http://127.0.0.1:${port}`;
});
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const gauge = async (name: string) =>
  sampleValue(await (await fetch(`${origin}/metrics`)).text(), name) ?? Number.NaN;
const residentMiB = async () => (await gauge('mcpstead_process_resident_memory_bytes')) / 2 ** 20;
const openFiles = () => gauge('mcpstead_process_open_fds');

/** Reads the first bytes of a stream, then breaks its connection. */
async function readAndBreak(opened: (signal: AbortSignal) => Promise<Response>): Promise<void> {
  const abort = new AbortController();
  try {
    const response = await opened(abort.signal);
    await response.body?.getReader().read();
  } finally {
    abort.abort();
  }
}

async function breakStreams(sessions: readonly RawSession[], rounds: number): Promise<void> {
  const params = { name: 'up__echo', arguments: {}, _meta: { progressToken: 1 } };
  for (let round = 0; round < rounds; round++)
    await Promise.all(
      sessions.map(async (session) => {
        const headers = { 'mcp-session-id': session.id, 'mcp-protocol-version': '2025-11-25' };
        const call = { jsonrpc: '2.0', id: round, method: 'tools/call', params };
        await readAndBreak((signal) => rawPost(`${origin}/mcp`, call, headers, signal));
        const accept = { ...headers, accept: 'text/event-stream' };
        await readAndBreak((signal) => fetch(`${origin}/mcp`, { headers: accept, signal }));
      }),
    );
}

test('the events of thousands of broken streams take a bounded amount of memory', async () => {
  const sessions = await Promise.all(Array.from({ length: 20 }, () => RawSession.open(`${origin}/mcp`)));
  // Fills the store: the events of these calls take more than it may hold.
  await breakStreams(sessions, 50);
  const before = { mib: await residentMiB(), files: await openFiles() };
  await breakStreams(sessions, 100);
  await waitUntil('the sockets to be closed', async () => (await openFiles()) <= before.files + 20);
  // The events of the second part alone have more than 230 MiB.
  expect((await residentMiB()) - before.mib).toBeLessThan(160);
  const [first] = sessions;
  expect(await first?.callText('up__echo', { a: 1 })).toBe('{"a":1}');
  await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()));
  await waitUntil('their ends', async () => (await gauge('mcpstead_downstream_sessions_active')) === 0);
  expect(program.stderr()).not.toContain('"level":"error"');
}, 120_000);
