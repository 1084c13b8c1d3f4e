import { hostInUrl, reachableHost } from '../../config/hosts.ts';
import type { Place } from '../../config/places.ts';
import type { Config } from '../../config/schema.ts';
import { GatewayError } from '../../errors.ts';
import { output } from '../../observability/output.ts';
import { absolutePath } from '../absolute-path.ts';
import { existingConfig } from '../config-path.ts';
import type { ExitCode } from '../exit-code.ts';
import { ownProgram } from '../own-program.ts';
import { place } from '../place.ts';
import { type InstallPlan, type InstallRequest, install, planInstall } from '../service/install.ts';
import type { RunCommand, ServiceManager } from '../service/manager.ts';
import { type ServiceStatus, serviceStatus } from '../service/status.ts';
import { systemCommands } from '../service/system-command.ts';
import { lingers, withSession } from '../service/systemd.ts';
import { uninstall } from '../service/uninstall.ts';
import { columns } from '../terminal/columns.ts';
import { print } from '../terminal/print.ts';
import { Progress } from '../terminal/progress.ts';

/** The arguments of `mcpstead service`. */
interface ServiceArguments {
  readonly action: string;
  readonly config: string | undefined;
  readonly isDryRun: boolean;
  readonly isJson: boolean;
}

/** How long to wait for a new service to answer; servers that it requires may take longer. */
const answerMs = 15_000;
const askEveryMs = 200;

/** Installs or removes the service, or shows its state. */
export async function service({ action, config, isDryRun, isJson }: ServiceArguments): Promise<ExitCode> {
  const only = (flag: string, owner: string) =>
    new GatewayError('usage', `${flag} belongs to "mcpstead service ${owner}"`);
  if (config !== undefined && action !== 'install') throw only('--config', 'install');
  if (isDryRun && action !== 'install') throw only('--dry-run', 'install');
  if (isJson && action !== 'status') throw only('--json', 'status');
  const run = systemCommands(withSession(place.env, process.getuid?.()));
  if (action === 'install') return runInstall(await existingConfig(config), isDryRun, run);
  if (action === 'uninstall') return runUninstall(run);
  return showStatus(isJson, run);
}

async function runInstall(given: string, isDryRun: boolean, run: RunCommand): Promise<ExitCode> {
  const config = absolutePath(given);
  const progress = new Progress();
  const request: InstallRequest = { place, program: ownProgram(), config, run, progress };
  const plan = await planInstall(request);
  if (isDryRun) {
    print(dryRunText(plan));
    return 0;
  }
  const loaded = await install(request, plan);
  print(installedText(request, plan));
  return reportStart(plan.manager, loaded.config, run, progress);
}

/** What an installation would write and run. */
function dryRunText({ manager, text }: InstallPlan): string {
  const file = (path: string, content: string) => `${path}:\n\n${content.replaceAll('\r\n', '\n')}\n`;
  const temporary = manager.temporary
    ? file(manager.temporary.path, new TextDecoder('utf-16le').decode(manager.temporary.content))
    : '';
  const commands = manager.start.map(({ argv }) => `  ${argv.map(shown).join(' ')}\n`).join('');
  return `${file(manager.file, text)}${temporary}Then:\n\n${commands}`;
}

const shown = (word: string) => (/\s/.test(word) ? `"${word}"` : word);

function installedText({ config }: InstallRequest, { manager, program, path }: InstallPlan): string {
  const directories = path?.path.split(':').length;
  const from = path?.shell ?? 'this terminal';
  const rows = [
    ['file', manager.file],
    ['program', program.argv.join(' ')],
    ['configuration', config],
    ...(path ? [['PATH', `${directories} directories, from ${from}`]] : []),
    ['log', logOf(manager)],
  ];
  const notes = [
    ...(program.note ? [`Note: ${program.note}.`] : []),
    ...(path?.failure
      ? [
          `Note: the shell did not report its PATH (${path.failure}), so the service uses that of this terminal.`,
        ]
      : []),
  ];
  return `${[`Installed as a ${manager.title}.`, ...aligned(rows), ...notes].join('\n')}\n`;
}

