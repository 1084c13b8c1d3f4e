import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type InstallRequest, install, planInstall } from '../../../../src/cli/service/install.ts';
import { serviceStatus } from '../../../../src/cli/service/status.ts';
import { systemCommands } from '../../../../src/cli/service/system-command.ts';
import { uninstall } from '../../../../src/cli/service/uninstall.ts';
import { Progress } from '../../../../src/cli/terminal/progress.ts';
import { FakeSystem } from '../../../support/fake-commands.ts';
import { freePort } from '../../../support/wait.ts';

let system: FakeSystem;
let config: string;
let port: number;
beforeEach(() => {
  system = new FakeSystem();
  system.script('shell', 'PATH=/from/shell:/usr/bin:/bin; export PATH; eval "$4"');
  port = freePort();
  config = system.write('.config/mcpstead/mcpstead.yaml', `port: ${port}\n`);
});
afterEach(() => system[Symbol.dispose]());

function requestOn(platform: NodeJS.Platform, more: Record<string, string> = {}): InstallRequest {
  const env = {
    HOME: system.home,
    PATH: `${system.bin}:/usr/bin:/bin`,
    SHELL: join(system.home, 'shell'),
    // On Linux these are names with backslashes, in the home directory.
    LOCALAPPDATA: `${system.home}/Local`,
    USERNAME: 'ada',
    ...more,
  };
  return {
    place: { env, platform },
    program: ['/opt/mcpstead'],
    config,
    run: systemCommands(env),
    progress: new Progress({ isTerminal: false, write() {} }),
  };
}

async function installOn(platform: NodeJS.Platform, more: Record<string, string> = {}) {
  const request = requestOn(platform, more);
  const plan = await planInstall(request);
  await install(request, plan);
  return { request, plan, file: plan.manager.file };
}

