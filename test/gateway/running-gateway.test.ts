import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gatewayLocation } from '../../src/cli/running/gateway-location.ts';
import { findRunningGateway, runningGateway } from '../../src/cli/running/running-gateway.ts';
import { type GatewayFile, writeGatewayFile } from '../../src/state/gateway-file.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { startProgram } from '../support/program.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { freePort, waitUntil, within } from '../support/wait.ts';

failOnStrayErrors();

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mcpstead-running-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const token = 'the-admin-token';
const bearer = { auth: { mode: 'bearer' } };
const env = { MCPSTEAD_BEARER_TOKEN: 'the-bearer-token' };
const fileOf = (port: number) => join(directory, 'gateways', `${port}.json`);

/** Writes the file as the program does. */
function announce({ gateway }: TestGateway, changes: Partial<GatewayFile> = {}): void {
  writeGatewayFile(directory, gateway.port, {
    pid: process.pid,
    url: gateway.localUrl,
    config: null,
    token,
    version: '1.2.3',
    started_at: gateway.startedAt,
    ...changes,
  });
}

/** An ended process of this machine, whose id nobody has. */
async function endedPid(): Promise<number> {
  const child = Bun.spawn([process.execPath, '--version'], { stdout: 'ignore' });
  await child.exited;
  return child.pid;
}

const stale = (port: number, pid: number): GatewayFile => ({
  pid,
  url: `http://127.0.0.1:${port}/mcp`,
  config: null,
  token,
  version: '1.2.3',
  started_at: '2026-01-01T00:00:00.000Z',
});

describe('the running gateway', () => {
  test('is found by its port, and answers with its admin token', async () => {
    await using gateway = await startGateway({ servers: [], mcp: bearer }, env, undefined, token);
    announce(gateway);
    const found = await runningGateway({ directory, port: gateway.gateway.port });
    expect([found.url, found.version, found.config]).toEqual([gateway.url, '1.2.3', null]);
    expect(await found.get('/-/tools')).toEqual({ tools: [] });
    expect(await found.post('/-/reload')).toMatchObject({ added: 0, unchanged: 0 });
  });

  test('is found without its port if it is the only one', async () => {
    await using gateway = await startGateway({ servers: [] }, {}, undefined, token);
    announce(gateway);
    for (const port of [null, freePort()])
      expect((await findRunningGateway({ directory, port }))?.url).toBe(gateway.url);
  });

  test('is not guessed among several', async () => {
    await using first = await startGateway({ servers: [] }, {}, undefined, token);
    await using second = await startGateway({ servers: [] }, {}, undefined, token);
    announce(first);
    announce(second);
    expect((await findRunningGateway({ directory, port: second.gateway.port }))?.url).toBe(second.url);
    await expect(findRunningGateway({ directory, port: null })).rejects.toThrow(
      'several gateways run (http://',
    );
  });

  test('is none without a state directory, or in an empty one', async () => {
    expect(await findRunningGateway({ directory: null, port: 8766 })).toBe(null);
    expect(await findRunningGateway({ directory, port: 8766 })).toBe(null);
    await expect(runningGateway({ directory, port: 8766 })).rejects.toThrow(
      'no gateway runs; start one: mcpstead serve',
    );
  });

  test('is asked directly, whatever proxy the environment names', async () => {
    await using gateway = await startGateway({ servers: [] }, {}, undefined, token);
    announce(gateway);
    const script = `
      import { findRunningGateway } from './src/cli/running/running-gateway.ts';
      console.log((await findRunningGateway({ directory: ${JSON.stringify(directory)}, port: null }))?.url);`;
    const proxy = 'http://127.0.0.1:1';
    const child = Bun.spawn([process.execPath, '-e', script], {
      cwd: join(import.meta.dir, '../..'),
      env: { ...process.env, HTTP_PROXY: proxy, http_proxy: proxy, ALL_PROXY: proxy },
    });
    expect((await new Response(child.stdout).text()).trim()).toBe(gateway.url);
  });
});

