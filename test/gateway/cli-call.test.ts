import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startAskingServer } from '../support/asking-server.ts';
import { isAlive } from '../support/child-processes.ts';
import { report } from '../support/contracts.ts';
import { startCommand, startProgram } from '../support/program.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { servedHome } from '../support/served-home.ts';
import { rawStdio } from '../support/stdio/raw-stdio.ts';
import { waitUntil } from '../support/wait.ts';

// Starting a process takes long on a busy machine.
setDefaultTimeout(60_000);

const everything = {
  name: 'everything',
  command: process.execPath,
  args: [
    join(import.meta.dir, '../../node_modules/@modelcontextprotocol/server-everything/dist/index.js'),
    'stdio',
  ],
};

describe('mcpstead call', () => {
  test('calls through the running gateway, with typed arguments', async () => {
    await using home = servedHome([everything]);
    await home.serve('everything');
    expect(await home.run(['call', 'everything.get-sum', 'a=1', 'b=2'])).toEqual({
      exitCode: 0,
      stdout: 'The sum of 1 and 2 is 3.\n',
      stderr: '',
    });
    expect((await home.run(['call', 'everything__echo', '--args', '{"message":"hi"}'])).stdout).toBe(
      'Echo: hi\n',
    );
    const whole = await home.run(['call', 'everything.get-structured-content', 'location=Chicago', '--json']);
    expect(report('call', whole.stdout)).toMatchObject({
      structuredContent: { conditions: expect.any(String) },
    });
    expect(whole.stdout).not.toContain('resultType');
    const image = await home.run(['call', 'everything.get-tiny-image']);
    expect(image.stdout).toContain('[image, image/png, ');
    const unknown = await home.run(['call', 'everything.ecko', 'message=hi']);
    expect(unknown).toMatchObject({ exitCode: 1, stdout: '' });
    expect(unknown.stderr).toBe(
      'mcpstead: everything has no tool "ecko"; did you mean "echo"?\nAll tools: mcpstead tools everything\n',
    );
    const wrong = await home.run(['call', 'everything.get-sum', 'a=x', 'b=2']);
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toStartWith('mcpstead: "a" expects a number, found "x"\n');
  });

  test('starts the server alone where no gateway runs, and ends it', async () => {
    await using home = servedHome([
      everything,
      { name: 'other', command: '/nonexistent/program' },
      { name: 'off', command: 'x', enabled: false },
    ]);
    const found = await home.run(['call', 'everything.echo', 'message=alone']);
    expect({ ...found, stderr: '' }).toEqual({ exitCode: 0, stdout: 'Echo: alone\n', stderr: '' });
    expect((await home.run(['call', 'everything__echo', 'message=alone'])).stdout).toBe('Echo: alone\n');
    const dead = await home.run(['call', 'other.x']);
    expect(dead).toMatchObject({ exitCode: 1, stdout: '' });
    expect(dead.stderr).toContain(
      '"other" is not reachable: cannot be started: the command "/nonexistent/program" does not exist',
    );
    const off = await home.run(['call', 'off.x']);
    expect(off.stderr).toBe('mcpstead: off is disabled; enable it first: mcpstead enable off\n');
    const nobody = await home.run(['call', 'nobody__x']);
    expect(nobody.stderr).toContain('no server is named "nobody"');
  });

  test('reads arguments from stdin', async () => {
    await using server = await startSdkV1();
    await using home = servedHome([{ name: 'a', url: server.url }]);
    await home.serve('a');
    const run = async (input: string) => {
      await using program = startCommand(
        [
          '/bin/sh',
          '-c',
          `printf '%s' '${input}' | "${process.execPath}" src/main.ts call a.mirror - --json`,
        ],
        { env: home.env, cwd: join(import.meta.dir, '../..') },
      );
      return await program.ended();
    };
    const found = await run('{"deep":{"list":[1,null]}}');
    expect(found).toMatchObject({ exitCode: 0, stderr: '' });
    expect(report('call', found.stdout)).toMatchObject({
      structuredContent: { arguments: { deep: { list: [1, null] } } },
    });
    const wrong = await run('[1]');
    expect(wrong).toMatchObject({ exitCode: 2, stdout: '' });
    expect(wrong.stderr).toStartWith('mcpstead: stdin must be a JSON object of arguments');
    const twice = await home.run(['call', 'a.mirror', 'a=1', '--args', '{}']);
    expect(twice).toMatchObject({ exitCode: 2 });
  });

  test('waits for a reader of its output that takes its time', async () => {
    await using server = await startSdkV1();
    await using home = servedHome([{ name: 'a', url: server.url }]);
    await home.serve('a');
    const command = `"${process.execPath}" src/main.ts call a.big chars=1000000 | (sleep 2; wc -c)`;
    await using program = startCommand(['/bin/sh', '-c', command], {
      env: home.env,
      cwd: join(import.meta.dir, '../..'),
    });
    expect((await program.ended()).stdout.trim()).toBe('1000001');
  });

  test('ends with 1 for an error of the tool, which is on stderr, or whole with --json', async () => {
    await using server = await startSdkV1();
    await using home = servedHome([{ name: 'a', url: server.url }]);
    await home.serve('a');
    const plain = await home.run(['call', 'a.fail']);
    expect(plain).toMatchObject({ exitCode: 1, stdout: '' });
    expect(plain.stderr).toStartWith('mcpstead: the tool reports an error: ');
    const whole = await home.run(['call', 'a.fail', '--json']);
    expect(whole).toMatchObject({ exitCode: 1, stderr: '' });
    expect(report('call', whole.stdout)).toMatchObject({ isError: true });
  });

  test('takes the token of clients from mcpstead.env beside the configuration of the gateway', async () => {
    await using server = await startSdkV1();
    await using home = servedHome([{ name: 'a', url: server.url }], { mcp: { auth: { mode: 'bearer' } } });
    await Bun.write(
      join(home.folder, '.config/mcpstead/mcpstead.env'),
      'MCPSTEAD_BEARER_TOKEN=secret-token\n',
    );
    Bun.spawnSync(['chmod', '600', join(home.folder, '.config/mcpstead/mcpstead.env')]);
    await home.serve('a');
    expect(await home.run(['call', 'a.echo', 'message=hi'])).toEqual({
      exitCode: 0,
      stdout: 'hi\n',
      stderr: '',
    });
    const wrong = await home.run(['call', 'a.echo', 'message=hi'], {
      env: { MCPSTEAD_BEARER_TOKEN: 'wrong' },
    });
    expect(wrong).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        'mcpstead: the gateway refuses the bearer token: set MCPSTEAD_BEARER_TOKEN, or write it into mcpstead.env\n',
    });
  });

  test('waits for a server that is starting, and does not start it anew', async () => {
    const starts = join(mkdtempSync(join(tmpdir(), 'mcpstead-call-')), 'starts');
    const { command, args } = everything;
    const script = `echo started >> '${starts}'; sleep 2; exec '${command}' '${args.join("' '")}'`;
    await using home = servedHome([{ name: 'slow', command: 'sh', args: ['-c', script] }]);
    await home.serve();
    const { exitCode, stdout } = await home.run(['call', 'slow.echo', 'message=late']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'Echo: late\n' });
    expect(readFileSync(starts, 'utf8')).toBe('started\n');
    rmSync(dirname(starts), { recursive: true });
  });

  test('says why a server is not connected', async () => {
    await using home = servedHome([{ name: 'dead', url: 'http://127.0.0.1:1/mcp' }]);
    await home.serve();
    const result = await home.run(['call', 'dead.x']);
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(result.stderr).toContain('dead is not connected');
    expect(result.stderr).toContain('connection refused');
    expect(result.stderr).toContain('mcpstead doctor');
  });
});

