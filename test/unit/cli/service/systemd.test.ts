import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemd, withSession } from '../../../../src/cli/service/systemd.ts';
import { managers, plainPosix, uglyPosix } from '../../../support/service-place.ts';
import { systemdWords } from '../../../support/systemd-line.ts';

const golden = (name: string) =>
  readFileSync(join(import.meta.dir, '../../../fixtures/service', name), 'utf8');
const manager = managers.systemd;

/** The values of a setting in a unit. */
const valuesOf = (unit: string, name: string) =>
  [...unit.matchAll(/^(\w+)=(.*)$/gm)].filter((line) => line[1] === name).map((line) => line[2] as string);

describe('the unit', () => {
  test('of plain paths is the one of the fixture', () => {
    expect(manager.describe(plainPosix)).toBe(golden('plain.service'));
  });

  test('of ugly paths is the one of the fixture', () => {
    expect(manager.describe(uglyPosix)).toBe(golden('ugly.service'));
  });

  test('has a command line that leads to the very same paths', () => {
    const [start = ''] = valuesOf(manager.describe(uglyPosix), 'ExecStart');
    const args = ['serve', '--watch', '--config', uglyPosix.config];
    // A program with quotes in its path is started by a shell, because systemd refuses it.
    expect(systemdWords(start)).toEqual(['/bin/sh', '-c', 'exec "$0" "$@"', ...uglyPosix.program, ...args]);
  });

  test('leaves a dollar sign in the path of the program alone, where it begins no variable', () => {
    const unit = manager.describe({ ...plainPosix, program: ['/opt/$5 a/mcpstead', '/src/$6/main.ts'] });
    const [start = ''] = valuesOf(unit, 'ExecStart');
    expect(start).toStartWith('"/opt/$5 a/mcpstead" /src/$$6/main.ts serve --watch ');
  });

  test('gives the service its PATH and the state directory of the user', () => {
    const found = valuesOf(manager.describe(uglyPosix), 'Environment').map(
      (line) => systemdWords(`x ${line.replaceAll('$', '$$$$')}`)[1],
    );
    expect(found).toEqual([`PATH=${uglyPosix.path}`, `XDG_STATE_HOME=${uglyPosix.stateHome}`]);
  });

  test('starts again after a failure, but not with an invalid configuration', () => {
    const unit = manager.describe(plainPosix);
    expect(valuesOf(unit, 'Restart')).toEqual(['on-failure']);
    expect(valuesOf(unit, 'RestartPreventExitStatus')).toEqual(['2']);
  });

  test('cannot have a path with a line break, and says which', () => {
    expect(() => manager.describe({ ...plainPosix, config: '/a\nExecStart=/b' })).toThrow(
      '"/a\\nExecStart=/b" contains a line break or another control character; rename that file',
    );
  });

  describe.skipIf(Bun.which('systemd-analyze') === null)('pleases systemd-analyze verify', () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'mcpstead-unit-'));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    test.each([
      ['plain', plainPosix],
      ['ugly', uglyPosix],
    ] as const)('with %s paths', (_, settings) => {
      // It looks for the program.
      const program = join(folder, settings.program[0] as string);
      mkdirSync(dirname(program), { recursive: true });
      writeFileSync(program, '#!/bin/sh\n');
      chmodSync(program, 0o755);
      const path = join(folder, 'mcpstead.service');
      writeFileSync(path, manager.describe({ ...settings, program: [program] }));
      const env = { ...process.env, HOME: folder, XDG_RUNTIME_DIR: folder };
      const done = Bun.spawnSync(['systemd-analyze', 'verify', '--user', '--man=no', path], { env });
      expect({ exitCode: done.exitCode, output: `${done.stdout}${done.stderr}` }).toEqual({
        exitCode: 0,
        output: '',
      });
    });
  });
});

describe('the file', () => {
  const fileFor = (env: Record<string, string>) => systemd({ platform: 'linux', env }).file;

  test('is in the configuration directory of the user', () => {
    expect(fileFor({ HOME: '/home/ada' })).toBe('/home/ada/.config/systemd/user/mcpstead.service');
    expect(fileFor({ HOME: '/home/ada', XDG_CONFIG_HOME: '/etc/ada' })).toBe(
      '/etc/ada/systemd/user/mcpstead.service',
    );
  });

  test('ignores a relative XDG_CONFIG_HOME, as the specification demands', () => {
    expect(fileFor({ HOME: '/home/ada', XDG_CONFIG_HOME: 'ada' })).toBe(
      '/home/ada/.config/systemd/user/mcpstead.service',
    );
  });

  test('has no place without HOME', () => {
    expect(() => fileFor({})).toThrow(
      "HOME is not set, so there is no place for the service's file; set it to your home directory",
    );
  });
});

describe('the state', () => {
  const stateWith = (stdout: string, exitCode = 0) =>
    manager.stateOf(async () => ({ exitCode, stdout, stderr: '' }));

  test('of a running service has its process', async () => {
    const shown =
      'UnitFileState=enabled\nActiveState=active\nMainPID=4711\nExecMainStatus=0\nExecMainExitTimestampMonotonic=0\n';
    expect(await stateWith(shown)).toEqual({
      isEnabled: true,
      isRunning: true,
      pid: 4711,
      lastExitCode: null,
    });
  });

  test('of one that ended has its exit code', async () => {
    const shown =
      'UnitFileState=disabled\nActiveState=failed\nMainPID=0\nExecMainStatus=2\nExecMainExitTimestampMonotonic=99\n';
    expect(await stateWith(shown)).toEqual({
      isEnabled: false,
      isRunning: false,
      pid: null,
      lastExitCode: 2,
    });
  });

  test('is unknown where systemd does not answer', async () => {
    expect(await stateWith('', 1)).toEqual({
      isEnabled: true,
      isRunning: null,
      pid: null,
      lastExitCode: null,
    });
  });
});

describe('systemctl', () => {
  test('gets the session of the user, if the shell does not name it', () => {
    expect(withSession({ A: '1' }, -1)).toEqual({ A: '1' });
    expect(withSession({ XDG_RUNTIME_DIR: '/x' }, 0)).toEqual({ XDG_RUNTIME_DIR: '/x' });
  });

  test('that is missing is reported with another way to start the gateway', async () => {
    const probing = manager.probe(async () => ({ exitCode: null, stdout: '', stderr: '' }));
    await expect(probing).rejects.toThrow(
      'systemd is not here: there is no systemctl.\nWhere something else starts programs, such as the init of a container, let that ' +
        'run "mcpstead serve --watch".',
    );
  });

  test('without a session is reported with its reason and the remedies', async () => {
    const stderr = 'Failed to connect to bus: No medium found\n';
    const probing = manager.probe(async () => ({ exitCode: 1, stdout: '', stderr }));
    await expect(probing).rejects.toThrow(
      'systemd runs no services for this user here: Failed to connect to bus: No medium found.\nLog in as the user itself, not ' +
        'with su or sudo; for a user who does not log in, run "loginctl enable-linger USER" as root, and set ' +
        'XDG_RUNTIME_DIR=/run/user/$(id -u).',
    );
  });

  test('tells the variables that services get', async () => {
    const stdout = "HOME=/home/ada\nPATH=/usr/bin\nODD=$'a\\nb'\n";
    expect(await manager.probe(async () => ({ exitCode: 0, stdout, stderr: '' }))).toEqual({
      HOME: '/home/ada',
      PATH: '/usr/bin',
      ODD: "$'a\\nb'",
    });
  });
});
