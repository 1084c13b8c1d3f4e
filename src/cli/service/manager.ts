import type { Environment } from '../../runtime/environment.ts';

/** What a service runs. All paths are absolute. */
export interface ServiceSettings {
  /** The words that start mcpstead, before its own arguments. */
  readonly program: readonly string[];
  /** The configuration file. */
  readonly config: string;
  /** The PATH of the service, or null if it has the user's own (Windows). */
  readonly path: string | null;
  /** `XDG_STATE_HOME`, if the user's shell sets it: commands look for the gateway there. */
  readonly stateHome: string | null;
  /** How long a shutdown may take, in seconds. */
  readonly stopSeconds: number;
}

/** A command that the system's manager of services is given. */
export interface ServiceStep {
  /** The program, by its name, and its arguments. */
  readonly argv: readonly string[];
  /** Whether the next step follows whatever the outcome. */
  readonly canFail: boolean;
  /** How often to try: launchd ends a service in the background and refuses a new one meanwhile. */
  readonly tries: number;
}

/** What the manager knows of the service. */
export interface ServiceState {
  /** Whether the service starts when the user logs on. */
  readonly isEnabled: boolean;
  /** Null if the manager does not say. */
  readonly isRunning: boolean | null;
  /** The process, or null if there is none or the manager does not say. */
  readonly pid: number | null;
  /** The exit code of the last process that ended, or null if none has or the manager does not say. */
  readonly lastExitCode: number | null;
}

/** The outcome of a command of the system. */
export interface CommandOutcome {
  /** Null if the command does not exist. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the system. Never rejects. */
export type RunCommand = (argv: readonly string[]) => Promise<CommandOutcome>;

/** One of the systems that start programs when a user logs on. */
export interface ServiceManager {
  readonly id: 'launchd' | 'systemd' | 'task-scheduler';
  readonly title: string;
  /** The file that describes the service. */
  readonly file: string;
  /** How to read the log of the service: a file, or a command. */
  readonly log: { readonly file: string } | { readonly command: string };
  /** The text of `file`. Throws a GatewayError if it cannot hold the settings. */
  describe(settings: ServiceSettings): string;
  /** A file that is there only while the steps of `start` run. */
  readonly temporary: { readonly path: string; readonly content: Uint8Array } | null;
  /** What follows when `file` is written. */
  readonly start: readonly ServiceStep[];
  /** What precedes the removal of `file`, and what follows it. */
  readonly stop: readonly ServiceStep[];
  readonly forget: readonly ServiceStep[];
  /**
   * Asks the manager whether it can be used.
   * @returns the variables that it gives to services
   * @throws GatewayError which says what to do
   */
  probe(run: RunCommand): Promise<Environment>;
  /** Asks the manager for the state of an installed service. */
  stateOf(run: RunCommand): Promise<ServiceState>;
}

/** A step that has to succeed, at the first try. */
export function step(...argv: string[]): ServiceStep {
  return { argv, canFail: false, tries: 1 };
}

/** A step whose outcome does not matter. */
export function attempt(...argv: string[]): ServiceStep {
  return { argv, canFail: true, tries: 1 };
}
