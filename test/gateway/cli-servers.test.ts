// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are for the configuration
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { echoTool, fakeUpstream } from '../support/fake-upstream.ts';
import { type Program, runProgram, startProgram } from '../support/program.ts';
import { rawStdio } from '../support/stdio/raw-stdio.ts';
import { freePort, waitUntil } from '../support/wait.ts';

// Starting processes takes long on a busy machine.
setDefaultTimeout(90_000);

let home: string;
let env: Record<string, string | undefined>;
let path: string;
let envPath: string;
let state: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcpstead-servers-'));
  state = join(home, 'state');
  env = { HOME: home, XDG_CONFIG_HOME: undefined, XDG_STATE_HOME: state };
  path = join(home, '.config/mcpstead/mcpstead.yaml');
  envPath = join(home, '.config/mcpstead/mcpstead.env');
});
afterEach(() => rmSync(home, { recursive: true }));

const run = (...args: string[]) => runProgram(args, { env });
const yaml = () => readFileSync(path, 'utf8');
const noGateway = 'No gateway runs with this file; to start one: mcpstead serve';
const schemaLine = /^# yaml-language-server: \$schema=https:\/\/\S+\/config\.schema\.json\n/;

function writeYaml(text: string): void {
  mkdirSync(join(home, '.config/mcpstead'), { recursive: true });
  writeFileSync(path, text);
}

/** Starts `mcpstead serve` with the file. */
async function serve(port: number, more: Record<string, string> = {}): Promise<Program> {
  const program = startProgram(['serve'], { env: { ...env, ...more } });
  await program.printed(`serving http://127.0.0.1:${port}/mcp`);
  // The file for the commands is written after that line.
  await waitUntil('the state file', () => existsSync(join(state, `mcpstead/gateways/${port}.json`)), 10_000);
  return program;
}

async function serversOf(port: number): Promise<Record<string, string>> {
  const health = (await (await fetch(`http://127.0.0.1:${port}/health`)).json()) as {
    servers: { name: string; state: string }[];
  };
  return Object.fromEntries(health.servers.map(({ name, state }) => [name, state]));
}

