import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGateway } from '../support/gateway.ts';
import { blocksOf, commandsOf } from '../support/pages.ts';
import { type Program, startCommand } from '../support/program.ts';
import { freePort, waitUntil } from '../support/wait.ts';

// Starting a process takes long on a busy machine.
setDefaultTimeout(30_000);

const root = join(import.meta.dir, '../..');

/**
 * Runs the commands of the README's quick start literally, except for the ports and `npx`, which uses the installed package
 * instead of downloading it.
 */
describe('the quick start', () => {
  const blocks = blocksOf('README.md', 'By hand');
  const [startServer, configuration, checkAndServe, call] = blocks.map(({ text }) => text);
  const [check = '', serve = ''] = (checkAndServe ?? '').trim().split('\n');

  let folder: string;
  let serverPort: number;
  let gatewayPort: number;
  const running: Program[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcpstead-readme-'));
    serverPort = freePort();
    gatewayPort = freePort();
    mkdirSync(join(folder, 'bin'));
    const packages = join(root, 'node_modules');
    command('mcpstead', `exec "${process.execPath}" "${join(root, 'src/main.ts')}" "$@"`);
    command('npx', `[ "$1" = -y ] && shift\nexec "${process.execPath}" "${packages}/$1/dist/index.js" "$2"`);
  });
  afterAll(async () => {
    for (const program of running) await program[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  function command(name: string, script: string): void {
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'bin', name), 0o755);
  }

  const withPorts = (text: string) =>
    text.replaceAll(':3001', `:${serverPort}`).replaceAll(':8766', `:${gatewayPort}`);

  function run(text: string): Program {
    const env = { PATH: `${folder}/bin:${process.env.PATH}`, PORT: String(serverPort) };
    // The program replaces the shell, so that it ends with it.
    const program = startCommand(['sh', '-c', text.startsWith('curl') ? text : `exec ${text}`], {
      cwd: folder,
      env,
    });
    running.push(program);
    return program;
  }

  test('has the steps: a server, a file, check, serve, a call', () => {
    expect(blocks.map(({ language }) => language)).toEqual(['sh', 'yaml', 'sh', 'sh', 'text']);
    expect(checkAndServe?.trim().split('\n').length).toBe(2);
  });

  test('starts a server on the port that the file names', async () => {
    const source = join(
      root,
      'node_modules/@modelcontextprotocol/server-everything/dist/transports/streamableHttp.js',
    );
    expect(readFileSync(source, 'utf8')).toContain('process.env.PORT || 3001');
    await run(startServer as string).printed(`on port ${serverPort}`);
  });

  test('has a file that check accepts', async () => {
    writeFileSync(
      join(folder, 'mcpstead.yaml'),
      `port: ${gatewayPort}\n${withPorts(configuration as string)}`,
    );
    const { exitCode, stdout, stderr } = await run(check).ended();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toStartWith('mcpstead.yaml is valid.\n');
  });

  test('serves it, and a call reaches the server', async () => {
    await run(serve).printed('serving http://');
    const connected = async () => {
      const health = (await (await fetch(`http://127.0.0.1:${gatewayPort}/health`)).json()) as {
        status: string;
      };
      return health.status === 'ok';
    };
    await waitUntil('the server of the quick start', connected, 20_000);
    const { exitCode, stdout } = await run(withPorts(call as string)).ended();
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: { content: [{ type: 'text', text: 'Echo: hello' }] },
    });
  });
});

describe('every curl command of the README works', () => {
  const commands = commandsOf('README.md', 'curl').filter((command) => command.includes('127.0.0.1:8766'));
  test('of which there are some', () => expect(commands.length).toBeGreaterThan(0));

  test.each(commands)('%s', async (command) => {
    await using gateway = await startGateway({ servers: [] });
    const withFailure = `${command} --fail --silent`.replaceAll('http://127.0.0.1:8766', gateway.origin);
    const { exitCode, stdout } = await startCommand(['sh', '-c', withFailure]).ended();
    expect({ exitCode, answered: stdout.length > 0 }).toEqual({ exitCode: 0, answered: true });
  });
});
