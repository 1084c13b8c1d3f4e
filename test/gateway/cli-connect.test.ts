import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { fixtureRows, placeOf, plantedSecrets, writeClientFile } from '../support/client-fixtures.ts';
import { main, startProgram } from '../support/program.ts';

let home: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'cli-connect-')));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

async function run(args: readonly string[], env: Record<string, string | undefined> = {}) {
  const program = startProgram(args, {
    cwd: home,
    env: {
      HOME: home,
      USERPROFILE: home,
      PATH: '/usr/bin:/bin',
      XDG_CONFIG_HOME: undefined,
      XDG_STATE_HOME: undefined,
      CODEX_HOME: undefined,
      CLAUDE_CONFIG_DIR: undefined,
      OPENCODE_CONFIG: undefined,
      OPENCODE_CONFIG_DIR: undefined,
      // Bun would keep compiled sources below the home.
      BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0',
      ...env,
    },
  });
  return program.ended();
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), text);
}
const read = (path: string) => readFileSync(join(home, path), 'utf8');
/** All files below the home but those of mcpstead, with their texts and modes. */
const files = () =>
  Object.fromEntries(
    readdirSync(home, { recursive: true, encoding: 'utf8' })
      .filter((path) => !/\bmcpstead\b/.test(path) && statSync(join(home, path)).isFile())
      .map((path) => [path, `${(statSync(join(home, path)).mode & 0o777).toString(8)} ${read(path)}`]),
  );

/** What the schema of a report finds wrong with it. */
function faultsOf(name: string, report: unknown): unknown {
  const path = join(import.meta.dir, `../../docs/schemas/${name}.json`);
  const validate = new Ajv2020({ strict: false }).compile(JSON.parse(readFileSync(path, 'utf8')));
  return validate(report) ? [] : validate.errors;
}

const token = plantedSecrets.github!;
const cursor = `{
  // mine
  "mcpServers": {
    "gh": { "command": "npx", "args": ["-y", "server-github"], "env": { "GITHUB_TOKEN": "${token}" } }, // keep
    "other": { "url": "https://mcp.example.com/mcp" },
  },
}`;
const config = `servers:
  - name: github
    command: npx
    args: [-y, server-github]
    env: { GITHUB_TOKEN: '\${GITHUB_TOKEN}' }
  - name: fs
    command: fs
    enabled: false
profiles:
  - { name: work, servers: [github] }
`;

function writeHome(): void {
  write('.config/mcpstead/mcpstead.yaml', config);
  write('.config/mcpstead/mcpstead.env', `GITHUB_TOKEN=${token}\n`);
  chmodSync(join(home, '.config/mcpstead/mcpstead.env'), 0o600);
  write('.cursor/mcp.json', cursor);
  write('.codex/config.toml', 'model = "x"\r\n');
  write('.config/Claude/claude_desktop_config.json', '{"mcpServers":{}}');
  mkdirSync(join(home, '.config/Code/User'), { recursive: true });
}

