import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil, within } from './wait.ts';

/** The state directory of programs in this test run, outside of the user's home. */
const stateHome = mkdtempSync(join(tmpdir(), 'mcpstead-state-home-'));
process.on('exit', () => rmSync(stateHome, { recursive: true, force: true }));

/** Variables of the environment that would change the program's behavior. */
const ownEnvironment = {
  MCPSTEAD_CONFIG: undefined,
  MCPSTEAD_BEARER_TOKEN: undefined,
  MCPSTEAD_STATE_KEY: undefined,
  STATE_DIRECTORY: undefined,
  XDG_STATE_HOME: stateHome,
  // That of the user may have a configuration.
  XDG_CONFIG_HOME: join(stateHome, 'no-configuration'),
};

/** The program's entry. */
export const main = join(import.meta.dir, '../../src/main.ts');

interface CommandOptions {
  /** Variables in addition to those of the test run; undefined removes one. */
  readonly env?: Record<string, string | undefined>;
  /** The working directory; by default that of the test run. */
  readonly cwd?: string;
  /** Starts it in a process group of its own, as an interactive shell does. */
  readonly ownGroup?: boolean;
  /** What its stdin begins with; it remains open. By default there is no stdin. */
  readonly input?: string;
}

export interface ProgramOptions extends CommandOptions {
  /** Arguments for Bun itself. */
  readonly bunArgs?: readonly string[];
}

interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running program. Disposing of it kills it. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  signal(signal: NodeJS.Signals): void;
  /** Ends its stdin. */
  closeInput(): void;
  /** The signal that ended it, if any; its exit code is then 128 plus the signal's number. */
  endedBy(): NodeJS.Signals | null;
  /** Waits for its end. */
  ended(): Promise<ProgramResult>;
  /** Closes this end of its stdout and stderr, as `mcpstead … | head -1` does. */
  closeOutput(): Promise<unknown>;
  /** Waits until its output, stdout and stderr together, contains `text`. */
  printed(text: string): Promise<void>;
}

/** Starts `mcpstead` with `args` from the sources, in a child process. */
export function startProgram(
  args: readonly string[],
  { bunArgs = [], ...options }: ProgramOptions = {},
): Program {
  return startCommand([process.execPath, ...bunArgs, main, ...args], options);
}

/** Starts `command`, such as another program or a compiled mcpstead. */
export function startCommand(
  command: readonly string[],
  { env, cwd, ownGroup = false, input }: CommandOptions = {},
): Program {
  const child = Bun.spawn([...command], {
    ...(cwd !== undefined && { cwd }),
    detached: ownGroup,
    env: { ...process.env, ...ownEnvironment, ...env },
    stdin: input === undefined ? 'ignore' : 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  if (input) {
    child.stdin?.write(input);
    child.stdin?.flush();
  }
  const output = { stdout: '', stderr: '' };
  const readers = { stdout: child.stdout.getReader(), stderr: child.stderr.getReader() };
  const read = async (name: 'stdout' | 'stderr') => {
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await readers[name].read();
      if (done) return;
      output[name] += decoder.decode(value, { stream: true });
    }
  };
  const closed = Promise.all([read('stdout'), read('stderr')]);
  const ended = async () => {
    const exitCode = await within(`the end of ${command.join(' ')}`, child.exited, 20_000);
    await closed;
    return { exitCode, ...output };
  };
  return {
    pid: child.pid,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    signal: (signal) => child.kill(signal),
    closeInput: () => void child.stdin?.end(),
    endedBy: () => child.signalCode as NodeJS.Signals | null,
    ended,
    closeOutput: () => Promise.all([readers.stdout.cancel(), readers.stderr.cancel()]),
    async printed(text) {
      const seen = () => (output.stdout + output.stderr).includes(text);
      const over = () => child.exitCode !== null;
      await waitUntil(`"${text}" from ${command.join(' ')}`, () => seen() || over(), 20_000);
      if (seen()) return;
      throw new Error(`exit code ${child.exitCode} without "${text}": ${output.stdout}${output.stderr}`);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}

/** Runs `mcpstead` with `args` to its end. */
export async function runProgram(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult> {
  await using program = startProgram(args, options);
  return await program.ended();
}
