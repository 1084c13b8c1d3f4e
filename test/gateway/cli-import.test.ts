import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Ajv from 'ajv/dist/2020';
import { Glob } from 'bun';
import { contractSchema } from '../../src/cli/contracts/table.ts';
import { clientRows } from '../../src/clients/table.ts';
import { fixtureRows, placeOf, plantedSecrets, writeClientFile } from '../support/client-fixtures.ts';
import { main, type ProgramOptions, runProgram, startProgram } from '../support/program.ts';

// `mcpstead import` as a process, in a home of its own.

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcpstead-home-'));
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

/** Variables of clients that this machine may have. */
const unset = Object.fromEntries(
  ['CLAUDE_CONFIG_DIR', 'CODEX_HOME', 'OPENCODE_CONFIG', 'OPENCODE_CONFIG_DIR', 'XDG_CONFIG_HOME'].map(
    (name) => [name, undefined],
  ),
);
// Bun keeps what it has compiled in the home.
const env = () => ({ ...unset, HOME: home, BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0' });
const run = (args: readonly string[], options: ProgramOptions = {}) =>
  runProgram(['import', ...args], { ...options, env: { ...env(), ...options.env } });

const yamlPath = () => join(home, '.config/mcpstead/mcpstead.yaml');
const envPath = () => join(home, '.config/mcpstead/mcpstead.env');
const text = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

function write(path: string, content: unknown): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), typeof content === 'string' ? content : JSON.stringify(content));
}
const cursor = (mcpServers: unknown) => write('.cursor/mcp.json', { mcpServers });

/** Writes the files of all clients. */
function writeHome(): void {
  writeFileSync(join(home, 'secrets.env'), 'ENV_TOKEN=from-a-file-of-variables\n');
  for (const row of fixtureRows) writeClientFile(row, placeOf('linux', home), home);
}

/** All files below the home, with their bytes and times. */
function filesOf(directory: string): Record<string, string> {
  const paths = [...new Glob('**/*').scanSync({ cwd: directory, dot: true })].toSorted();
  return Object.fromEntries(
    paths.map((path) => {
      const { mtimeMs, mode } = statSync(join(directory, path));
      return [path, `${mode.toString(8)} ${mtimeMs} ${Bun.hash(readFileSync(join(directory, path)))}`];
    }),
  );
}

/** Containers may forbid it. */
const canTrace =
  Bun.which('strace') !== null && Bun.spawnSync(['strace', '-qq', '-o', '/dev/null', 'true']).success;

