import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { report } from '../support/contracts.ts';
import { startProgram } from '../support/program.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { servedHome } from '../support/served-home.ts';
import { rawStdio } from '../support/stdio/raw-stdio.ts';
import { freePort, waitUntil } from '../support/wait.ts';

// Starting a process takes long on a busy machine.
setDefaultTimeout(60_000);

/** A gateway file of a gateway that has gone. */
function leaveFile(state: string, port: number, pid: number): string {
  mkdirSync(join(state, 'gateways'), { recursive: true });
  const path = join(state, 'gateways', `${port}.json`);
  const file = {
    pid,
    url: `http://127.0.0.1:${port}/mcp`,
    config: null,
    token: 'old-token',
    version: '0.0.1',
    started_at: '2026-01-01T00:00:00.000Z',
  };
  writeFileSync(path, JSON.stringify(file), { mode: 0o600 });
  return path;
}

async function endedPid(): Promise<number> {
  const child = Bun.spawn([process.execPath, '--version'], { stdout: 'ignore' });
  await child.exited;
  return child.pid;
}

describe('with a running gateway', () => {
  test('status shows servers, what is wrong with them, and clients', async () => {
    await using server = await startSdkV1();
    await using home = servedHome(
      [
        { name: 'good', url: server.url },
        { name: 'dead', url: 'http://127.0.0.1:1/mcp' },
        { name: 'off', url: server.url, enabled: false },
      ],
      { profiles: [{ name: 'review', servers: ['good'] }] },
    );
    await home.serve('good');
    await home.run(['call', 'good.echo', 'message=hi']);
    const { exitCode, stdout, stderr } = await home.run(['status']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const [head = '', good = '', dead = '', off = '', view, clients] = stdout.split('\n');
    expect(head).toMatch(
      /^mcpstead \d+\.\d+\.\d+ {2}http:\/\/127\.0\.0\.1:\d+\/mcp {2}up \d+ s {2}~\/\.config\/mcpstead\/mcpstead\.yaml$/,
    );
    expect(good).toMatch(
      /^good {2}ready +legacy {2}8 tools {2}\d+ tokens {2}1 call {2}0 errors {2}p95 [\d.]+ ms$/,
    );
    expect(dead).toMatch(/^dead {2}(backoff|connecting) .* run: mcpstead doctor$/);
    expect(dead).toContain('connection refused by 127.0.0.1:1');
    expect(off).toMatch(/^off {3}disabled {2}– .* run: mcpstead enable off$/);
    expect([view, clients]).toEqual(['/mcp/review: good', 'clients: mcpstead-cli']);

    const json = await home.run(['list', '--json']);
    const { running, gateway } = report('status', json.stdout) as {
      running: boolean;
      gateway: { servers: object[] };
    };
    expect(running).toBe(true);
    expect(gateway.servers).toMatchObject([
      { name: 'good', state: 'ready', connected: true, tools_count: 8, calls_total: 1, errors_total: 0 },
      { name: 'dead', connected: false, last_error: expect.stringContaining('connection refused') },
      { name: 'off', state: 'disabled', enabled: false },
    ]);
    expect(json.stdout).not.toContain('token":');
  });

  test('tools shows names, what they cost, and whether that is too much', async () => {
    await using server = await startSdkV1({ extraTools: 2 });
    const long = 'a-server-with-a-name-that-leaves-little-room';
    await using home = servedHome([
      { name: 'one', url: server.url },
      { name: long, url: server.url },
    ]);
    await home.serve('one', long);
    const all = await home.run(['tools', 'one']);
    expect(all).toMatchObject({ exitCode: 0, stderr: '' });
    const lines = all.stdout.split('\n');
    expect(lines[0]).toMatch(/^one__echo +\d+ {2}Returns its message$/);
    expect(lines.at(-2)).toMatch(/^10 tools, \d+ tokens \(bytes ÷ 4\)$/);

    const cost = await home.run(['tools', '--cost', '--max-tokens', '100']);
    expect(cost.exitCode).toBe(1);
    expect(cost.stdout).toMatch(/^one +10 tools +\d+ tokens +0\.\d %\n/);
    expect(cost.stdout).toContain(`\ntokens are bytes ÷ 4`);
    expect(cost.stdout).toMatch(
      /Claude Code refuses.*, for example a-server-with-a-name-that-leaves-little-room__/,
    );
    expect(cost.stderr).toMatch(/^mcpstead: the tools cost \d+ tokens, more than 100\n$/);

    const json = await home.run(['tools', '--json', '--max-tokens', '1000000']);
    expect(json).toMatchObject({ exitCode: 0, stderr: '' });
    expect(report('tools', json.stdout)).toMatchObject({
      servers: [
        { name: 'one', tools: 10 },
        { name: long, tools: 10 },
      ],
      total: { tools: 20 },
      context_tokens: 200_000,
      max_tokens: 1_000_000,
      name_problems: [{ count: expect.any(Number) }],
    });

    const unknown = await home.run(['tools', 'on']);
    expect(unknown).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `mcpstead: no server is named "on"; did you mean "one"? (servers: one, ${long})\n`,
    });
    expect(await home.run(['tools', '--max-tokens', 'many'])).toMatchObject({ exitCode: 2, stdout: '' });
  });

  test('tools says whose tools are missing', async () => {
    await using server = await startSdkV1();
    await using home = servedHome([
      { name: 'one', url: server.url },
      { name: 'down', url: 'http://127.0.0.1:1/mcp' },
    ]);
    await home.serve('one');
    const cost = await home.run(['tools', '--cost']);
    expect(cost.exitCode).toBe(0);
    expect(cost.stdout).toMatch(/\ntotal +8 tools /);
    expect(cost.stderr).toBe(
      'mcpstead: tools of these servers are missing: down; mcpstead status says why\n',
    );
    expect((await home.run(['tools', 'one'])).stderr).toBe('');
  });

  test('logs shows the last lines, with what servers print', async () => {
    await using home = servedHome([
      rawStdio('raw', { complaint: 'printed by the server\n' }),
      rawStdio('other'),
    ]);
    await home.serve('raw', 'other');
    const { exitCode, stdout, stderr } = await home.run(['logs', 'raw']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d LOG {3}raw {2}printed by the server$/m);
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d INFO {2}raw {2}upstream connected transport=stdio/m);
    expect(stdout).not.toContain('other');
    const last = await home.run(['logs', '--lines', '1']);
    expect(last.stdout.trim().split('\n').length).toBe(1);
    const json = await home.run(['logs', 'raw', '--json']);
    expect(report('logs', json.stdout).lines).toContainEqual({
      at: expect.any(String),
      level: 'info',
      message: 'stderr of the server',
      server: 'raw',
      line: 'printed by the server',
    });
    expect(await home.run(['logs', '-f', '--json'])).toMatchObject({ exitCode: 2, stdout: '' });
  });

  test('logs -f goes on over a restart of the gateway, and ends with 0 on Ctrl-C', async () => {
    await using home = servedHome([]);
    const gateway = await home.serve();
    await using program = startProgram(['logs', '-f'], { env: home.env });
    await program.printed('serving http://');
    gateway.signal('SIGTERM');
    await program.printed('the gateway has stopped; waiting for it\n');
    await home.serve();
    await program.printed('a gateway runs again: http://');
    await waitUntil(
      'the lines of the next one',
      () => program.stdout().split('serving http://').length === 3,
      20_000,
    );
    program.signal('SIGINT');
    expect((await program.ended()).exitCode).toBe(0);
  });

  test('logs -f ends when nobody reads it any more', async () => {
    await using server = await startSdkV1();
    await using home = servedHome([{ name: 'a', url: server.url }]);
    const gateway = await home.serve('a');
    await using program = startProgram(['logs', '-f'], { env: home.env });
    await program.printed('serving http://');
    await program.closeOutput();
    gateway.signal('SIGHUP');
    expect((await program.ended()).exitCode).toBe(0);
  });
});