describe('without a gateway', () => {
  test('add makes the file in its customary place, with secrets beside it', async () => {
    await using upstream = await fakeUpstream();
    const url = `${upstream.url}?api_key=planted-0123456789`;
    const headers = ['--header', 'Authorization: Bearer planted-9876543210', '--header', 'X-Team: blue'];
    const { exitCode, stdout, stderr } = await run('add', 'docs', url, ...headers);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('docs: 1 tool: docs__echo\n');
    expect(stdout).toContain(
      `DOCS_API_KEY, DOCS_TOKEN → ~/.config/mcpstead/mcpstead.env\nAdded docs to ~/.config/mcpstead/mcpstead.yaml. ${noGateway}\n`,
    );
    expect(stdout).not.toContain('planted');
    expect(yaml()).toMatch(schemaLine);
    expect(yaml().replace(schemaLine, '')).toBe(
      [
        'servers:',
        '  - name: docs',
        `    url: ${upstream.url}?api_key=\${DOCS_API_KEY}`,
        '    auth:',
        '      type: bearer',
        '      token_env: DOCS_TOKEN',
        '    headers:',
        '      X-Team: blue',
        '',
      ].join('\n'),
    );
    expect(readFileSync(envPath, 'utf8')).toEndWith(
      'DOCS_API_KEY=planted-0123456789\nDOCS_TOKEN=planted-9876543210\n',
    );
    expect(statSync(envPath).mode & 0o777).toBe(0o600);
    const [initialize] = upstream.received.filter(({ message }) => message.method === 'initialize');
    expect(initialize?.headers.get('authorization')).toBe('Bearer planted-9876543210');
    expect(initialize?.url.search).toBe('?api_key=planted-0123456789');
  });

  test('add warns of names that clients refuse', async () => {
    await using upstream = await fakeUpstream({ tools: [{ ...echoTool, name: 'x'.repeat(65) }] });
    const { exitCode, stderr } = await run('add', 'up', upstream.url);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: `warning: up: the name of 1 tool has over 64 characters, which many clients refuse, for example up__${'x'.repeat(65)}\n`,
    });
  });

  test('add takes a command, with variables of the shell or of the command line', async () => {
    const { command, args } = rawStdio('raw');
    env.SOME_TOKEN = 'planted-0123456789';
    const given = ['--env', 'SOME_TOKEN', '--env', 'API_KEY=planted-9876543210', '--env', 'LOG_LEVEL=debug'];
    const result = await run('add', 'raw', ...given, '--', command, ...args);
    expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(result.stdout).toContain('connected over stdio');
    expect(yaml()).toContain(
      '    env:\n      SOME_TOKEN: ${SOME_TOKEN}\n      API_KEY: ${API_KEY}\n      LOG_LEVEL: debug\n',
    );
    expect(readFileSync(envPath, 'utf8')).toEndWith(
      'API_KEY=planted-9876543210\nSOME_TOKEN=planted-0123456789\n',
    );
    expect(result.stdout + yaml()).not.toContain('planted');
    // The service that serves it later has no such variables.
    delete env.SOME_TOKEN;
    expect((await run('check')).exitCode).toBe(0);
  });

  test('remove, disable and enable change their lines alone', async () => {
    await using upstream = await fakeUpstream();
    const one = `  # The first.\n  - name: one   # (1)\n    url: ${upstream.url}\n`;
    const two = `  - {name: two, url: "${upstream.url}"}\n`;
    const text = `# My servers\r\nservers:\n${one}\n${two}\n# port: 8766\n`;
    writeYaml(text);
    expect(await run('disable', 'two')).toEqual({
      exitCode: 0,
      stdout: `Disabled two in ~/.config/mcpstead/mcpstead.yaml. ${noGateway}\n`,
      stderr: '',
    });
    const disabled = text.replace('{name: two,', '{name: two, enabled: false,');
    expect(yaml()).toBe(disabled);
    expect((await run('disable', 'two')).stdout).toBe('two is disabled already.\n');
    const enabled = await run('enable', 'two');
    expect(enabled.stdout).toContain('two: 1 tool: two__echo\nEnabled two in');
    expect(yaml()).toBe(disabled.replace('enabled: false', 'enabled: true'));
    writeYaml(text);
    expect((await run('remove', 'one')).exitCode).toBe(0);
    expect(yaml()).toBe(`# My servers\r\nservers:\n${two}\n# port: 8766\n`);
    expect((await run('remove', 'two')).exitCode).toBe(0);
    expect(yaml()).toBe('# My servers\r\nservers: []\n\n# port: 8766\n');
  });

  test('remove says which values nothing refers to any more', async () => {
    writeYaml('servers:\n  - name: a\n    url: http://127.0.0.1:1/mcp\n    headers: { X-Key: "${A_KEY}" }\n');
    writeFileSync(envPath, 'A_KEY=planted-0123456789\nOTHER=1\n', { mode: 0o600 });
    const { stdout } = await run('remove', 'a');
    expect(stdout).toEndWith('Nothing refers to A_KEY in ~/.config/mcpstead/mcpstead.env any more.\n');
    expect(readFileSync(envPath, 'utf8')).toBe('A_KEY=planted-0123456789\nOTHER=1\n');
  });

  test('a server that cannot be connected is not written, except with --no-verify', async () => {
    const url = `http://127.0.0.1:${freePort()}/mcp?token=planted-0123456789`;
    const { exitCode, stdout, stderr } = await run('add', 'gone', url);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('gone cannot be connected: connection refused');
    expect(stderr).toContain('Nothing is written. To write it all the same, pass --no-verify');
    expect(stderr).not.toContain('planted');
    expect([existsSync(path), existsSync(envPath)]).toEqual([false, false]);
    expect((await run('add', 'gone', url, '--no-verify')).exitCode).toBe(0);
    expect((await run('disable', 'gone')).exitCode).toBe(0);
    const before = yaml();
    expect((await run('enable', 'gone')).exitCode).toBe(1);
    expect(yaml()).toBe(before);
    expect((await run('enable', 'gone', '--no-verify')).exitCode).toBe(0);
  });

  test('a file that is not valid is not edited', async () => {
    const text = 'servers:\n  - name: a\n    url: http://127.0.0.1:1/mcp\n    protocl: sse\n';
    writeYaml(text);
    for (const args of [
      ['add', 'b', 'http://127.0.0.1:1/'],
      ['remove', 'a'],
      ['enable', 'a'],
      ['disable', 'a'],
    ]) {
      const { exitCode, stderr } = await run(...args);
      expect(exitCode).toBe(2);
      expect(stderr).toContain(`${path}:4:5: unknown key "protocl" in servers[0]; did you mean "protocol"?`);
      expect(yaml()).toBe(text);
    }
    expect(existsSync(envPath)).toBe(false);
  });

  test('a result that would not be valid is not written', async () => {
    const text =
      'servers:\n  - name: a\n    url: http://127.0.0.1:1/mcp\nprofiles: [{ name: p, servers: [a] }]\n';
    writeYaml(text);
    const { exitCode, stderr } = await run('remove', 'a');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('profiles[0].servers[0]');
    expect(yaml()).toBe(text);
  });

  test('a layout that cannot be edited gets the lines to paste', async () => {
    const text = '? servers\n: - name: a\n    url: http://127.0.0.1:1/mcp\n';
    writeYaml(text);
    const added = await run('add', 'b', 'http://127.0.0.1:1/mcp', '--no-verify');
    expect(added.exitCode).toBe(2);
    expect(added.stderr).toContain('servers:\n  - name: b\n    url: http://127.0.0.1:1/mcp\n');
    const removed = await run('remove', 'a');
    expect(removed.exitCode).toBe(2);
    expect(removed.stderr).toContain('Edit it by hand; the server is the one with\n- name: a\n');
    expect(yaml()).toBe(text);
  });

  test.each([
    [['add'], '"mcpstead add" needs NAME'],
    [['add', 'a'], 'a server needs a URL or a command'],
    [['add', 'a', 'http://x/', '--', 'npx'], 'a URL or a command, not both'],
    [['add', 'a', 'http://x/', '--env', 'A=b'], '--env is for servers with a command'],
    [['add', 'a', '--header', 'A: b', '--', 'npx'], '--header is for servers with a URL'],
    [['add', 'a', '--env', 'planted 1=2', '--', 'npx'], '--env expects NAME=VALUE, or NAME alone'],
    [['add', 'a', '--env', 'UNSET_ONE', '--', 'npx'], '--env UNSET_ONE: this variable is not set here'],
    [['add', 'a', 'http://x/', '--header', 'planted'], '--header expects "NAME: VALUE"'],
    [
      ['add', 'a', 'http://x/', '--header', 'X: ${UNSET_ONE}'],
      '${UNSET_ONE}: this variable is set neither here nor',
    ],
    [['add', 'a', 'http://x/', '--protocol', 'stdio'], 'unknown --protocol "stdio"'],
    [['add', 'a__b', 'http://x/'], 'a name without "__"'],
    [['add', 'a', 'ftp://x/'], 'expected an http:// or https:// URL'],
    [['remove', 'a'], 'there is no server named "a" in ~/.config/mcpstead/mcpstead.yaml; it has none'],
  ])('%j is wrong usage', async (args, message) => {
    const { exitCode, stdout, stderr } = await run(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('planted');
    expect(existsSync(path)).toBe(false);
  });

  test('a name that is taken, or nearly right, is told', async () => {
    writeYaml(
      'servers: [{ name: github, url: http://127.0.0.1:1/mcp }]\nprofiles: [{ name: p, servers: [github] }]\n',
    );
    expect((await run('add', 'github', 'http://x/')).stderr).toContain(
      'there is a server named "github" already',
    );
    expect((await run('add', 'p', 'http://x/')).stderr).toContain('a profile is named "p"');
    expect((await run('disable', 'githib')).stderr).toContain('did you mean "github"?');
  });

  test.each([
    [['add', 'b', 'http://127.0.0.1:1/mcp', '--no-verify'], 'Added b to'],
    [['disable', 'a'], 'Disabled a in'],
    [['enable', 'off', '--no-verify'], 'Enabled off in'],
    [['remove', 'a'], 'Removed a from'],
  ])(
    '%j takes neither a stale state file nor a foreign program on its port for a gateway',
    async (args, done) => {
      using foreign = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('hello') });
      const url = 'http://127.0.0.1:1/mcp';
      writeYaml(
        `port: ${foreign.port}\nservers:\n  - { name: a, url: "${url}" }\n  - { name: off, url: "${url}", enabled: false }\n`,
      );
      const file = join(state, `mcpstead/gateways/${foreign.port}.json`);
      mkdirSync(join(state, 'mcpstead/gateways'), { recursive: true });
      const content = {
        pid: 999_999,
        url: `http://127.0.0.1:${foreign.port}/mcp`,
        config: path,
        token: 't',
        version: '0',
        started_at: '2026-01-01T00:00:00Z',
      };
      writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
      expect(await run(...args)).toEqual({
        exitCode: 0,
        stdout: `${done} ~/.config/mcpstead/mcpstead.yaml. ${noGateway}\n`,
        stderr: '',
      });
      expect(existsSync(file)).toBe(false);
    },
  );

  test.each([['remove'], ['enable'], ['disable']])('%s without HOME needs a file', async (command) => {
    writeYaml('servers: [{ name: a, url: http://127.0.0.1:1/mcp }]\n');
    env = { HOME: undefined, XDG_CONFIG_HOME: undefined, XDG_STATE_HOME: undefined };
    const { exitCode, stderr } = await run(command, 'a');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('pass --config FILE or set MCPSTEAD_CONFIG=FILE');
    expect((await run(command, 'a', '-c', path)).exitCode).toBe(0);
  });

  test('without HOME a file must be named', async () => {
    await using upstream = await fakeUpstream();
    env = { HOME: undefined, XDG_CONFIG_HOME: undefined, XDG_STATE_HOME: undefined };
    const { exitCode, stderr } = await run('add', 'docs', upstream.url);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('pass --config FILE or set MCPSTEAD_CONFIG=FILE');
    const other = join(home, 'other.yaml');
    expect((await run('add', 'docs', upstream.url, '--config', other)).exitCode).toBe(0);
    expect(readFileSync(other, 'utf8')).toContain('- name: docs');
  });

  test('a home that cannot be written is told, and nothing is left behind', async () => {
    // Not even root can write there.
    env = { ...env, HOME: '/proc' };
    const { exitCode, stdout, stderr } = await run(
      'add',
      'docs',
      'http://x/?token=planted-0123456789',
      '--no-verify',
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('nothing is written: ');
    expect(stderr).toContain('for another place pass --config FILE');
    expect(stderr).not.toContain('planted');
  });
});