describe('mcpstead connect', () => {
  test('adds the gateway to all clients, and disconnect leaves every file as it was', async () => {
    writeHome();
    const before = files();
    const connected = await run(['connect', '--all', '--yes']);
    expect(connected.stderr).toBe('');
    expect(connected.exitCode).toBe(0);
    expect(connected.stdout).toContain(
      '~/.cursor/mcp.json: 1 added\n+  "mcpstead": { "url": "http://127.0.0.1:8766/mcp" }\n',
    );
    expect(connected.stdout).toMatch(
      /Backup: ~\/\.local\/state\/mcpstead\/backups\/cursor\/\d{8}-\d{6}\.json\nRestart Cursor.* Undo: mcpstead disconnect cursor\n/,
    );
    expect(JSON.parse(read('.config/Claude/claude_desktop_config.json'))).toEqual({
      mcpServers: { mcpstead: { command: process.execPath, args: [main, 'stdio'] } },
    });
    expect(JSON.parse(read('.config/Code/User/mcp.json'))).toEqual({
      servers: { mcpstead: { type: 'http', url: 'http://127.0.0.1:8766/mcp' } },
    });
    const list = await run(['connect', '--list']);
    expect(list.stdout).toMatch(/^cursor +connected +~\/\.cursor\/mcp\.json$/m);
    expect(list.stdout).toMatch(/^zed +not found +~\/\.config\/zed\/settings\.json$/m);

    const disconnected = await run(['disconnect', '--all', '--yes']);
    expect([disconnected.exitCode, disconnected.stderr]).toEqual([0, '']);
    expect(disconnected.stdout).toContain('~/.cursor/mcp.json: takes out mcpstead\n');
    expect(files()).toEqual(before);
  });

  test('with --replace lets the imported servers lead to the gateway, and shows no secret', async () => {
    writeHome();
    const before = files();
    const dry = await run(['connect', 'cursor', '--replace', '--dry-run']);
    expect(dry).toEqual({
      exitCode: 0,
      stdout: `~/.cursor/mcp.json: 1 replaced, 1 kept (other: not imported)
-  "gh": { "command": "npx", "args": ["-y", "server-github"], "env": { "GITHUB_TOKEN": "…" } }
+  "gh": { "url": "http://127.0.0.1:8766/mcp/github" }
Nothing was written.
`,
      stderr: '',
    });
    expect(files()).toEqual(before);
    const connected = await run(['connect', 'cursor', '--replace', '--yes']);
    expect(connected.stdout + connected.stderr).not.toContain(token);
    expect(read('.cursor/mcp.json')).toBe(
      cursor.replace(/"gh": \{.*\}, \/\//, '"gh": { "url": "http://127.0.0.1:8766/mcp/github" }, //'),
    );
    expect((await run(['disconnect', 'cursor', '--restore', '--yes'])).exitCode).toBe(0);
    expect(files()).toEqual(before);
  });

  test('in bearer mode writes the own reference of each client, or the bridge, and never the token', async () => {
    writeHome();
    write('.config/mcpstead/mcpstead.yaml', `port: 9000\nmcp: { auth: { mode: bearer } }\n${config}`);
    write('.config/zed/settings.json', '{}');
    const env = { MCPSTEAD_BEARER_TOKEN: 'planted-bearer-token' };
    const { exitCode } = await run(['connect', '--all', '--server', 'github', '--yes'], env);
    expect(exitCode).toBe(0);
    expect(read('.codex/config.toml')).toContain(
      '[mcp_servers.mcpstead]\r\nurl = "http://127.0.0.1:9000/mcp/github"\r\nbearer_token_env_var = "MCPSTEAD_BEARER_TOKEN"\r\n',
    );
    expect(JSON.parse(read('.config/Code/User/mcp.json')).servers.mcpstead.headers).toEqual({
      Authorization: `Bearer \${env:MCPSTEAD_BEARER_TOKEN}`,
    });
    expect(JSON.parse(read('.config/zed/settings.json')).context_servers.mcpstead.args).toEqual([
      main,
      'stdio',
      '--server',
      'github',
    ]);
    expect(JSON.stringify(files())).not.toContain('planted-bearer-token');
  });

  test('names the configuration to the bridge if it is not at the customary place', async () => {
    writeHome();
    write('own.yaml', 'servers: []\n');
    await run(['connect', 'claude-desktop', '--yes', '-c', 'own.yaml']);
    expect(JSON.parse(read('.config/Claude/claude_desktop_config.json')).mcpServers.mcpstead.args).toEqual([
      main,
      'stdio',
      '--config',
      join(home, 'own.yaml'),
    ]);
  });

  test('replaces what was imported from all clients, shows no secret, and all of it is undone', async () => {
    for (const row of fixtureRows) writeClientFile(row, placeOf('linux', home), home);
    const before = files();
    expect((await run(['import', '--yes'])).exitCode).toBe(0);
    const connected = await run(['connect', '--all', '--replace', '--yes']);
    expect([connected.exitCode, connected.stderr]).toEqual([0, '']);
    expect(connected.stdout).toMatch(/^~\/\.cursor\/mcp\.json: \d+ replaced/m);
    for (const secret of Object.values(plantedSecrets)) expect(connected.stdout).not.toContain(secret);
    const replaced = files();
    for (const row of fixtureRows) {
      const path = row.userFiles(placeOf('linux', home))[0]!.slice(home.length + 1);
      expect([path, replaced[path] === before[path]]).toEqual([path, row.id === 'roo']);
    }
    expect((await run(['disconnect', '--all', '--yes'])).exitCode).toBe(0);
    expect(files()).toEqual(before);
  });

  test('asks before it writes, and without a terminal wants --yes', async () => {
    writeHome();
    const before = files();
    const { exitCode, stderr } = await run(['connect', 'cursor']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('pass --yes');
    expect(files()).toEqual(before);
    expect((await run(['connect', 'cursor', '--json'])).stderr).toContain(
      '--json asks no question: pass --yes',
    );
  });

  test('says what to paste where a file cannot be edited, changes nothing, and goes on with the others', async () => {
    writeHome();
    write('.codex/config.toml', 'mcp_servers = { a = { command = "x" } }\n');
    const { exitCode, stdout, stderr } = await run([
      'connect',
      'codex',
      'cursor',
      'zed',
      'jetbrains-ai',
      '--yes',
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('mcpstead: cannot connect Codex: ');
    expect(stderr).toContain(
      'To paste into ~/.codex/config.toml:\n\n# Written by "mcpstead connect", removed by "mcpstead disconnect".\n[mcp_servers.mcpstead]\nurl = "http://127.0.0.1:8766/mcp"\n',
    );
    expect(stderr).toContain('mcpstead: Zed is not installed: there is no ~/.config/zed\n');
    expect(stderr).toContain('To paste into the settings of JetBrains AI Assistant:');
    expect(stdout).toContain('Undo: mcpstead disconnect cursor\n');
    expect(read('.codex/config.toml')).toBe('mcp_servers = { a = { command = "x" } }\n');
  });

  test('reports as JSON', async () => {
    writeHome();
    const { exitCode, stdout } = await run(['connect', 'cursor', 'zed', '--replace', '--yes', '--json']);
    expect(exitCode).toBe(1);
    const report = JSON.parse(stdout);
    const backups = join(home, '.local/state/mcpstead/backups/cursor');
    expect(report).toEqual({
      gateway: 'http://127.0.0.1:8766/mcp',
      config: join(home, '.config/mcpstead/mcpstead.yaml'),
      dry_run: false,
      clients: [
        {
          client: 'cursor',
          title: 'Cursor',
          file: join(home, '.cursor/mcp.json'),
          outcome: 'connected',
          reason: null,
          snippet: null,
          added: [],
          replaced: [{ name: 'gh', server: 'github' }],
          kept: [{ name: 'other', reason: 'not imported' }],
          backup: join(backups, readdirSync(backups)[0]!),
          restart: 'Restart Cursor, or switch the server off and on in its settings, "MCP".',
        },
        expect.objectContaining({ client: 'zed', outcome: 'not_installed', backup: null }),
      ],
    });
    expect(faultsOf('connect', report)).toEqual([]);
    const list = JSON.parse((await run(['connect', '--list', '--json'])).stdout);
    expect(faultsOf('connect-list', list)).toEqual([]);
    expect(list.clients).toContainEqual({
      client: 'cursor',
      title: 'Cursor',
      file: join(home, '.cursor/mcp.json'),
      installed: true,
      connected: true,
      entries: ['gh'],
      fault: null,
    });
    const undone = JSON.parse((await run(['disconnect', 'cursor', '--yes', '--json'])).stdout);
    expect(faultsOf('disconnect', undone)).toEqual([]);
    expect(faultsOf('disconnect', { ...undone, clients: [{}] })).not.toEqual([]);
    expect(undone).toEqual({
      dry_run: false,
      clients: [
        expect.objectContaining({
          client: 'cursor',
          outcome: 'disconnected',
          removed: [],
          restored: ['gh'],
          kept: [],
        }),
      ],
    });
  });

  const mistakes: [args: string[], message: string][] = [
    [['connect'], '"mcpstead connect" needs a client, or --all: claude-desktop, '],
    [['connect', 'curser'], 'unknown CLIENT "curser"; did you mean cursor?'],
    [['connect', 'cursor', '--all'], '--all stands for all clients: leave it out, or "cursor"'],
    [['connect', 'cursor', '--name', 'a b'], '--name expects up to 64 letters, digits'],
    [
      ['connect', 'cursor', '--server', 'githup'],
      '"githup" is none of its servers and profiles; did you mean "github"?',
    ],
    [['connect', 'cursor', '--server', 'fs'], '"fs" is disabled'],
    [
      ['connect', 'cursor', '--server', 'github', '--profile', 'work'],
      'pass --server or --profile, not both',
    ],
    [['connect', 'cursor', '--list'], '--list shows all clients'],
    [['disconnect'], '"mcpstead disconnect" needs a client, or --all'],
  ];
  for (const [args, message] of mistakes) {
    test(`explains what is wrong with ${args.join(' ')}`, async () => {
      writeHome();
      const { exitCode, stderr, stdout } = await run(args);
      expect([exitCode, stdout]).toEqual([2, '']);
      expect(stderr).toContain(message);
    });
  }

  test('without a home, a configuration or a port says so', async () => {
    writeHome();
    const homeless = await run(
      ['connect', 'cursor', '--yes', '-c', join(home, '.config/mcpstead/mcpstead.yaml')],
      {
        HOME: undefined,
        GITHUB_TOKEN: 'x',
      },
    );
    expect(homeless.exitCode).toBe(1);
    expect(homeless.stderr).toContain('there is no home directory: HOME is not set');
    expect((await run(['disconnect', '--all', '--yes'], { HOME: undefined })).exitCode).toBe(0);
    expect((await run(['connect', '--list'], { HOME: undefined })).exitCode).toBe(0);
    write('any.yaml', 'port: 0\n');
    expect((await run(['connect', 'cursor', '-c', 'any.yaml'])).stderr).toContain(
      'set a port that clients can rely on',
    );
    rmSync(join(home, '.config/mcpstead'), { recursive: true });
    const bare = await run(['connect', 'cursor']);
    expect([bare.exitCode, bare.stderr]).toEqual([2, expect.stringContaining('no configuration file')]);
  });

  test('changes nothing in a home in which it cannot keep a backup', async () => {
    writeHome();
    write('.local/state', 'a file in the place of the directory');
    const { exitCode, stderr } = await run(['connect', 'cursor', '--yes']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('mcpstead: cannot connect Cursor: ');
    expect(stderr).not.toContain('internal error');
    expect(read('.cursor/mcp.json')).toBe(cursor);
    expect(existsSync(join(home, '.cursor/mcp.json.tmp'))).toBe(false);
  });
});