describe('a tool that asks', () => {
  test('is declined without a terminal, which is said', async () => {
    await using server = await startAskingServer();
    await using home = servedHome([{ name: 'asking', url: server.url }]);
    await home.serve('asking');
    const { exitCode, stdout, stderr } = await home.run(['call', 'asking.elicit', 'message=who?']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).answer).toEqual({ action: 'decline' });
    expect(stderr).toBe('the tool asks "who?", which is declined, because there is no terminal to ask on\n');
  });

  test.skipIf(Bun.which('script') === null)('is answered on a terminal', async () => {
    await using server = await startAskingServer();
    await using home = servedHome([{ name: 'asking', url: server.url }]);
    await home.serve('asking');
    const command = `"${process.execPath}" src/main.ts call asking.elicit`;
    const child = Bun.spawn(['script', '-qec', command, '/dev/null'], {
      cwd: join(import.meta.dir, '../..'),
      env: { ...process.env, ...home.env, MCPSTEAD_CONFIG: undefined },
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'inherit',
    });
    let shown = '';
    const reading = (async () => {
      for await (const chunk of child.stdout) shown += new TextDecoder().decode(chunk);
    })();
    await waitUntil('the question', () => shown.includes('[Y/n]'), 20_000);
    child.stdin.write('\r');
    child.stdin.flush();
    await waitUntil('the property', () => shown.includes('name (Enter for none):'), 20_000);
    child.stdin.write('Ada\r');
    child.stdin.flush();
    await waitUntil('the result', () => shown.includes('"action":"accept"'), 20_000);
    child.stdin.end();
    expect(await child.exited).toBe(0);
    await reading;
    expect(shown).toContain('the tool asks: who?');
    expect(shown).toContain('"content":{"name":"Ada"}');
  });
});

describe('a running call', () => {
  test('is cancelled by Ctrl-C, also at the server', async () => {
    await using server = await startSdkV1();
    await using home = servedHome([{ name: 'a', url: server.url }]);
    await home.serve('a');
    await using program = startProgram(['call', 'a.hold'], { env: home.env });
    await waitUntil('the call', () => server.executions('hold') === 1, 20_000);
    program.signal('SIGINT');
    expect(await program.ended()).toMatchObject({ exitCode: 1, stdout: '', stderr: 'mcpstead: cancelled\n' });
    await waitUntil('the cancellation', () => server.cancellations('hold') === 1);
  });

  test('ends with the gateway', async () => {
    await using server = await startSdkV1();
    await using home = servedHome([{ name: 'a', url: server.url }]);
    const gateway = await home.serve('a');
    await using program = startProgram(['call', 'a.hold'], { env: home.env });
    await waitUntil('the call', () => server.executions('hold') === 1, 20_000);
    gateway.signal('SIGKILL');
    const result = await program.ended();
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(result.stderr).toStartWith(
      `mcpstead: the connection to the gateway at http://127.0.0.1:${home.port}/mcp/a failed: `,
    );
  });

  test('leaves no process of a server that was started for it', async () => {
    await using home = servedHome([rawStdio('raw')]);
    await using program = startProgram(['call', 'raw.sleep', 'ms=60000'], { env: home.env });
    await waitUntil('a child', () => childrenOf(program.pid).length > 0, 20_000);
    await Bun.sleep(500);
    const children = childrenOf(program.pid);
    program.signal('SIGTERM');
    await program.ended();
    await waitUntil('their end', () => children.every((pid) => !isAlive(pid)));
  });
});

function childrenOf(pid: number): number[] {
  const { stdout } = Bun.spawnSync(['pgrep', '-P', String(pid)]);
  return stdout.toString().split('\n').filter(Boolean).map(Number);
}