describe('mcpstead import', () => {
  test('takes over the servers of all clients, and touches nothing else', async () => {
    writeHome();
    const before = filesOf(home);
    const done = await run(['--yes']);
    expect(done.stderr).toBe('');
    expect(done.exitCode).toBe(0);
    expect(done.stdout).toContain('servers in 15 clients');
    expect(done.stdout).toContain('Wrote ~/.config/mcpstead/mcpstead.yaml (+');
    const {
      '.config/mcpstead/mcpstead.yaml': yaml,
      '.config/mcpstead/mcpstead.env': values,
      ...rest
    } = filesOf(home);
    expect(rest).toEqual(before);
    expect(yaml).toStartWith('100600 ');
    expect(values).toStartWith('100600 ');
    expect(text(yamlPath())).toStartWith('# yaml-language-server: $schema=https://');
    const check = await runProgram(['check'], { env: env() });
    expect(check.stderr).toBe('');
    expect(check.exitCode).toBe(0);
  });

  test.skipIf(!canTrace)('opens no other file for writing, as strace sees it', async () => {
    writeHome();
    const log = join(home, 'strace.log');
    const calls =
      'trace=open,openat,creat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,link,symlink,truncate';
    const command = [
      'strace',
      '-f',
      '-qq',
      '-o',
      log,
      '-e',
      calls,
      process.execPath,
      main,
      'import',
      '--yes',
    ];
    const traced = Bun.spawn(command, {
      env: { ...process.env, ...env() },
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'pipe',
    });
    expect(await new Response(traced.stderr).text()).toBe('');
    expect(await traced.exited).toBe(0);
    const lines = text(log).split('\n');
    const writing = lines.filter(
      (line) =>
        line.includes(`"${home}`) && (!/ open(?:at)?\(/.test(line) || /O_WRONLY|O_RDWR|O_CREAT/.test(line)),
    );
    const paths = writing.flatMap((line) =>
      [...line.matchAll(/"([^"]*)"/g)].map(([, path]) => path as string),
    );
    expect(paths).toContain(yamlPath());
    expect(paths).toContain(envPath());
    const places = paths.map((path) => path.replace(/\.\d+\S*\.tmp$/, '').slice(home.length));
    expect(new Set(places.filter((path) => !['', '/.config', '/.config/mcpstead'].includes(path)))).toEqual(
      new Set(['/.config/mcpstead/mcpstead.env', '/.config/mcpstead/mcpstead.yaml']),
    );
  });

  test('shows no secret, and writes none into the YAML', async () => {
    writeHome();
    const outputs = [
      await run(['--dry-run']),
      await run(['--json', '--dry-run']),
      await run(['--yes']),
      await run(['--yes', '--json']),
    ];
    const shown = outputs.map(({ stdout, stderr }) => stdout + stderr).join('\n') + text(yamlPath());
    for (const secret of [...Object.values(plantedSecrets), 'from-a-file-of-variables']) {
      expect(shown).not.toContain(secret);
      // Those of projects stay where they are.
      if (secret !== plantedSecrets.pgpassword) expect(text(envPath())).toContain(secret);
    }
    expect(Object.keys(plantedSecrets).length).toBeGreaterThan(20);
  });

  test('finds everything there when it is run again', async () => {
    writeHome();
    await run(['--yes']);
    const files = filesOf(home);
    const again = await run(['--yes']);
    expect(again.stdout).toContain('already there');
    expect(again.stdout).not.toContain('Wrote');
    expect(filesOf(home)).toEqual(files);
  });

  test('writes nothing in a dry run', async () => {
    writeHome();
    const before = filesOf(home);
    const { stdout, exitCode } = await run(['--dry-run']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Would write ~/.config/mcpstead/mcpstead.yaml');
    expect(filesOf(home)).toEqual(before);
  });

  test('writes nothing without a terminal to ask on', async () => {
    cursor({ a: { command: 'a' } });
    const before = filesOf(home);
    const { stderr, exitCode } = await run([]);
    expect(stderr).toContain('--yes');
    expect(exitCode).toBe(2);
    expect(filesOf(home)).toEqual(before);
  });

  test('prints one object with --json, which its schema describes', async () => {
    writeHome();
    write('.warp/.mcp.json', '{broken');
    const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(contractSchema('import'));
    for (const args of [['--dry-run'], ['--yes'], ['cursor', '--yes']]) {
      const { stdout } = await run(['--json', ...args]);
      expect(validate(JSON.parse(stdout)) || validate.errors).toBe(true);
    }
  });

  test('goes on after a broken file, and says so at the end', async () => {
    write('.codex/config.toml', '[mcp_servers.a\n');
    cursor({ b: { command: 'b' } });
    const { stdout, stderr, exitCode } = await run(['--yes']);
    expect(stderr).toMatch(/^mcpstead: ~\/\.codex\/config\.toml is no valid TOML[^\n]*\n$/);
    expect(stdout).toContain('  b  cursor  b');
    expect(exitCode).toBe(1);
    expect(text(yamlPath())).toContain('- name: b');
  });

  test('keeps what the configuration has, comments included', async () => {
    const own =
      '# mine\nport: 9000 # here\nservers:\n\n    # the first\n    - {name: x, command: x}   # odd\n';
    write('.config/mcpstead/mcpstead.yaml', own);
    cursor({ x: { command: 'x' }, y: { url: 'https://y.example/mcp' } });
    expect((await run(['--yes'])).exitCode).toBe(0);
    expect(text(yamlPath())).toStartWith(own);
    expect(text(yamlPath())).toContain('url: https://y.example/mcp');
    expect(existsSync(envPath())).toBe(false);
  });

  test('refuses to add to an invalid configuration', async () => {
    write('.config/mcpstead/mcpstead.yaml', 'servers: [{ name: x }]\n');
    cursor({ y: { command: 'y' } });
    const { stderr, exitCode } = await run(['--yes']);
    expect(stderr).toContain('invalid configuration');
    expect(exitCode).toBe(2);
    expect(text(yamlPath())).toBe('servers: [{ name: x }]\n');
  });

  test('writes both files or none', async () => {
    cursor({ x: { command: 'x', env: { X_TOKEN: plantedSecrets.github } } });
    write('.config/mcpstead/mcpstead.env', 'OLD=1\n');
    chmodSync(envPath(), 0o600);
    // A folder cannot be replaced by a file.
    mkdirSync(join(home, '.config/mcpstead/mcpstead.yaml.d'));
    const { stderr, exitCode } = await run(['--yes', '-c', join(home, '.config/mcpstead/mcpstead.yaml.d')]);
    expect(stderr).toContain('is a directory');
    expect(exitCode).toBe(2);
    expect(text(envPath())).toBe('OLD=1\n');
  });

  test('lets a running gateway read it again', async () => {
    write('.config/mcpstead/mcpstead.yaml', 'port: 0\nservers: []\n');
    await using gateway = startProgram(['serve'], { env: env() });
    await gateway.printed('serving');
    const everything = join(
      import.meta.dir,
      '../../node_modules/@modelcontextprotocol/server-memory/dist/index.js',
    );
    cursor({
      memory: { command: process.execPath, args: [everything], env: { X_TOKEN: plantedSecrets.github } },
    });
    const { stdout, stderr, exitCode } = await run(['--yes']);
    expect(stderr).toBe('');
    expect(stdout).toContain('serves them');
    expect(exitCode).toBe(0);
    await gateway.printed('connected');
  });
});

describe('the argument of import', () => {
  test('is a client', async () => {
    writeHome();
    const { stdout } = await run(['junie', '--dry-run']);
    expect(stdout).toStartWith(
      `1 server in 1 client\n  mysql  junie  npx mysql-mcp  uses \${MYSQL_PASSWORD}, \${MYSQL_PASSWORD_2}\n`,
    );
  });

  test.each([
    [
      'a file of 1MCP',
      'mcp.json',
      {
        mcpServers: {
          x: { transport: 'stdio', command: 'x', env: ['PATH', 'A=1'], tags: ['t'], connectionTimeout: 5000 },
        },
      },
      { command: 'x', enabled: true },
    ],
    [
      'a file of mcpproxy',
      'mcp_config.json',
      {
        listen: ':8080',
        mcpServers: [
          { name: 'x', protocol: 'http', url: 'https://x.example/mcp', enabled: true, quarantined: true },
        ],
      },
      { command: 'https://x.example/mcp', enabled: false },
    ],
    [
      'a file of mcp-hub',
      'servers.json',
      { mcpServers: { x: { command: 'x', disabled: false, disabled_tools: ['rm'] } } },
      { command: 'x', enabled: true },
    ],
    [
      'an export of MetaMCP',
      'metamcp.json',
      { mcpServers: { x: { type: 'STREAMABLE_HTTP', url: 'https://x.example/mcp', description: '' } } },
      { command: 'https://x.example/mcp', enabled: true },
    ],
    ['a mapping of servers', 'bare.json', { x: { command: 'x' } }, { command: 'x', enabled: true }],
    [
      'a file of VS Code',
      'vscode.json',
      { servers: { x: { type: 'stdio', command: 'x' } } },
      { command: 'x', enabled: true },
    ],
    ['a file of Codex', 'codex.toml', '[mcp_servers.x]\ncommand = "x"\n', { command: 'x', enabled: true }],
  ])('is %s', async (_, name, content, expected) => {
    write(name, content);
    const { stdout, exitCode } = await run([join(home, name), '--json', '--dry-run']);
    expect(exitCode).toBe(0);
    const { servers } = JSON.parse(stdout);
    expect(servers).toEqual([
      expect.objectContaining({
        name: 'x',
        action: 'added',
        target: expected.command,
        enabled: expected.enabled,
      }),
    ]);
  });

  test('is a file of another gateway, whose special values are told', async () => {
    write('hub.json', {
      mcpServers: {
        own: { command: 'x', env: { A_KEY: null, B: 'b' }, inheritParentEnv: true },
        list: { command: 'y', env: ['A_KEY', 'B=b'] },
        command: { command: 'z', env: { C: `\${cmd: pass show c}` } },
      },
      mcpTemplates: { template: { command: 'fs', args: ['{{project.path}}'] } },
    });
    const { stdout } = await run([join(home, 'hub.json'), '--yes'], { env: { A_KEY: 'abc' } });
    expect(stdout).toMatch(/^\d+ servers in 1 file\n/);
    expect(stdout).toContain('ignored: inheritParentEnv');
    expect(stdout).toContain('skipped: a value comes from a command (cmd:)');
    expect(stdout).toContain('skipped: it is a template ({{…}})');
    expect(text(yamlPath()).match(/A_KEY: \$\{A_KEY\}/g)).toHaveLength(2);
    expect(text(envPath())).toContain('A_KEY=abc\n');
  });

  test('is stdin', async () => {
    const child = Bun.spawn([process.execPath, main, 'import', '-', '--yes'], {
      env: { ...process.env, ...env() },
      stdin: Buffer.from('{"mcpServers": {"x": {"command": "x"}}}'),
      stdout: 'pipe',
      stderr: 'pipe',
    });
    expect(await new Response(child.stdout).text()).toContain('1 server in 1 file');
    expect(await child.exited).toBe(0);
    expect(text(yamlPath())).toContain('- name: x');
  });

  test('is a misspelt client', async () => {
    const { stderr, exitCode } = await run(['curser']);
    expect(stderr).toContain('"curser" is no client and no file; did you mean "cursor"?');
    expect(exitCode).toBe(2);
  });
});

describe('a home', () => {
  test('without clients has nothing to import', async () => {
    const { stdout, exitCode } = await run(['--yes']);
    expect(stdout).toBe('No files of MCP clients were found. To read another file: mcpstead import FILE\n');
    expect(exitCode).toBe(0);
    expect(existsSync(yamlPath())).toBe(false);
  });

  test('that is not set is an error that says so', async () => {
    const { stderr, exitCode } = await run(['--yes'], { env: { HOME: undefined } });
    expect(stderr).toContain('HOME is not set');
    expect(exitCode).toBe(2);
  });
});

test('every client of the table has a fixture or shares one', () => {
  const shared = ['vscode-insiders', 'jetbrains-ai'];
  expect(
    clientRows.map(({ id }) => id as string).filter((id) => !fixtureRows.some((row) => row.id === id)),
  ).toEqual(shared);
});
