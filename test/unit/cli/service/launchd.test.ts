import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { managers, plainPosix, uglyPosix } from '../../../support/service-place.ts';

const golden = (name: string) =>
  readFileSync(join(import.meta.dir, '../../../fixtures/service', name), 'utf8');
const manager = managers.launchd;

describe('the property list', () => {
  test('of plain paths is the one of the fixture', () => {
    expect(manager.describe(plainPosix)).toBe(golden('plain.plist'));
  });

  test('of ugly paths is the one of the fixture', () => {
    expect(manager.describe(uglyPosix)).toBe(golden('ugly.plist'));
  });

  test.skipIf(Bun.which('python3') === null)(
    'is read by a parser of property lists as what was meant',
    () => {
      const program =
        'import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))';
      const done = Bun.spawnSync(['python3', '-c', program], {
        stdin: Buffer.from(manager.describe(uglyPosix)),
      });
      expect(`${done.stderr}`).toBe('');
      const log = '/Users/Ada & Zoë/Library/Logs/mcpstead.log';
      expect(JSON.parse(`${done.stdout}`)).toEqual({
        Label: 'io.github.ahkohd.mcpstead',
        ProgramArguments: [...uglyPosix.program, 'serve', '--watch', '--config', uglyPosix.config],
        EnvironmentVariables: { PATH: uglyPosix.path, XDG_STATE_HOME: uglyPosix.stateHome },
        WorkingDirectory: '/Users/Ada & Zoë',
        RunAtLoad: true,
        KeepAlive: { SuccessfulExit: false },
        ThrottleInterval: 30,
        ExitTimeOut: 15,
        ProcessType: 'Interactive',
        SoftResourceLimits: { NumberOfFiles: 65536 },
        StandardOutPath: log,
        StandardErrorPath: log,
      });
    },
  );

  test('is in the folder of the agents, with the log in that of the logs', () => {
    expect(manager.file).toBe('/Users/Ada & Zoë/Library/LaunchAgents/io.github.ahkohd.mcpstead.plist');
    expect(manager.log).toEqual({ file: '/Users/Ada & Zoë/Library/Logs/mcpstead.log' });
  });
});

describe('the state', () => {
  const stateWith = (stdout: string, exitCode = 0) =>
    manager.stateOf(async () => ({ exitCode, stdout, stderr: '' }));

  test('of a running service has its process', async () => {
    const shown = 'gui/501/x = {\n\tstate = running\n\n\tpid = 4711\n\tlast exit code = (never exited)\n}\n';
    expect(await stateWith(shown)).toEqual({
      isEnabled: true,
      isRunning: true,
      pid: 4711,
      lastExitCode: null,
    });
  });

  test('of one that ended has its exit code', async () => {
    const shown = '\tstate = spawn scheduled\n\tlast exit code = 2\n';
    expect(await stateWith(shown)).toEqual({ isEnabled: true, isRunning: false, pid: null, lastExitCode: 2 });
  });

  test('of one that launchd does not know is that it does not run', async () => {
    expect(await stateWith('', 113)).toEqual({
      isEnabled: false,
      isRunning: false,
      pid: null,
      lastExitCode: null,
    });
  });
});

describe('launchctl', () => {
  test('that is missing, or has no session of the user, is reported', async () => {
    const probeWith = (exitCode: number | null) =>
      manager.probe(async () => ({ exitCode, stdout: '', stderr: '' }));
    await expect(probeWith(null)).rejects.toThrow('launchd is not here: there is no launchctl');
    await expect(probeWith(125)).rejects.toThrow(
      'launchd has no session of this user: log in on the screen of this Mac once, then run "mcpstead service install" again.',
    );
  });
});
