import { mkdirSync, rmSync } from 'node:fs';
import { envFilePath } from '../../config/env-file.ts';
import { type LoadedConfig, loadConfig } from '../../config/load.ts';
import { homeDirectory, type Place } from '../../config/places.ts';
import { GatewayError } from '../../errors.ts';
import type { Environment } from '../../runtime/environment.ts';
import { nodeOs } from '../../runtime/node-modules.ts';
import { replaceFile } from '../../runtime/replace-file.ts';
import type { Progress } from '../terminal/progress.ts';
import { readOwn, serviceManager } from './installed.ts';
import { type LoginPath, loginPath } from './login-path.ts';
import type { RunCommand, ServiceManager, ServiceSettings } from './manager.ts';
import { unusable } from './obstacles.ts';
import { requireFreePort } from './port-check.ts';
import { runSteps } from './run-steps.ts';
import { type StableProgram, stableProgram } from './stable-program.ts';

/** What is to be installed, and where. */
export interface InstallRequest {
  readonly place: Place;
  /** The words that start this program. */
  readonly program: readonly string[];
  /** The absolute path of the configuration. */
  readonly config: string;
  readonly run: RunCommand;
  readonly progress: Progress;
}

/** A service that could be installed. */
export interface InstallPlan {
  readonly manager: ServiceManager;
  readonly settings: ServiceSettings;
  /** The text of the manager's file. */
  readonly text: string;
  readonly program: StableProgram;
  /** Null on Windows, where a task has the user's own PATH. */
  readonly path: LoginPath | null;
}

/** Beyond the time that the configuration grants running calls. */
const extraStopSeconds = 10;

/** Plans a service, and changes nothing. Throws a GatewayError that says what stands in the way. */
export async function planInstall(request: InstallRequest): Promise<InstallPlan> {
  const { place, progress } = request;
  const manager = serviceManager(place);
  readOwn(manager);
  const { session } = (await loadConfig(request.config, place.env)).config.mcp;
  const temporary = nodeOs().tmpdir();
  const home = homeDirectory(place) ?? '';
  const path =
    place.platform === 'win32'
      ? null
      : await progress.track('asking the shell for its PATH', loginPath(place, accountShell()));
  const program = stableProgram(request.program, { ...place, home, temporary });
  const { XDG_STATE_HOME: stateHome } = place.env;
  const settings: ServiceSettings = {
    program: program.argv,
    config: request.config,
    path: path?.path ?? null,
    stateHome: stateHome?.startsWith('/') ? stateHome : null,
    stopSeconds: Math.ceil(session.drain_delay_seconds + session.shutdown_grace_seconds) + extraStopSeconds,
  };
  return { manager, settings, text: manager.describe(settings), program, path };
}

/** The shell of the user's account, or null if the system does not say. */
function accountShell(): string | null {
  try {
    return nodeOs().userInfo().shell;
  } catch {
    return null;
  }
}

/**
 * Installs and starts the service, in place of one that is installed. If a step fails, the file is as before.
 * @throws GatewayError which says what to do
 */
export async function install(request: InstallRequest, plan: InstallPlan): Promise<LoadedConfig> {
  const { manager, text } = plan;
  const { run, progress, place } = request;
  const before = readOwn(manager);
  const given = await progress.track(`asking ${manager.id}`, manager.probe(run));
  const loaded = await loadForService(request, plan.settings, given);
  const isOurs = before !== null && (await manager.stateOf(run)).isRunning !== false;
  if (!isOurs) requireFreePort(loaded.config, request.config, place);

  try {
    write(manager.file, text, 0o644);
    if (manager.temporary) write(manager.temporary.path, manager.temporary.content, 0o600);
    makeLogFolder(manager);
    await progress.track('starting the service', runSteps(manager.start, run));
  } catch (error) {
    await takeBack(manager, before?.text ?? null, run);
    throw error;
  } finally {
    if (manager.temporary) rmSync(manager.temporary.path, { force: true });
  }
  return loaded;
}

/** Loads the configuration with the variables of the service, which are not those of this shell. */
async function loadForService(
  { config }: InstallRequest,
  { path, stateHome }: ServiceSettings,
  given: Environment,
): Promise<LoadedConfig> {
  const env = {
    ...given,
    ...(path !== null && { PATH: path }),
    ...(stateHome !== null && { XDG_STATE_HOME: stateHome }),
  };
  try {
    return await loadConfig(config, env);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    // It is valid with this shell's variables, or there would be no plan.
    throw new GatewayError(
      error.kind,
      `${error.message}\nThis shell has these variables, but a service does not see them: write them as NAME=value lines into ` +
        `${envFilePath(config)}, which only you may read (chmod 600).`,
    );
  }
}

/** Puts the file back as it was, and tells the manager. Failures of that would hide the error that matters. */
async function takeBack(manager: ServiceManager, before: string | null, run: RunCommand): Promise<void> {
  try {
    if (before !== null) {
      replaceFile(manager.file, before);
      await runSteps(
        manager.start.filter(({ tries }) => tries === 1),
        run,
      ).catch(() => {});
      return;
    }
    await runSteps(manager.stop, run).catch(() => {});
    rmSync(manager.file, { force: true });
    await runSteps(manager.forget, run).catch(() => {});
  } catch {
    // Nothing more can be done.
  }
}

function write(path: string, content: string | Uint8Array, mode: number): void {
  try {
    replaceFile(path, content, mode);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const cause = {
      EACCES: 'permission denied',
      EPERM: 'permission denied',
      EROFS: 'the file system is read-only',
    }[code];
    throw unusable(`cannot write ${path}: ${cause ?? code}; nothing was installed`);
  }
}

/** launchd does not make it, and the log would be lost. */
function makeLogFolder({ log }: ServiceManager): void {
  if (!('file' in log)) return;
  try {
    mkdirSync(log.file.replace(/[/\\][^/\\]*$/, ''), { recursive: true, mode: 0o700 });
  } catch {
    // The service runs without a log.
  }
}
