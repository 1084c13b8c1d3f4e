import { afterEach, expect, setDefaultTimeout, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectBridgedLegacy, connectBridgedModern } from '../support/bridged-clients.ts';
import { endProcess, isAlive } from '../support/child-processes.ts';
import type { Health } from '../support/gateway.ts';
import { startProgram } from '../support/program.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { freePort, waitUntil, within } from '../support/wait.ts';

// `mcpstead stdio` and the gateway of this machine: found, started, lost and found again.

setDefaultTimeout(60_000);

const homes: string[] = [];
afterEach(async () => {
  for (const home of homes.splice(0)) {
    for (const { pid } of gatewayFiles(home)) endProcess(pid);
    rmSync(home, { recursive: true, force: true });
  }
});

/** A user with a configuration in the customary place. */
function newHome(servers: object[], more: object = {}, secrets = '') {
  const home = mkdtempSync(join(tmpdir(), 'mcpstead-bridge-home-'));
  homes.push(home);
  const port = freePort();
  const folder = join(home, '.config/mcpstead');
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'mcpstead.yaml');
  writeFileSync(config, JSON.stringify({ port, servers, ...more }));
  if (secrets !== '') writeFileSync(join(folder, 'mcpstead.env'), secrets, { mode: 0o600 });
  const env = { HOME: home, XDG_STATE_HOME: join(home, 'state'), MCPSTEAD_STDIO_IDLE_SECONDS: '2' };
  return { home, port, config, env, origin: `http://127.0.0.1:${port}` };
}

function gatewayFiles(home: string): { pid: number; port: number }[] {
  const folder = join(home, 'state/mcpstead/gateways');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({
      ...JSON.parse(readFileSync(join(folder, name), 'utf8')),
      port: Number.parseInt(name, 10),
    }));
}

test('two bridges at once without a gateway start exactly one, which ends some time after the last of them', async () => {
  await using server = await startSdkV1();
  const { home, env } = newHome([{ name: 'up', url: server.url }]);
  const [first, second] = await Promise.all([
    connectBridgedLegacy([], { env }),
    connectBridgedModern(['--server', 'up'], { env }),
  ]);
  const echoed = (text: string) => waitUntil(text, () => first.call('up__echo', { message: text }));
  expect(await echoed('one')).toBe('one');
  expect(await waitUntil('two', () => second.call('echo', { message: 'two' }))).toBe('two');
  const [gateway, ...others] = gatewayFiles(home);
  expect(others).toEqual([]);

  await first[Symbol.asyncDispose]();
  // One that is killed counts as gone, too.
  await Bun.sleep(3_000);
  expect(await second.call('echo', { message: 'still' })).toBe('still');
  endProcess(second.pid);
  await waitUntil('the end of the gateway', () => !isAlive(gateway?.pid ?? 0), 15_000);
  expect(gatewayFiles(home)).toEqual([]);
  const log = readFileSync(join(home, `state/mcpstead/logs/gateway-${gateway?.port}.log`), 'utf8');
  expect(log).toContain('not used by any');
  await second[Symbol.asyncDispose]();
});

test('a stale gateway file does not matter', async () => {
  await using server = await startSdkV1();
  const { home, port, config, env } = newHome([{ name: 'up', url: server.url }]);
  const folder = join(home, 'state/mcpstead/gateways');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stale = { pid: 999_999, url: `http://127.0.0.1:${port}/mcp`, config, token: 'old', version: '0.0.1' };
  writeFileSync(
    join(folder, `${port}.json`),
    JSON.stringify({ ...stale, started_at: '2026-01-01T00:00:00Z' }),
  );
  await using client = await connectBridgedLegacy([], { env });
  expect(await waitUntil('an answer', () => client.call('up__echo', { message: 'a' }))).toBe('a');
});

test('another program on the port is named', async () => {
  const { env, port } = newHome([]);
  using _other = Bun.serve({ port, hostname: '127.0.0.1', fetch: () => new Response('other') });
  const bridge = startBridge([], env);
  await waitUntil(
    'the reason',
    () => bridge.stderr().includes(`cannot listen on 127.0.0.1 port ${port}`),
    20_000,
  );
  bridge.process.kill();
  await bridge.process.exited;
});

