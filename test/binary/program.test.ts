import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { platformName } from '../../npm/mcpstead/lib/platform.mjs';
import manifest from '../../package.json' with { type: 'json' };
import { binaryFolder, root, run as runToEnd } from '../../scripts/checkout.ts';
import { targetNamed } from '../../scripts/targets.ts';
import { startCommand } from '../support/program.ts';
import { startTraceCollector } from '../support/trace-collector.ts';
import { freePort, waitUntil } from '../support/wait.ts';

const platform = targetNamed(platformName());
const pageFolder = join(root, 'src/http/page');
const program = join(binaryFolder(platform.name), platform.executable);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-binary-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function run(command: readonly string[]) {
  await using running = startCommand(command, { cwd: folder });
  return await running.ended();
}

test('the program tells its version, its commit and its Bun', async () => {
  const { exitCode, stdout, stderr } = await run([program, '--version']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const [, version, sha, bun] = /^mcpstead (\S+) \(commit ([0-9a-f]{12}), Bun (\S+)\)\n$/.exec(stdout) ?? [];
  expect({ version, bun }).toEqual({ version: manifest.version, bun: manifest.devDependencies.bun });
  expect(runToEnd(['git', 'cat-file', '-t', sha ?? ''])).toBe('commit');
});

test('the program holds no path of the machine that built it, so that it is the same from any folder', () => {
  expect(readFileSync(program).includes(root)).toBe(false);
});

test('the program sends spans to a collector of traces', async () => {
  using collector = startTraceCollector();
  await using demo = startCommand([program, 'demo', '--port', '0'], {
    cwd: folder,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '20' },
  });
  await demo.printed('The demo serves');
  const [url] = /http:\/\/\S+\/mcp/.exec(demo.stdout()) ?? [];
  await fetch(url ?? '', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'demo__echo', arguments: { text: 'traced' } },
    }),
  });
  await waitUntil('two spans', () => collector.spans.length === 2);
  expect(collector.spans.map(({ name }) => name).toSorted()).toEqual([
    'tools/call demo__echo',
    'tools/call echo',
  ]);
});

test('the program serves the status page with its script, style and icon', async () => {
  await using demo = startCommand([program, 'demo', '--port', '0'], { cwd: folder });
  await demo.printed('The demo serves');
  const [, origin] = /(http:\/\/\S+)\/mcp/.exec(demo.stdout()) ?? [];
  const textOf = async (path: string) => (await fetch(`${origin}${path}`)).text();
  const page = await textOf('/?tools=demo');
  expect(page).toContain(`${origin}/mcp`);
  expect(page).toContain('<code>demo__echo</code>');
  expect(await textOf('/-/page.js')).toBe(readFileSync(join(pageFolder, 'script.js'), 'utf8'));
  expect(await textOf('/-/page.css')).toBe(readFileSync(join(pageFolder, 'style.css'), 'utf8'));
  expect(await textOf('/-/page.svg')).toBe(readFileSync(join(pageFolder, 'icon.svg'), 'utf8'));
});

test('the program serves a configuration, calls tools, and ends gracefully', async () => {
  await using demo = startCommand([program, 'demo', '--port', '0'], { cwd: folder });
  await demo.printed('The demo serves');
  const [upstream] = /http:\/\/\S+\/mcp/.exec(demo.stdout()) ?? [];

  const port = freePort();
  const config = join(folder, 'mcpstead.yaml');
  writeFileSync(config, `port: ${port}\nservers: [{ name: up, url: '${upstream}', required: true }]\n`);
  await using gateway = startCommand([program, '--config', config], { cwd: folder });
  await gateway.printed('serving http://');
  const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'up__demo__echo', arguments: { text: 'through two of them' } },
    }),
  });
  expect(await response.json()).toEqual({
    jsonrpc: '2.0',
    id: 1,
    result: { content: [{ type: 'text', text: 'through two of them' }] },
  });

  for (const each of [gateway, demo]) {
    each.signal('SIGTERM');
    expect((await each.ended()).exitCode).toBe(0);
  }
});

describe('a hostile working directory', () => {
  const trace = () => existsSync(join(folder, 'trace'));

  beforeEach(() => {
    writeFileSync(join(folder, 'hostile.yaml'), 'port: 0\nservers: []\n');
    for (const file of ['.env', '.env.local', '.env.production', '.env.development']) {
      writeFileSync(
        join(folder, file),
        'MCPSTEAD_CONFIG=hostile.yaml\nMCPSTEAD_BEARER_TOKEN=known-to-them\n',
      );
    }
    writeFileSync(
      join(folder, 'bunfig.toml'),
      'preload = ["./hostile.ts"]\n[run]\npreload = ["./hostile.ts"]\n',
    );
    writeFileSync(join(folder, 'hostile.ts'), `require('node:fs').writeFileSync('trace', 'it ran');`);
  });

  test('takes effect on Bun itself, or the next tests would prove nothing', async () => {
    const main = join(import.meta.dir, '../../src/main.ts');
    const { exitCode, stdout } = await run([process.execPath, main, 'check']);
    expect({ exitCode, stdout, trace: trace() }).toEqual({
      exitCode: 0,
      stdout: expect.stringContaining('hostile.yaml'),
      trace: true,
    });
  });

  test('changes nothing for the program: no variable of its .env, no line of its preload', async () => {
    for (const args of [['check'], []]) {
      const { exitCode, stderr } = await run([program, ...args]);
      expect(exitCode).toBe(2);
      expect(stderr).toContain('no configuration file: pass --config FILE or set MCPSTEAD_CONFIG=FILE');
    }
    expect(trace()).toBe(false);
  });

  test('changes nothing while it serves either: it lacks the token that the .env has', async () => {
    const config = join(folder, 'own.yaml');
    writeFileSync(config, 'port: 0\nmcp: { auth: { mode: bearer } }\n');
    const { exitCode, stderr } = await run([program, '--config', config]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('MCPSTEAD_BEARER_TOKEN');

    writeFileSync(config, 'port: 0\n');
    await using serving = startCommand([program, '--config', config], { cwd: folder });
    await serving.printed('serving http://');
    serving.signal('SIGTERM');
    expect((await serving.ended()).exitCode).toBe(0);
    expect(trace()).toBe(false);
  });
});