describe('with systemd', () => {
  beforeEach(() => {
    system.play('systemctl', 'case "$*" in *" show mcpstead"*) echo ActiveState=inactive ;; esac');
  });

  test('the unit is written, enabled and started', async () => {
    const { file, plan } = await installOn('linux');
    expect(file).toBe(join(system.home, '.config/systemd/user/mcpstead.service'));
    expect(readFileSync(file, 'utf8')).toBe(plan.text);
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(plan.text).toContain(`\nExecStart=/opt/mcpstead serve --watch --config ${config}\n`);
    expect(plan.text).toContain('\nEnvironment=PATH=/from/shell:/usr/bin:/bin\n');
    expect(system.calls()).toEqual([
      'systemctl --user show-environment',
      'systemctl --user daemon-reload',
      'systemctl --user enable mcpstead.service',
      'systemctl --user restart mcpstead.service',
    ]);
  });

  test('an installation replaces the one before', async () => {
    const { file } = await installOn('linux');
    await installOn('linux', { XDG_STATE_HOME: '/elsewhere' });
    expect(readFileSync(file, 'utf8')).toContain('\nEnvironment=XDG_STATE_HOME=/elsewhere\n');
    expect(system.calls().filter((call) => call.endsWith(' restart mcpstead.service'))).toHaveLength(2);
  });

  test('the unit has the time that the configuration grants running calls', async () => {
    system.write(
      '.config/mcpstead/mcpstead.yaml',
      `port: ${port}\nmcp: { session: { shutdown_grace_seconds: 60, drain_delay_seconds: 30 } }\n`,
    );
    const { plan } = await installOn('linux');
    expect(plan.text).toContain('\nTimeoutStopSec=100\n');
  });

  test('a step that fails takes the file back, and its reason is shown', async () => {
    system.play('systemctl', 'case "$*" in *" enable "*) echo "Unit is masked." >&2; exit 1 ;; esac');
    const request = requestOn('linux');
    const plan = await planInstall(request);
    await expect(install(request, plan)).rejects.toThrow(
      '"systemctl --user enable mcpstead.service" failed: Unit is masked.',
    );
    expect(existsSync(plan.manager.file)).toBe(false);
    expect(system.calls()).toContain('systemctl --user disable --now mcpstead.service');
  });

  test('a step that fails puts the unit of before back', async () => {
    const { file } = await installOn('linux');
    const before = readFileSync(file, 'utf8');
    system.play(
      'systemctl',
      `case "$*" in *" restart "*) grep -q elsewhere '${file}' && exit 1 ;; *" show mcpstead"*) echo ActiveState=inactive ;; esac; exit 0`,
    );
    await expect(installOn('linux', { XDG_STATE_HOME: '/elsewhere' })).rejects.toThrow('exit code 1');
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(system.calls().at(-1)).toBe('systemctl --user restart mcpstead.service');
  });

  test("somebody else's unit stays", async () => {
    const file = system.write('.config/systemd/user/mcpstead.service', '[Service]\nExecStart=/mine\n');
    const message = `${file} was not written by "mcpstead service install", and is left as it is: rename or remove it first`;
    await expect(installOn('linux')).rejects.toThrow(message);
    await expect(uninstall(requestOn('linux').place, requestOn('linux').run)).rejects.toThrow(message);
    expect(readFileSync(file, 'utf8')).toBe('[Service]\nExecStart=/mine\n');
    expect(system.calls()).toEqual([]);
  });

  test('a variable that only the shell has is reported, with the file for it', async () => {
    system.write('.config/mcpstead/mcpstead.yaml', `port: ${port}\nmcp: { auth: { mode: bearer } }\n`);
    const request = requestOn('linux', { MCPSTEAD_BEARER_TOKEN: 'a-token-of-the-shell' });
    const plan = await planInstall(request);
    const failure = await install(request, plan).catch((error: Error) => error.message);
    expect(failure).toContain('MCPSTEAD_BEARER_TOKEN');
    expect(failure).not.toContain('a-token-of-the-shell');
    expect(failure).toEndWith(
      'This shell has these variables, but a service does not see them: write them as NAME=value lines into ' +
        `${join(system.home, '.config/mcpstead/mcpstead.env')}, which only you may read (chmod 600).`,
    );
    expect(existsSync(plan.manager.file)).toBe(false);
  });

  test('a program on the port is reported before anything is written', async () => {
    using other = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
    system.write('.config/mcpstead/mcpstead.yaml', `port: ${other.port}\n`);
    const request = requestOn('linux');
    const plan = await planInstall(request);
    await expect(install(request, plan)).rejects.toThrow(
      `another program listens on 127.0.0.1 port ${other.port}, which the service needs: stop it, or write another port into ${config}`,
    );
    expect(existsSync(plan.manager.file)).toBe(false);
  });

  test('the own service may hold the port', async () => {
    await installOn('linux');
    using _ = Bun.listen({ hostname: '127.0.0.1', port, socket: { data() {} } });
    system.play('systemctl', 'case "$*" in *" show mcpstead"*) echo ActiveState=active ;; esac');
    await installOn('linux');
    expect(system.calls().at(-1)).toBe('systemctl --user restart mcpstead.service');
  });

  test('the removal stops the service, and a second one finds nothing', async () => {
    const { file, request } = await installOn('linux');
    const link = system.write('.config/systemd/user/default.target.wants/mcpstead.service', '');
    system.calls();
    expect(await uninstall(request.place, request.run)).toMatchObject({ wasInstalled: true, failure: null });
    expect([existsSync(file), existsSync(link)]).toEqual([false, false]);
    expect(system.calls()).toEqual([
      'systemctl --user disable --now mcpstead.service',
      'systemctl --user daemon-reload',
      'systemctl --user reset-failed mcpstead.service',
    ]);
    expect(await uninstall(request.place, request.run)).toMatchObject({ wasInstalled: false, failure: null });
    expect(system.calls()).toEqual([]);
  });

  test('the removal goes on without systemd, and says so', async () => {
    const { file, request } = await installOn('linux');
    system.play('systemctl', 'echo "Failed to connect to bus" >&2; exit 1');
    expect(await uninstall(request.place, request.run)).toMatchObject({
      wasInstalled: true,
      failure: '"systemctl --user disable --now mcpstead.service" failed: Failed to connect to bus',
    });
    expect(existsSync(file)).toBe(false);
  });

  test('the status has what was installed', async () => {
    const { request, file } = await installOn('linux');
    system.play(
      'systemctl',
      'printf "UnitFileState=enabled\\nActiveState=active\\nMainPID=4711\\nExecMainExitTimestampMonotonic=0\\n"',
    );
    expect(await serviceStatus(request.place, request.run)).toEqual({
      manager: 'systemd',
      installed: true,
      enabled: true,
      running: true,
      pid: 4711,
      last_exit_code: null,
      file,
      program: ['/opt/mcpstead'],
      program_exists: false,
      config,
      path: '/from/shell:/usr/bin:/bin',
      url: null,
      log: { command: 'journalctl --user -u mcpstead.service' },
    });
  });
});

