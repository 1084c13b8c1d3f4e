import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { type Program, runProgram, startProgram } from '../support/program.ts';
import { freePort } from '../support/wait.ts';

// Starting a process takes long on a busy machine.
setDefaultTimeout(30_000);

const port = freePort();
const url = `http://127.0.0.1:${port}/mcp`;
let program: Program;
beforeAll(async () => {
  program = startProgram(['demo', '--port', String(port)]);
  await program.printed('Ctrl-C');
});
afterAll(() => program[Symbol.asyncDispose]());

describe('the demo', () => {
  const hasShell = Bun.which('sh') !== null && Bun.which('curl') !== null;
  test.skipIf(!hasShell)('prints a curl line that calls a tool when it is pasted into a shell', async () => {
    const line = program
      .stdout()
      .split('\n')
      .find((text) => text.trim().startsWith('curl '));
    const shell = Bun.spawn(['sh', '-c', line ?? 'false'], { stdout: 'pipe', stderr: 'pipe' });
    const [answer, complaint] = await Promise.all([shell.stdout.text(), shell.stderr.text()]);
    expect(complaint).toBe('');
    expect(JSON.parse(answer)).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: { content: [{ type: 'text', text: 'Hello from mcpstead' }] },
    });
  });

  test('prints the URL and how to connect clients', () => {
    expect(program.stdout()).toContain(`claude mcp add --transport http mcpstead ${url}\n`);
    expect(program.stdout()).toContain(`{"mcpServers":{"mcpstead":{"url":"${url}"}}}\n`);
    expect(program.stdout()).toContain(`{"servers":{"mcpstead":{"type":"http","url":"${url}"}}}\n`);
  });

  test('lists its tools to an MCP client under the name of the server', async () => {
    const client = new Client({ name: 'test', version: '1.0.0' });
    await client.connect(new StreamableHTTPClientTransport(new URL(url)));
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      'demo__echo',
      'demo__add',
      'demo__work_slowly',
      'demo__server_time',
      'demo__fail',
    ]);
    await client.close();
  });

  test('exits 1 and suggests another port if its port is taken', async () => {
    const { exitCode, stdout, stderr } = await runProgram(['demo', '--port', String(port)]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain(String(port));
    expect(stderr).toContain('For any free port: mcpstead demo --port 0');
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('ends with exit code 0 on Ctrl-C', async () => {
    const other = freePort();
    await using second = startProgram(['demo', '--port', String(other)]);
    await second.printed('Ctrl-C');
    second.signal('SIGINT');
    expect((await second.ended()).exitCode).toBe(0);
  });
});
