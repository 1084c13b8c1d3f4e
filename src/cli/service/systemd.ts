import { existsSync } from 'node:fs';
import { homeDirectory, type Place } from '../../config/places.ts';
import type { Environment } from '../../runtime/environment.ts';
import {
  attempt,
  type RunCommand,
  type ServiceManager,
  type ServiceSettings,
  type ServiceState,
  step,
} from './manager.ts';
import { missingHome, printable, unusable } from './obstacles.ts';
import { encodeRecord, notice } from './record.ts';

const unit = 'mcpstead.service';
const systemctl = ['systemctl', '--user'] as const;

/** systemd's manager of the user's own services. */
export function systemd(place: Place): ServiceManager {
  const home = homeDirectory(place);
  if (home === null) throw missingHome('HOME');
  const { XDG_CONFIG_HOME: given } = place.env;
  const folder = `${given?.startsWith('/') ? given : `${home}/.config`}/systemd/user`;
  return {
    id: 'systemd',
    title: 'systemd user service',
    file: `${folder}/${unit}`,
    log: { command: `journalctl --user -u ${unit}` },
    describe: unitText,
    temporary: null,
    start: [
      step(...systemctl, 'daemon-reload'),
      step(...systemctl, 'enable', unit),
      // Starts it, too, if it does not run.
      step(...systemctl, 'restart', unit),
    ],
    stop: [step(...systemctl, 'disable', '--now', unit)],
    forget: [attempt(...systemctl, 'daemon-reload'), attempt(...systemctl, 'reset-failed', unit)],
    probe,
    stateOf,
  };
}

/** Whether the user's services run while the user is not logged in (loginctl(1), enable-linger). */
export function lingers(user: string): boolean {
  return existsSync(`/var/lib/systemd/linger/${user}`);
}

/** `env` with the directory of the user's session, which shells that no log-in started lack, and systemctl needs. */
export function withSession(env: Environment, userId: number | undefined): Environment {
  const directory = `/run/user/${userId}`;
  return env.XDG_RUNTIME_DIR || !existsSync(directory) ? env : { ...env, XDG_RUNTIME_DIR: directory };
}

function unitText(settings: ServiceSettings): string {
  const { path, stateHome, stopSeconds } = settings;
  const command = (...args: string[]) => commandLine([...settings.program, ...args]);
  const config = ['--config', settings.config];
  const variables = Object.entries({ PATH: path, XDG_STATE_HOME: stateHome }).filter(
    ([, value]) => value !== null,
  );
  return `# ${notice}
# To change something, use "systemctl --user edit ${unit}".
# ${encodeRecord(settings)}
[Unit]
Description=mcpstead, one MCP endpoint in front of many MCP servers
Documentation=https://github.com/ahkohd/mcpstead

[Service]
Type=exec
ExecStart=${command('serve', '--watch', ...config)}
# The check comes first, so that systemctl reports the errors of a bad file; the running gateway would only log them.
ExecReload=${command('check', ...config)}
ExecReload=/bin/kill -HUP $MAINPID
${variables.map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}\n`).join('')}
Restart=on-failure
RestartSec=5
# An invalid configuration stays invalid.
RestartPreventExitStatus=2
# Longer than mcp.session.drain_delay_seconds and shutdown_grace_seconds together.
TimeoutStopSec=${stopSeconds}
# The gateway shuts down by itself when its running calls are done.
KillMode=mixed
# Every open stream and every running call takes one on either side.
LimitNOFILE=65536

[Install]
WantedBy=default.target
`;
}

/**
 * A command line for `ExecStart=`, where `$` begins a variable everywhere but in the path of the program, which in turn must not
 * contain quotes and backslashes (systemd.service(5), Command lines).
 */
function commandLine([program = '', ...args]: readonly string[]): string {
  const words = args.map((word) => quoted(word).replaceAll('$', '$$$$'));
  if (!/["'\\]/.test(program)) return [quoted(program), ...words].join(' ');
  const shell = ['/bin/sh', '-c', '"exec \\"$$0\\" \\"$$@\\""'];
  return [...shell, quoted(program).replaceAll('$', '$$$$'), ...words].join(' ');
}

/** A word in which only `$` may still mean something (systemd.syntax(7), Quoting; systemd.unit(5), Specifiers). */
function quoted(word: string): string {
  const escaped = printable(word).replace(/[\\"]/g, '\\$&').replaceAll('%', '%%');
  return /^[\w@:,./+=%$-]+$/.test(word) ? escaped : `"${escaped}"`;
}

async function probe(run: RunCommand): Promise<Environment> {
  const { exitCode, stdout, stderr } = await run([...systemctl, 'show-environment']);
  if (exitCode === 0) return environmentIn(stdout);
  const instead =
    'Where something else starts programs, such as the init of a container, let that run "mcpstead serve --watch".';
  if (exitCode === null) throw unusable(`systemd is not here: there is no systemctl.\n${instead}`);
  throw unusable(
    `systemd runs no services for this user here: ${stderr.trim() || `systemctl ended with exit code ${exitCode}`}.\n` +
      'Log in as the user itself, not with su or sudo; for a user who does not log in, run "loginctl enable-linger USER" as ' +
      `root, and set XDG_RUNTIME_DIR=/run/user/$(id -u).\n${instead}`,
  );
}

/** The names in the output of `show-environment`; its values may be quoted for a shell, and only the names matter. */
function environmentIn(text: string): Environment {
  return Object.fromEntries([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
}

async function stateOf(run: RunCommand): Promise<ServiceState> {
  const properties = 'UnitFileState,ActiveState,MainPID,ExecMainStatus,ExecMainExitTimestampMonotonic';
  const { exitCode, stdout } = await run([...systemctl, 'show', unit, `--property=${properties}`]);
  if (exitCode !== 0) return { isEnabled: true, isRunning: null, pid: null, lastExitCode: null };
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1] ?? '';
  const hasEnded = Number(value('ExecMainExitTimestampMonotonic')) > 0;
  return {
    isEnabled: value('UnitFileState') === 'enabled',
    isRunning: ['active', 'reloading'].includes(value('ActiveState')),
    pid: Number(value('MainPID')) || null,
    lastExitCode: hasEnded ? Number(value('ExecMainStatus')) : null,
  };
}
