import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { FakeSystem } from '../support/fake-commands.ts';
import { type Program, runProgram, startCommand, startProgram } from '../support/program.ts';
import { systemdWords } from '../support/systemd-line.ts';
import { freePort, waitUntil } from '../support/wait.ts';

// Starting a process takes long on a busy machine.
setDefaultTimeout(60_000);

let system: FakeSystem;
let port: number;
let config: string;
let env: Record<string, string | undefined>;
beforeEach(() => {
  system = new FakeSystem();
  port = freePort();
  config = system.write(`.config/mcpstead/it's 100% $mine.yaml`, `port: ${port}\n`);
  env = {
    HOME: system.home,
    XDG_CONFIG_HOME: undefined,
    XDG_STATE_HOME: join(system.home, 'state of mine'),
    PATH: `${system.bin}:/usr/bin:/bin`,
    SHELL: system.script('shell', 'PATH=/from/shell:/usr/bin:/bin; export PATH; eval "$4"'),
  };
});
afterEach(() => system[Symbol.dispose]());

const unit = () => join(system.home, '.config/systemd/user/mcpstead.service');
const service = (...args: string[]) => runProgram(['service', ...args], { env });

/** Whether the output is one object as docs/schemas/service.json describes it. */
function matchesContract(stdout: string): boolean {
  const schema = readFileSync(join(import.meta.dir, '../../docs/schemas/service.json'), 'utf8');
  return new Ajv().compile(JSON.parse(schema))(JSON.parse(stdout)) as boolean;
}

/** The words and variables of the installed unit. */
function installedCommand(): { words: string[]; variables: Record<string, string> } {
  const text = readFileSync(unit(), 'utf8');
  const values = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map((match) => match[1] as string);
  const variables = values('Environment').map(
    (line) => systemdWords(line)[0]?.split(/=(.*)/s) as [string, string],
  );
  return { words: systemdWords(values('ExecStart')[0] as string), variables: Object.fromEntries(variables) };
}