describe('with launchd', () => {
  const domain = `gui/${process.getuid?.()}`;
  const service = `${domain}/io.github.ahkohd.mcpstead`;

  test('the agent is loaded in place of the one before, which may take a while to end', async () => {
    // The first two attempts to load it meet the old one.
    system.play(
      'launchctl',
      `case "$1" in bootstrap) echo x >>"$0.tries"; [ "$(wc -l <"$0.tries")" -gt 2 ] || { echo "Bootstrap failed: 5" >&2; exit 5; } ;; esac`,
    );
    const { file } = await installOn('darwin');
    expect(file).toBe(join(system.home, 'Library/LaunchAgents/io.github.ahkohd.mcpstead.plist'));
    expect(existsSync(join(system.home, 'Library/Logs'))).toBe(true);
    expect(system.calls()).toEqual([
      `launchctl print ${domain}`,
      `launchctl bootout ${service}`,
      `launchctl enable ${service}`,
      ...Array(3).fill(`launchctl bootstrap ${domain} ${file}`),
      `launchctl kickstart ${service}`,
    ]);
  });

  test('the removal unloads it', async () => {
    system.play('launchctl');
    const { file, request } = await installOn('darwin');
    system.calls();
    await uninstall(request.place, request.run);
    expect(existsSync(file)).toBe(false);
    expect(system.calls()).toEqual([`launchctl bootout ${service}`]);
  });
});

describe('with the Task Scheduler', () => {
  const task = () => `${system.home}/Local\\mcpstead\\service-task.xml`;

  test('the task is made from a file that is gone afterwards, and started', async () => {
    system.play('schtasks', 'case "$1" in /Create) cp "$5" "$0.xml" ;; esac');
    const { file, plan } = await installOn('win32');
    expect(file).toBe(`${system.home}/Local\\mcpstead\\service.cmd`);
    expect(readFileSync(file, 'utf8')).toBe(plan.text);
    expect(readFileSync(join(system.bin, 'schtasks.xml'))).toEqual(
      Buffer.from(plan.manager.temporary!.content),
    );
    expect(existsSync(task())).toBe(false);
    expect(system.calls()).toEqual([
      'schtasks /Query /TN mcpstead',
      'schtasks /End /TN mcpstead',
      `schtasks /Create /TN mcpstead /XML ${task()} /F`,
      'schtasks /Run /TN mcpstead',
    ]);
  });

  test('a refusal takes the files back', async () => {
    system.play('schtasks', 'case "$1" in /Create) echo "ERROR: Access is denied." >&2; exit 1 ;; esac');
    const request = requestOn('win32');
    const plan = await planInstall(request);
    await expect(install(request, plan)).rejects.toThrow('failed: ERROR: Access is denied.');
    expect([existsSync(plan.manager.file), existsSync(task())]).toEqual([false, false]);
  });

  test('the removal ends and deletes it', async () => {
    system.play('schtasks');
    const { file, request } = await installOn('win32');
    system.calls();
    await uninstall(request.place, request.run);
    expect(existsSync(file)).toBe(false);
    expect(system.calls()).toEqual(['schtasks /End /TN mcpstead', 'schtasks /Delete /TN mcpstead /F']);
  });
});

test('a system with none of the three gets words', async () => {
  await expect(planInstall(requestOn('freebsd'))).rejects.toThrow(
    'this system (freebsd) has none of them: let its own init run "mcpstead serve --watch"',
  );
});