describe('without a gateway', () => {
  const commands = [['status'], ['tools'], ['logs']];

  test('each command says how to start one', async () => {
    await using home = servedHome([]);
    for (const command of commands)
      expect(await home.run(command)).toEqual({
        exitCode: 1,
        stdout: '',
        stderr:
          'mcpstead: no gateway runs\nTo start it now: mcpstead serve\nTo have it always: mcpstead service install\n',
      });
    const { exitCode, stdout } = await home.run(['status', '--json']);
    expect(exitCode).toBe(1);
    expect(report('status', stdout)).toEqual({ running: false, gateway: null });
    for (const command of ['tools', 'logs']) expect((await home.run([command, '--json'])).stdout).toBe('');
  });

  test('a stale file is removed, whether its process is gone or another program has the port', async () => {
    await using home = servedHome([]);
    const gone = leaveFile(home.state, home.port, await endedPid());
    expect((await home.run(['status'])).stderr).toStartWith('mcpstead: no gateway runs\n');
    expect(existsSync(gone)).toBe(false);

    const requests: (string | null)[] = [];
    using foreign = Bun.serve({
      hostname: '127.0.0.1',
      port: home.port,
      fetch(request) {
        requests.push(request.url);
        return new Response('hello');
      },
    });
    const taken = leaveFile(home.state, foreign.port as number, process.pid);
    expect((await home.run(['status'])).stderr).toStartWith('mcpstead: no gateway runs\n');
    expect(existsSync(taken)).toBe(false);
    expect(requests.length).toBeGreaterThan(0);
  });

  test('a home that is missing or read-only is no obstacle', async () => {
    await using home = servedHome([]);
    const nowhere = { HOME: undefined, MCPSTEAD_CONFIG: undefined };
    expect(await home.run(['status'], { env: nowhere })).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        'mcpstead: no gateway runs, as far as can be known without HOME\nTo name a configuration: --config FILE\n',
    });
    chmodSync(home.folder, 0o500);
    try {
      expect(await home.run(['status'])).toMatchObject({ exitCode: 1, stdout: '' });
    } finally {
      chmodSync(home.folder, 0o700);
    }
    expect(existsSync(join(home.folder, '.local'))).toBe(false);
  });

  test('a configuration that is named and does not exist is not passed over', async () => {
    await using home = servedHome([]);
    const path = join(home.folder, `${freePort()}.yaml`);
    expect(await home.run(['status', '--config', path])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `mcpstead: ${path} does not exist\n`,
    });
  });
});
