// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this reference is for the configuration
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hangUp, rpcResult } from '../support/answers.ts';
import { isAlive } from '../support/child-processes.ts';
import { fakeSse } from '../support/fake-sse.ts';
import { type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { runProgram } from '../support/program.ts';
import { startItemServer } from '../support/sdk-items.ts';
import { rawStdio } from '../support/stdio/raw-stdio.ts';
import { freePort } from '../support/wait.ts';

// Starting a process takes long on a busy machine.
setDefaultTimeout(30_000);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-connect-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function connect(servers: readonly Record<string, unknown>[], env: Record<string, string> = {}) {
  const path = join(folder, 'mcpstead.yaml');
  writeFileSync(path, JSON.stringify({ servers }));
  return runProgram(['check', '--connect', '--config', path], { env });
}

const blocks = (stdout: string) => stdout.trimEnd().split('\n\n').slice(2);
const methods = (upstream: FakeUpstream) =>
  upstream.received.map(({ httpMethod, message }) => message.method ?? httpMethod);

test('check --connect shows how each server describes itself, and ends the sessions', async () => {
  await using upstream = await fakeUpstream({
    tools: ['a', 'b', 'c'].map((name) => ({ name, inputSchema: { type: 'object' } })),
  });
  const { exitCode, stdout, stderr } = await connect(
    [{ name: 'up', url: upstream.url, auth: { type: 'bearer', token_env: 'UP_TOKEN' } }],
    { UP_TOKEN: 'up-secret' },
  );
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(blocks(stdout)).toEqual([
    `up
  url        ${upstream.url}
  protocol   auto
  era        auto
  required   no
  auth       bearer token from UP_TOKEN
  headers    none
  timeouts   connect 10 s, request 300 s
  tool list  fetched again every 300 s
  reconnect  forever
  connected  yes, over streamable with protocol version 2025-11-25
  server     fake 1.0.0
  tools      3`,
  ]);
  expect(methods(upstream).filter((method) => method !== 'GET')).toEqual([
    'initialize',
    'notifications/initialized',
    'tools/list',
    'DELETE',
  ]);
  expect(upstream.received[0]?.headers.get('authorization')).toBe('Bearer up-secret');
});

test('a server over HTTP+SSE is found as the gateway finds it', async () => {
  await using upstream = await fakeSse();
  const { exitCode, stdout } = await connect([{ name: 'old', url: upstream.url }]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('connected  yes, over sse with protocol version');
});

test('unreachable servers are shown with the reason, beside the others, and the exit code is 1', async () => {
  await using good = await fakeUpstream();
  await using locked = await fakeUpstream({ onPost: () => new Response('no entry', { status: 401 }) });
  await using silent = await fakeUpstream({ onPost: () => new Promise(() => {}) });
  await using broken = await fakeUpstream({
    onPost: ({ method }) => (method === 'tools/list' ? hangUp : undefined),
  });
  await using off = await fakeUpstream();
  const { exitCode, stdout, stderr } = await connect([
    { name: 'down', url: `http://127.0.0.1:${freePort()}/mcp` },
    { name: 'good', url: good.url },
    { name: 'off', url: off.url, enabled: false },
    { name: 'locked', url: locked.url },
    { name: 'silent', url: silent.url, timeouts: { connect_seconds: 0.3 } },
    { name: 'broken', url: broken.url },
  ]);
  expect(exitCode).toBe(1);
  expect(stderr).toBe('mcpstead: 4 of 5 servers could not be connected: down, locked, silent, broken\n');
  const connected = blocks(stdout).map((block) => [
    block.split('\n')[0],
    /^ {2}connected +(.*)$/m.exec(block)?.[1],
  ]);
  expect(connected).toEqual([
    ['down', expect.stringContaining('no: connection refused')],
    ['good', 'yes, over streamable with protocol version 2025-11-25'],
    ['off', undefined],
    ['locked', 'no: answered HTTP 401: "no entry"'],
    ['silent', 'no: did not initialize within 0.3 s'],
    ['broken', 'no: connection closed unexpectedly'],
  ]);
  expect(off.received).toEqual([]);
  expect(methods(broken)).toContain('DELETE');
});

test('the running gateway itself is not reachable as a server', async () => {
  await using gateway = await startGateway({ servers: [] });
  const port = Number(new URL(gateway.origin).port);
  const path = join(folder, 'mcpstead.yaml');
  writeFileSync(path, JSON.stringify({ port, servers: [{ name: 'me', url: `${gateway.origin}/mcp` }] }));
  const { exitCode, stdout, stderr } = await runProgram(['check', '--connect', '--config', path]);
  expect(exitCode).toBe(1);
  expect(stdout).toContain(
    'connected  no: is this very gateway: remove it from servers, or give the url of another server\n',
  );
  expect(stderr).toEndWith('mcpstead: 1 of 1 servers could not be connected: me\n');
});

test('the description of a server is shown on one line, short and without secrets', async () => {
  await using upstream = await fakeUpstream({
    onPost: ({ id, method, params }) =>
      method === 'initialize'
        ? rpcResult(id, {
            protocolVersion: params?.protocolVersion,
            capabilities: { tools: {} },
            serverInfo: { name: `\u001b[31mred\n${'x'.repeat(5000)}`, version: 'key-secret' },
          })
        : undefined,
  });
  const { exitCode, stdout } = await connect(
    [{ name: 'up', url: upstream.url, headers: { 'X-Key': '${KEY}' } }],
    { KEY: 'key-secret' },
  );
  expect(exitCode).toBe(0);
  const shown = /^ {2}server +(.*)$/m.exec(stdout)?.[1];
  expect(shown).toBe(`red ${'x'.repeat(195)}…`);
  expect(stdout).not.toContain('key-secret');
});

test('names that clients refuse cause one warning per server, with their number and an example', async () => {
  const tool = (name: string) => ({ name, inputSchema: { type: 'object' as const } });
  await using upstream = await fakeUpstream({
    tools: [
      tool('fine'),
      tool(`a${'x'.repeat(60)}`),
      tool(`b${'x'.repeat(60)}`),
      tool('y'.repeat(46)),
      tool('dotted.name'),
    ],
  });
  const { exitCode, stderr } = await connect([{ name: 'up', url: upstream.url }]);
  expect(exitCode).toBe(0);
  expect(stderr.trimEnd().split('\n')).toEqual([
    'warning: up: the name of 1 tool has characters other than letters, digits, _ and -, which some clients refuse, for example up__dotted.name',
    `warning: up: the name of each of 2 tools has over 64 characters, which many clients refuse, for example up__a${'x'.repeat(60)}`,
    `warning: up: the name of 1 tool has over 49 characters, which Claude Code refuses, because it prepends "mcp__mcpstead__", for example up__${'y'.repeat(46)}`,
  ]);
});

test('items are counted as clients see them, and those that others hide are reported', async () => {
  await using a = await startItemServer('a', {
    tools: ['get', 'put'],
    prompts: ['plan'],
    resources: ['x:1', 'x:2'],
    templates: ['x:{id}'],
  });
  await using b = await startItemServer('b', { tools: ['get', 'put', 'delete'], resources: ['x:1'] });
  const tools = { prefix: false, deny: ['delete'] };
  const { exitCode, stdout, stderr } = await connect([
    { name: 'a', url: a.url, tools, resources: { deny: ['x:2'] } },
    { name: 'b', url: b.url, tools },
  ]);
  expect(exitCode).toBe(0);
  const counts = /^ {2}(tools|prompts|resources|templates) +(\d.*)$/gm;
  expect([...stdout.matchAll(counts)].map(([, kind, count]) => `${kind} ${count}`)).toEqual([
    'tools 2',
    'prompts 1',
    'resources 1 of 2',
    'templates 1',
    'tools 2 of 3',
    'resources 1',
  ]);
  expect(stderr.trimEnd().split('\n')).toEqual([
    'warning: b: 2 tools are left out, because a has others of the same names, for example get',
    'warning: b: 1 resource is left out, because a has another of the same URI, for example x:1',
    'warning: a: tools.deny names "delete", but no tool has this name',
  ]);
});

test('an invalid configuration is reported before any connection is made', async () => {
  await using upstream = await fakeUpstream();
  const { exitCode, stdout, stderr } = await connect([
    { name: 'a', url: upstream.url },
    { name: 'b', url: 'ftp://b' },
  ]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toStartWith('mcpstead: invalid configuration');
  expect(upstream.received).toEqual([]);
});

test('check --help describes --connect, and other commands refuse it', async () => {
  expect((await runProgram(['check', '--help'])).stdout).toContain('--connect');
  const { exitCode, stderr } = await runProgram(['serve', '--connect']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('unknown option --connect; it belongs to "mcpstead check"');
});

test('check --connect starts servers on stdio, says why one ends, and leaves no process behind', async () => {
  const startsFile = join(folder, 'starts');
  const { exitCode, stdout, stderr } = await connect([
    rawStdio('good', { startsFile }),
    rawStdio('bad', { exitCode: 3, complaint: 'Error: no API key', startsFile }),
    { name: 'missing', command: 'no-such-command' },
  ]);
  expect(exitCode).toBe(1);
  expect(stdout).toContain('connected  yes, over stdio with protocol version 2025-06-18');
  expect(stdout).toContain('connected  no: exited with code 3: "Error: no API key"');
  expect(stdout).toContain(
    'connected  no: cannot be started: the command "no-such-command" was not found in PATH (ENOENT): ',
  );
  expect(stderr).toContain('2 of 3 servers could not be connected: bad, missing');
  expect(stdout).not.toContain('raw-server.ts');
  const pids = readFileSync(startsFile, 'utf8').trim().split('\n').map(Number);
  expect(pids.filter(isAlive)).toEqual([]);
});
