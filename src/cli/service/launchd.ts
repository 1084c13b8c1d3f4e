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
import { missingHome, unusable } from './obstacles.ts';
import { encodeRecord, notice } from './record.ts';
import { escapeXml } from './xml.ts';

const label = 'io.github.ahkohd.mcpstead';

/**
 * launchd cannot tell an invalid configuration from another failure. With this pause between two starts, the service begins by
 * itself once the file is right, and a broken one fills no log.
 */
const pauseSeconds = 30;

/** launchd's agents of the user, on macOS. */
export function launchd(place: Place, userId: number): ServiceManager {
  const home = homeDirectory(place);
  if (home === null) throw missingHome('HOME');
  const domain = `gui/${userId}`;
  const service = `${domain}/${label}`;
  const file = `${home}/Library/LaunchAgents/${label}.plist`;
  const log = `${home}/Library/Logs/mcpstead.log`;
  return {
    id: 'launchd',
    title: 'launchd agent',
    file,
    log: { file: log },
    describe: (settings) => plistText(settings, home, log),
    temporary: null,
    start: [
      attempt('launchctl', 'bootout', service),
      attempt('launchctl', 'enable', service),
      { argv: ['launchctl', 'bootstrap', domain, file], canFail: false, tries: 20 },
      step('launchctl', 'kickstart', service),
    ],
    stop: [attempt('launchctl', 'bootout', service)],
    forget: [],
    probe: (run) => probe(run, place.env, domain),
    stateOf: (run) => stateOf(run, service),
  };
}

/** launchd.plist(5) */
function plistText(settings: ServiceSettings, home: string, log: string): string {
  const { program, config, path, stateHome, stopSeconds } = settings;
  const strings = (words: readonly string[]) =>
    words.map((word) => `    <string>${escapeXml(word)}</string>\n`).join('');
  const variables = Object.entries({ PATH: path, XDG_STATE_HOME: stateHome })
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `    <key>${name}</key>\n    <string>${escapeXml(value as string)}</string>\n`);
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ${notice} -->
<!-- ${encodeRecord(settings)} -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${label}</string>
  <key>ProgramArguments</key>
  <array>
${strings([...program, 'serve', '--watch', '--config', config])}  </array>
  <key>EnvironmentVariables</key>
  <dict>
${variables.join('')}  </dict>
  <key>WorkingDirectory</key>
  <string>${escapeXml(home)}</string>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>${pauseSeconds}</integer>
  <key>ExitTimeOut</key>
  <integer>${stopSeconds}</integer>
  <key>ProcessType</key>
  <string>Interactive</string>
  <key>SoftResourceLimits</key>
  <dict>
    <key>NumberOfFiles</key>
    <integer>65536</integer>
  </dict>
  <key>StandardOutPath</key>
  <string>${escapeXml(log)}</string>
  <key>StandardErrorPath</key>
  <string>${escapeXml(log)}</string>
</dict>
</plist>
`;
}

async function probe(run: RunCommand, env: Environment, domain: string): Promise<Environment> {
  const { exitCode } = await run(['launchctl', 'print', domain]);
  if (exitCode === null) throw unusable('launchd is not here: there is no launchctl');
  if (exitCode !== 0) {
    throw unusable(
      'launchd has no session of this user: log in on the screen of this Mac once, then run "mcpstead service install" again.\n' +
        'For a Mac that nobody logs in to, let a system daemon run "mcpstead serve --watch".',
    );
  }
  // launchd.plist(5) and launchctl(1): what every agent gets.
  const given = ['HOME', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR', 'PATH'];
  return Object.fromEntries(given.map((name) => [name, env[name]]));
}

async function stateOf(run: RunCommand, service: string): Promise<ServiceState> {
  const { exitCode, stdout } = await run(['launchctl', 'print', service]);
  const value = (name: string) => new RegExp(`^\\s*${name} = (.*)$`, 'm').exec(stdout)?.[1] ?? '';
  const code = value('last exit code');
  return {
    isEnabled: exitCode === 0,
    isRunning: exitCode === 0 && value('state') === 'running',
    pid: Number(value('pid')) || null,
    // "(never exited)" until it has.
    lastExitCode: /^\d+/.test(code) ? Number.parseInt(code, 10) : null,
  };
}