describe('with a running gateway', () => {
  test('each change takes effect, and the rest of the file stays', async () => {
    await using upstream = await fakeUpstream();
    const port = freePort();
    const head = `# mine\nport: ${port}\nservers:\n  # first\n  - name: one\n    url: ${upstream.url}\n`;
    writeYaml(head);
    await using _gateway = await serve(port);
    const reloaded = `The gateway at http://127.0.0.1:${port}/mcp has reloaded.\n`;

    const added = await run('add', 'two', upstream.url, '--header', 'X-Api-Key: planted-0123456789');
    expect(added.stdout).toEndWith(`Added two to ~/.config/mcpstead/mcpstead.yaml. ${reloaded}`);
    expect(yaml()).toBe(
      `${head}  - name: two\n    url: ${upstream.url}\n    headers:\n      X-Api-Key: \${TWO_API_KEY}\n`,
    );
    await waitUntil('both servers', async () => (await serversOf(port)).two === 'ready', 10_000);
    const seen = upstream.received.filter(({ headers }) => headers.get('x-api-key') === 'planted-0123456789');
    expect(seen.length).toBeGreaterThan(0);

    expect((await run('disable', 'one')).stdout).toEndWith(reloaded);
    expect(await serversOf(port)).toMatchObject({ one: 'disabled', two: 'ready' });
    expect((await run('enable', 'one')).stdout).toEndWith(reloaded);
    await waitUntil('the server again', async () => (await serversOf(port)).one === 'ready', 10_000);
    expect((await run('remove', 'two')).stdout).toContain(reloaded);
    expect(Object.keys(await serversOf(port))).toEqual(['one']);
    expect(yaml()).toBe(head.replace('- name: one\n', '- name: one\n    enabled: true\n'));
  });

  test('what it refuses is undone, in both files', async () => {
    await using upstream = await fakeUpstream();
    const port = freePort();
    const text = `port: ${port}\nservers:\n  - name: one\n    url: ${upstream.url}\n`;
    writeYaml(text);
    await using _gateway = await serve(port);
    // Another hand has written a reference to a variable that the gateway lacks.
    const broken = `${text}    headers: { X: "\${ONLY_HERE}" }\n`;
    writeYaml(broken);
    env.ONLY_HERE = 'planted-0123456789';
    const { exitCode, stderr } = await run(
      'add',
      'two',
      upstream.url,
      '--header',
      'X-Api-Key: planted-9876543210',
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain('ONLY_HERE is not set');
    expect(stderr).toContain('~/.config/mcpstead/mcpstead.yaml is as it was before');
    expect(yaml()).toBe(broken);
    expect(existsSync(envPath)).toBe(false);
    expect(stderr).not.toContain('planted');
  });

  test('a gateway with another file does not reload', async () => {
    await using upstream = await fakeUpstream();
    const port = freePort();
    writeYaml(`port: ${port}\nservers: []\n`);
    await using _gateway = await serve(port);
    const other = join(home, 'other.yaml');
    const { stdout } = await run('add', 'two', upstream.url, '-c', other);
    expect(stdout).toEndWith(`Added two to ~/other.yaml. ${noGateway}\n`);
    expect(await serversOf(port)).toEqual({});
  });
});

describe('a start without a configuration', () => {
  test.each([[[]], [['serve']], [['check']]])('%j says which clients have servers', async (args) => {
    mkdirSync(join(home, '.cursor'));
    const servers = { a: { command: 'npx', args: ['x'] }, b: { url: 'https://b.example/mcp' } };
    writeFileSync(join(home, '.cursor/mcp.json'), JSON.stringify({ mcpServers: servers }));
    const { exitCode, stdout, stderr } = await run(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(`or write ${path}.`);
    expect(stderr).toContain(
      '2 servers were found in the files of Cursor. To take them over, run "mcpstead init".',
    );
  });

  test('says so if there are none', async () => {
    const { exitCode, stderr } = await run('serve');
    expect(exitCode).toBe(2);
    expect(stderr).toContain(
      'No servers were found in the files of MCP clients. To begin, run "mcpstead init"',
    );
  });

  test('finds the file in its customary place', async () => {
    writeYaml('port: 0\n');
    expect((await run('check')).stdout).toStartWith(`${path} is valid.`);
    env.XDG_CONFIG_HOME = join(home, 'xdg');
    expect((await run('check')).stderr).toContain(`or write ${home}/xdg/mcpstead/mcpstead.yaml`);
  });
});