describe('a stale file is removed if', () => {
  const isRemoved = async (port: number) => {
    expect(existsSync(fileOf(port))).toBe(true);
    expect(await findRunningGateway({ directory, port })).toBe(null);
    return !existsSync(fileOf(port));
  };

  test('nobody listens, whether or not the pid is in use again', async () => {
    for (const pid of [process.pid, await endedPid()]) {
      const port = freePort();
      writeGatewayFile(directory, port, stale(port, pid));
      expect(await isRemoved(port)).toBe(true);
    }
  });

  test.each([
    ['that answers 404', () => new Response('no', { status: 404 })],
    ['that takes everything for right', () => Response.json({ servers: [] })],
    ['that answers with a page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['that redirects elsewhere', () => Response.redirect('http://127.0.0.1:1/')],
  ])('another program %s has the port', async (_, answer) => {
    const other = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: answer });
    writeGatewayFile(directory, other.port as number, stale(other.port as number, process.pid));
    expect(await isRemoved(other.port as number)).toBe(true);
    await other.stop(true);
  });

  test('another program that speaks no HTTP has the port', async () => {
    const data = (socket: Bun.Socket) => void socket.end('SSH-2.0-OpenSSH_9.6\r\n');
    const other = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data } });
    writeGatewayFile(directory, other.port, stale(other.port, process.pid));
    expect(await isRemoved(other.port)).toBe(true);
    other.stop(true);
  });

  test.each([
    ['of another process', { pid: 1 }],
    ['that started at another time', { started_at: '2026-01-01T00:00:00.000Z' }],
  ])('the port belongs to a gateway %s', async (_, changes) => {
    await using gateway = await startGateway({ servers: [] }, {}, undefined, token);
    announce(gateway, changes);
    expect(await isRemoved(gateway.gateway.port)).toBe(true);
  });

  test('the gateway at the port has another token', async () => {
    await using gateway = await startGateway({ servers: [], mcp: bearer }, env, undefined, token);
    announce(gateway, { token: 'of-its-predecessor' });
    expect(await isRemoved(gateway.gateway.port)).toBe(true);
  });
});

test('a gateway that does not answer in time keeps its file while its process lives', async () => {
  const hung = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  writeGatewayFile(directory, hung.port, stale(hung.port, process.pid));
  expect(await findRunningGateway({ directory, port: hung.port })).toBe(null);
  expect(existsSync(fileOf(hung.port))).toBe(true);
  writeGatewayFile(directory, hung.port, stale(hung.port, await endedPid()));
  expect(await findRunningGateway({ directory, port: hung.port })).toBe(null);
  expect(existsSync(fileOf(hung.port))).toBe(false);
  hung.stop(true);
});

test('errors say what the gateway said', async () => {
  await using gateway = await startGateway({ servers: [] }, {}, undefined, token);
  announce(gateway);
  const found = await runningGateway({ directory, port: null });
  await expect(found.get('/-/tools?server=x')).rejects.toThrow(
    `the gateway at ${gateway.url} refused: no server is named "x"; GET /-/servers lists them`,
  );
  await expect(found.post('/-/servers/x/reconnect')).rejects.toThrow('no server is named "x"');
});

test('a stream brings events until it is aborted', async () => {
  await using gateway = await startGateway({ servers: [] }, {}, undefined, token);
  announce(gateway);
  const found = await runningGateway({ directory, port: null });
  const abort = new AbortController();
  const events = found.stream('/-/events', abort.signal);
  const first = await within('the first event', events.next());
  expect(JSON.parse((first.value as { data: string }).data)).toMatchObject({ url: gateway.url });
  const next = events.next();
  abort.abort();
  expect((await within('the end', next)).done).toBe(true);
});

test('a refused stream says why', async () => {
  await using gateway = await startGateway({ servers: [] }, {}, undefined, token);
  announce(gateway);
  const found = await runningGateway({ directory, port: null });
  const lines = found.stream('/-/logs?server=x', new AbortController().signal);
  await expect(lines.next()).rejects.toThrow('refused: no server is named "x"');
});

describe('the program', () => {
  test('announces itself while it serves, with the port that it got and for its owner only', async () => {
    const config = join(directory, 'mcpstead.yaml');
    writeFileSync(config, `port: 0\nstate_dir: ${JSON.stringify(directory)}\nservers: []\n`);
    await using program = startProgram(['serve', '--config', config]);
    const found = await waitUntil('the gateway', () =>
      findRunningGateway(gatewayLocation(config, { env: {}, platform: process.platform })),
    );
    expect(found.config).toBe(config);
    expect(found.port).toBeGreaterThan(0);
    const file = JSON.parse(readFileSync(fileOf(found.port), 'utf8'));
    expect(Buffer.from(file.token, 'base64url')).toHaveLength(32);
    expect(await found.get('/-/servers')).toMatchObject({ config, pid: file.pid });
    program.signal('SIGTERM');
    expect((await program.ended()).exitCode).toBe(0);
    expect(existsSync(fileOf(found.port))).toBe(false);
  });
});