test('without any configuration, it says how to make one', async () => {
  const home = mkdtempSync(join(tmpdir(), 'mcpstead-bridge-home-'));
  homes.push(home);
  const bridge = startBridge([], { HOME: home });
  expect(await within('the end', bridge.process.exited, 20_000)).toBe(2);
  expect(await new Response(bridge.process.stdout).text()).toBe('');
  expect(bridge.stderr()).toContain('run "mcpstead init"');
});

test('what makes a gateway impossible is the answer to the first request, before the end', async () => {
  const home = mkdtempSync(join(tmpdir(), 'mcpstead-bridge-home-'));
  homes.push(home);
  const bridge = startBridge([], { HOME: home });
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'client', version: '1' },
  };
  bridge.process.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'initialize', params })}\n`);
  await bridge.process.stdin.flush();
  expect(await within('the end', bridge.process.exited, 20_000)).toBe(2);
  const lines = (await new Response(bridge.process.stdout).text()).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      jsonrpc: '2.0',
      id: 7,
      error: {
        code: -32000,
        message: expect.stringContaining('mcpstead init'),
        data: { reason: 'gateway_unavailable' },
      },
    },
  ]);
});

test('a configuration that is named and does not exist is an error, even if another gateway runs', async () => {
  const { env, home } = newHome([]);
  const bridge = startBridge(['--config', join(home, 'absent.yaml')], env);
  expect(await within('the end', bridge.process.exited, 20_000)).toBe(2);
  expect(bridge.stderr()).toContain('there is no configuration at');
});

test('a configuration that cannot be used ends it with the reason', async () => {
  const { env } = newHome([{ name: 'up', urll: 'x' }]);
  const bridge = startBridge([], env);
  expect(await within('the end', bridge.process.exited, 20_000)).toBe(2);
  expect(bridge.stderr()).toContain('urll');
});

test('the token of a gateway in bearer mode comes from mcpstead.env', async () => {
  await using server = await startSdkV1();
  const { env } = newHome(
    [{ name: 'up', url: server.url }],
    { mcp: { auth: { mode: 'bearer' } } },
    'MCPSTEAD_BEARER_TOKEN=from-the-file-123\n',
  );
  await using client = await connectBridgedModern([], { env });
  expect(await waitUntil('an answer', () => client.call('up__echo', { message: 'a' }))).toBe('a');
  expect(client.stderr()).not.toContain('from-the-file-123');
});

test.each([
  ['legacy', connectBridgedLegacy],
  ['modern', connectBridgedModern],
])('a %s client goes on after its gateway was killed and started again', async (_era, connect) => {
  await using server = await startSdkV1();
  const { config, env, origin } = newHome([{ name: 'up', url: server.url }]);
  const start = async () => {
    const gateway = startProgram(['serve', '--config', config], { env });
    await waitUntil('the tools', async () => {
      const { servers } = (await (await fetch(`${origin}/health`)).json()) as Health;
      return servers[0]?.tools_count;
    });
    return gateway;
  };
  const first = await start();
  await using client = await connect([], { env });
  // Clients that cannot listen hear of changes unasked.
  await client.listen('test://watched').catch(() => {});
  const held = client.call('up__hold');
  held.catch(() => {});
  await waitUntil('the execution', () => server.executions('hold') === 1);
  first.signal('SIGKILL');
  await expect(held).rejects.toThrow('the connection to the mcpstead gateway broke');
  const waiting = client.call('up__echo', { message: 'waited' });
  await using _second = await start();
  expect(await waiting).toBe('waited');
  await waitUntil('the changes', () => client.changes.includes('tools'));
  expect(server.executions('hold')).toBe(1);
  expect(server.executions('echo')).toBe(1);
});

/** A bridge without a client. */
function startBridge(args: readonly string[], env: Record<string, string>) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, '../../src/main.ts'), 'stdio', ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  let written = '';
  void (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) written += decoder.decode(chunk, { stream: true });
  })();
  return { process: child, stderr: () => written };
}
