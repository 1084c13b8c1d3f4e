import { expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { startGateway } from '../support/gateway.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { waitUntil, within } from '../support/wait.ts';

// How `mcpstead stdio` ends, and what it writes.

setDefaultTimeout(30_000);

const main = join(import.meta.dir, '../../src/main.ts');

/** A bridge, with a client that opens a session and makes a call that lasts. */
async function bridgeWithCall(url: string) {
  const child = Bun.spawn([process.execPath, main, 'stdio', '--url', url], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const output = { stdout: '', stderr: '' };
  const readers = { stdout: child.stdout.getReader(), stderr: child.stderr.getReader() };
  const read = async (name: 'stdout' | 'stderr') => {
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await readers[name].read();
      if (done) return;
      output[name] += decoder.decode(value, { stream: true });
    }
  };
  void read('stdout');
  void read('stderr');
  const send = (message: object) => {
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    child.stdin.flush();
  };
  const clientInfo = { name: 'raw', version: '1' };
  send({
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo },
  });
  await waitUntil('the session', () => output.stdout.includes('protocolVersion'), 20_000);
  send({ method: 'notifications/initialized' });
  send({ id: 2, method: 'tools/call', params: { name: 'up__hold', _meta: { progressToken: 'p' } } });
  return { child, output, readers, send };
}

test.each([
  ['the end of its input', 'input'],
  ['SIGTERM', 'SIGTERM'],
  ['SIGINT', 'SIGINT'],
  ['nobody who reads its output', 'output'],
])('%s ends it: the session ends, its calls are cancelled, and the exit code is 0', async (_what, how) => {
  await using server = await startSdkV1();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
  await gateway.connected();
  const { child, output, readers, send } = await bridgeWithCall(gateway.url);
  await waitUntil('the call', () => server.executions('hold') === 1);
  if (how === 'input') child.stdin.end();
  else if (how === 'output') {
    await readers.stdout.cancel();
    send({ id: 3, method: 'ping' });
  } else child.kill(how as NodeJS.Signals);
  expect(await within('the end', child.exited, 5_000)).toBe(0);
  await waitUntil('the cancellation', () => server.cancellations('hold') === 1);
  const page = await gateway.metrics();
  const ended = { reason: 'client_delete' };
  expect(page.value('mcpstead_downstream_session_terminations_total', ended)).toBe(1);
  expect(output.stderr).toBe('');
  // Nothing but messages.
  for (const line of output.stdout.trim().split('\n')) expect(JSON.parse(line).jsonrpc).toBe('2.0');
});

test('a gateway that hangs at the end delays it by about a second', async () => {
  using silent = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      if (request.method !== 'POST') return await new Promise<Response>(() => {});
      const { id } = (await request.json()) as { id: number };
      const result = {
        protocolVersion: '2025-11-25',
        capabilities: {},
        serverInfo: { name: 's', version: '1' },
      };
      const headers = { 'mcp-session-id': 's-1' };
      return id === 1
        ? Response.json({ jsonrpc: '2.0', id, result }, { headers })
        : new Response(null, { status: 202 });
    },
  });
  const { child } = await bridgeWithCall(`http://127.0.0.1:${silent.port}/mcp`);
  child.stdin.end();
  expect(await within('the end', child.exited, 5_000)).toBe(0);
});