describe.skipIf(process.platform !== 'linux')('mcpstead service', () => {
  test('installs a unit whose command line starts the gateway', async () => {
    system.play('systemctl');
    // The played systemd starts nothing.
    system.play(
      'systemctl',
      'case "$*" in *" show mcpstead"*) printf "ActiveState=failed\\nExecMainStatus=1\\nExecMainExitTimestampMonotonic=9\\n" ;; esac',
    );
    const { exitCode, stdout, stderr } = await service('install', '--config', config);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
    expect(stdout).toContain(`  PATH           3 directories, from ${env.SHELL}\n`);
    expect(stdout).toContain('The gateway ended at once. See why: journalctl --user -u mcpstead.service\n');

    const { words, variables } = installedCommand();
    expect(words.slice(-4)).toEqual(['serve', '--watch', '--config', config]);
    expect(variables).toEqual({
      PATH: '/from/shell:/usr/bin:/bin',
      XDG_STATE_HOME: join(system.home, 'state of mine'),
    });
    await using gateway: Program = startCommand(words, { env: { ...env, ...variables } });
    await gateway.printed(`serving http://127.0.0.1:${port}/mcp`);
    expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);

    system.play(
      'systemctl',
      `case "$*" in *" show mcpstead"*) printf "UnitFileState=enabled\\nActiveState=active\\nMainPID=${gateway.pid}\\n" ;; esac`,
    );
    const status = await service('status', '--json');
    expect({ exitCode: status.exitCode, ...JSON.parse(status.stdout) }).toMatchObject({
      exitCode: 0,
      running: true,
      pid: gateway.pid,
      config,
      url: `http://127.0.0.1:${port}/mcp`,
      program_exists: true,
    });
    expect(matchesContract(status.stdout)).toBe(true);
    // It replaces a service that runs, and waits until it answers.
    const again = await service('install', '--config', config);
    expect({ exitCode: again.exitCode, stderr: again.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(again.stdout).toContain(`Serving http://127.0.0.1:${port}/mcp.\n`);
    expect(again.stdout).toEndWith('Undo: mcpstead service uninstall\n');
  });

  test('does not install beside a gateway that was started by hand, which it names', async () => {
    system.play('systemctl', 'case "$*" in *" show mcpstead"*) echo ActiveState=inactive ;; esac');
    await using gateway = startProgram(['serve', '--config', config], { env });
    await gateway.printed('serving http://');
    const file = join(system.home, `state of mine/mcpstead/gateways/${port}.json`);
    await waitUntil('its file', () => existsSync(file));
    const { exitCode, stdout, stderr } = await service('install', '--config', config);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toBe(
      `mcpstead: a gateway that was started by hand runs already at http://127.0.0.1:${port}/mcp, and the service needs its port: ` +
        `stop it (kill ${gateway.pid}), then run "mcpstead service install" again\n`,
    );
    expect(existsSync(unit())).toBe(false);
  });

  test('shows with --dry-run what it would do, and does nothing', async () => {
    system.play('systemctl');
    const { exitCode, stdout, stderr } = await service('install', '--dry-run', '--config', config);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toStartWith(`${unit()}:\n\n# Written by "mcpstead service install"`);
    expect(stdout).toEndWith(
      'Then:\n\n  systemctl --user daemon-reload\n  systemctl --user enable mcpstead.service\n  systemctl --user restart mcpstead.service\n',
    );
    expect(existsSync(unit())).toBe(false);
    expect(system.calls()).toEqual([]);
  });

  test('says what to do without a session of systemd, and leaves no file', async () => {
    system.play('systemctl', 'echo "Failed to connect to bus: No medium found" >&2; exit 1');
    const { exitCode, stdout, stderr } = await service('install', '--config', config);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toStartWith(
      'mcpstead: systemd runs no services for this user here: Failed to connect to bus: No medium found.\n',
    );
    expect(stderr).toContain('loginctl enable-linger');
    expect(existsSync(unit())).toBe(false);
  });

  test.skipIf(process.getuid?.() === 0)('says so if the home cannot be written', async () => {
    system.play('systemctl');
    const folder = join(system.home, '.config');
    chmodSync(folder, 0o500);
    const { exitCode, stderr } = await service('install', '--config', config);
    chmodSync(folder, 0o700);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`cannot write ${unit()}: permission denied; nothing was installed`);
  });

  test('says so if a file is in the way of its folder', async () => {
    system.play('systemctl');
    system.write('.config/systemd', '');
    const { exitCode, stdout, stderr } = await service('install', '--config', config);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(/^mcpstead: cannot write .*mcpstead\.service: [A-Z]+; nothing was installed\n$/);
  });

  test('says so without a home', async () => {
    env.HOME = undefined;
    const { exitCode, stderr } = await service('status');
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      "mcpstead: HOME is not set, so there is no place for the service's file; set it to your home directory\n",
    );
  });

  test('has nothing to uninstall at first, which is no failure', async () => {
    expect(await service('uninstall')).toEqual({
      exitCode: 0,
      stdout: `No service is installed: there is no ${unit()}\n`,
      stderr: '',
    });
    expect(matchesContract((await service('status', '--json')).stdout)).toBe(true);
    expect(await service('status')).toEqual({
      exitCode: 1,
      stdout: 'No service is installed. To install it: mcpstead service install\n',
      stderr: '',
    });
  });

  test('takes each option with its own action only', async () => {
    for (const [args, flag, owner] of [
      [['status', '--dry-run'], '--dry-run', 'install'],
      [['uninstall', '--config', 'a.yaml'], '--config', 'install'],
      [['install', '--json'], '--json', 'status'],
    ] as const) {
      const { exitCode, stderr } = await service(...args);
      expect([exitCode, stderr.split('\n')[0]]).toEqual([
        2,
        `mcpstead: ${flag} belongs to "mcpstead service ${owner}"`,
      ]);
    }
  });
});

describe('mcpstead completions', () => {
  test('prints the script of each shell', async () => {
    const first = {
      bash: '# Completions',
      zsh: '#compdef mcpstead',
      fish: '# Completions',
      powershell: '# Completions',
    };
    for (const [shell, start] of Object.entries(first)) {
      const { exitCode, stdout, stderr } = await runProgram(['completions', shell]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toStartWith(start);
      expect(stdout).toContain('service');
    }
  });
});
