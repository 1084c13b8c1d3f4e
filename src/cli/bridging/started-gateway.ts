import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import type { Place } from '../../config/places.ts';
import { GatewayError, messageOf } from '../../errors.ts';
import { absolutePath } from '../absolute-path.ts';
import { ownProgram } from '../own-program.ts';
import { loginPath } from '../service/login-path.ts';

/** What a gateway is started with. */
interface GatewayStart {
  readonly config: string;
  /** The state directory, for its log. */
  readonly directory: string;
  /** Null: any. */
  readonly port: number | null;
  readonly place: Place;
}

/** How long a gateway goes on without a bridge; the variable is for tests. */
const idleSeconds = '30';
const idleVariable = 'MCPSTEAD_STDIO_IDLE_SECONDS';
/** How long the login shell may take to say its PATH. */
const shellMs = 1_500;
/** How much of the log is looked through for the reason of a failure. */
const maxTailBytes = 16_384;
/** Errors of the file system that do not go away by themselves. */
const lasting: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a directory',
};
/** How the program begins the error that it ends with. */
const errorStart = '\nmcpstead: ';

/** A gateway that a bridge has started: a process of its own, which outlives the bridge and ends some time after the last one. */
export class StartedGateway {
  readonly #process: Bun.Subprocess;
  readonly #log: string;
  /** Where its part of the log begins. */
  readonly #logStart: number;

  private constructor(process: Bun.Subprocess, log: string, logStart: number) {
    this.#process = process;
    this.#log = log;
    this.#logStart = logStart;
  }

  /** Throws a {@link GatewayError} if the system refuses. */
  static async start({ config, directory, port, place }: GatewayStart): Promise<StartedGateway> {
    const log = `${directory}/logs/gateway-${port ?? 'any'}.log`;
    const path = await searchPath(place);
    try {
      const descriptor = openLog(directory, log);
      const logStart = fstatSync(descriptor).size;
      const idle = place.env[idleVariable] || idleSeconds;
      const absolute = absolutePath(config);
      const started = Bun.spawn({
        cmd: [
          ...ownProgram(),
          'serve',
          '--config',
          absolute,
          '--watch',
          '--until-unused',
          idle,
          '--log-file',
          log,
        ],
        // Relative paths in a configuration are most likely meant from its own place.
        cwd: absolute.replace(/[/\\][^/\\]*$/, '') || '/',
        env: { ...place.env, ...(path !== null && { PATH: path }) },
        stdin: 'ignore',
        stdout: 'ignore',
        stderr: descriptor,
        detached: true,
        windowsHide: true,
      });
      closeSync(descriptor);
      started.unref();
      return new StartedGateway(started, log, logStart);
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      throw new GatewayError('unavailable', `no gateway runs, and none can be started: ${messageOf(error)}`);
    }
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Whether it has ended because of its configuration: waiting does not help. */
  get isRefused(): boolean {
    return this.#process.exitCode === 2;
  }

  /** Why it does not serve. */
  failure(): GatewayError {
    const said = this.#lastWords();
    if (this.isRefused)
      return new GatewayError('config_invalid', said || `the gateway ended; see ${this.#log}`);
    const what = this.hasEnded
      ? 'the gateway that was started ended'
      : 'the gateway that was started does not serve yet';
    return new GatewayError('unavailable', said ? `no gateway runs: ${said}` : `${what}; see ${this.#log}`);
  }

  /** The error with which it ended, as it wrote it. */
  #lastWords(): string {
    try {
      const file = openSync(this.#log, 'r');
      try {
        const bytes = Buffer.alloc(maxTailBytes);
        const from = Math.max(this.#logStart, fstatSync(file).size - maxTailBytes);
        const text = bytes.subarray(0, readSync(file, bytes, 0, maxTailBytes, from)).toString();
        const at = `\n${text}`.lastIndexOf(errorStart);
        return at < 0 ? '' : text.slice(at + errorStart.length - 1).trim();
      } finally {
        closeSync(file);
      }
    } catch {
      return '';
    }
  }
}

/** Opens the log for appending. Throws `config_invalid` if the state directory cannot be written: no gateway could be found again. */
function openLog(directory: string, log: string): number {
  try {
    mkdirSync(`${directory}/logs`, { recursive: true, mode: 0o700 });
    return openSync(log, 'a', 0o600);
  } catch (error) {
    const reason = lasting[(error as NodeJS.ErrnoException).code ?? ''];
    if (reason === undefined) throw error;
    throw new GatewayError(
      'config_invalid',
      `no gateway runs, and none can be started, because its state directory ${directory} cannot be written: ${reason}; set ` +
        'XDG_STATE_HOME, or state_dir in the configuration, to a folder that can',
    );
  }
}

/** The PATH of this process, and what the login shell has besides: a client with windows has neither nvm nor Homebrew in its own. */
async function searchPath(place: Place): Promise<string | null> {
  if (place.platform === 'win32') return null;
  const own = place.env.PATH ?? '';
  const { path } = await loginPath(place, null, shellMs);
  return [...new Set([...own.split(':'), ...path.split(':')].filter(Boolean))].join(':');
}