const aligned = (rows: readonly (readonly string[])[]) => columns(rows).map((line) => `  ${line}`);

function logOf({ log }: Pick<ServiceManager, 'log'>): string {
  return 'file' in log ? log.file : log.command;
}

/** Waits until the new service answers, and says how that went. */
async function reportStart(
  manager: ServiceManager,
  { host, port }: Config,
  run: RunCommand,
  progress: Progress,
): Promise<ExitCode> {
  const origin = `http://${hostInUrl(reachableHost(host))}:${port}`;
  const end = await progress.track(
    'waiting for the gateway to answer',
    waitForAnswer(origin, port, manager, run),
  );
  const undo = 'Undo: mcpstead service uninstall\n';
  if (end === 'ended') {
    print(`The gateway ended at once. See why: ${logOf(manager)}\n${undo}`);
    return 1;
  }
  const outcome =
    end === 'serving'
      ? `Serving ${origin}/mcp.`
      : `The gateway does not answer yet; a required server may still be starting. See ${logOf(manager)}`;
  print(`${outcome}\n${lingerHint(manager, place)}${undo}`);
  return 0;
}

async function waitForAnswer(
  origin: string,
  port: number,
  manager: ServiceManager,
  run: RunCommand,
): Promise<'serving' | 'ended' | 'silent'> {
  const endMs = performance.now() + answerMs;
  while (performance.now() < endMs) {
    if (port !== 0 && (await answers(origin))) return 'serving';
    const { isRunning, lastExitCode } = await manager.stateOf(run);
    if (isRunning === false && lastExitCode !== null) return 'ended';
    if (port === 0 && isRunning) return 'silent';
    await Bun.sleep(askEveryMs);
  }
  return 'silent';
}

/** Whether the gateway serves: unlike `/livez`, `/health` is answered only then. */
async function answers(origin: string): Promise<boolean> {
  try {
    const response = await fetch(`${origin}/health`, { proxy: false, signal: AbortSignal.timeout(1_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

function lingerHint({ id }: ServiceManager, { env }: Place): string {
  const user = env.USER ?? env.LOGNAME;
  if (id !== 'systemd' || !user || lingers(user)) return '';
  return `It runs while ${user} is logged in. To keep it running: loginctl enable-linger ${user}\n`;
}

async function runUninstall(run: RunCommand): Promise<ExitCode> {
  const { manager, wasInstalled, failure } = await new Progress().track(
    'stopping the service',
    uninstall(place, run),
  );
  if (!wasInstalled) {
    print(`No service is installed: there is no ${manager.file}\n`);
    return 0;
  }
  print(`Removed ${manager.file}\n`);
  if (failure === null) return 0;
  output.print(2, `mcpstead: the service may still run: ${failure}\n`);
  return 1;
}

async function showStatus(isJson: boolean, run: RunCommand): Promise<ExitCode> {
  const status = await serviceStatus(place, run);
  print(isJson ? `${JSON.stringify(status, null, 2)}\n` : statusText(status));
  return status.running ? 0 : 1;
}

function statusText(status: ServiceStatus): string {
  if (!status.installed) return 'No service is installed. To install it: mcpstead service install\n';
  const { program, config, url, file, running, pid, enabled } = status;
  const rows = [
    ['file', file],
    ['program', `${program?.join(' ')}${status.program_exists ? '' : '  (missing)'}`],
    ['configuration', `${config}`],
    ['starts', enabled ? 'when you log in' : 'not automatically'],
    ...(url ? [['serves', url]] : []),
    ['log', logOf(status)],
  ];
  const head = running
    ? `The service runs${pid ? `, process ${pid}` : ''}.`
    : `The service does not run${causeOf(status)}.`;
  return `${[head, ...aligned(rows)].join('\n')}\n`;
}

function causeOf({ program_exists, last_exit_code, config }: ServiceStatus): string {
  if (!program_exists) return ': its program is gone. Run "mcpstead service install" again';
  if (last_exit_code === 2)
    return `: its configuration is invalid. Run "mcpstead check --config ${shown(`${config}`)}"`;
  return last_exit_code === null ? '' : `: it ended with exit code ${last_exit_code}`;
}
