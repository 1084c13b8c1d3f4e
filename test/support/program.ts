import { join } from 'node:path';
import { waitUntil, within } from './wait.ts';

const main = join(import.meta.dir, '../../src/main.ts');

export interface ProgramOptions {
  /** Variables besides the ones of the test run; undefined takes one away. */
  readonly env?: Record<string, string | undefined>;
  /** Arguments for Bun itself. */
  readonly bunArgs?: readonly string[];
}

export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program while it runs. Disposing of it kills it. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  signal(signal: NodeJS.Signals): void;
  /** Waits for its end. */
  ended(): Promise<ProgramResult>;
  /** Closes this end of its stdout and stderr, as `mcpstead … | head -1` does. */
  closeOutput(): Promise<unknown>;
  /** Waits until its output, stdout and stderr together, contains `text`. */
  printed(text: string): Promise<void>;
}

/** Starts `mcpstead` with `args` from the sources, in a process of its own. */
export function startProgram(args: readonly string[], { env, bunArgs = [] }: ProgramOptions = {}): Program {
  const child = Bun.spawn([process.execPath, ...bunArgs, main, ...args], {
    env: { ...process.env, MCPSTEAD_CONFIG: undefined, MCPSTEAD_BEARER_TOKEN: undefined, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
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
    const exitCode = await within(`the end of mcpstead ${args.join(' ')}`, child.exited, 20_000);
    await closed;
    return { exitCode, ...output };
  };
  return {
    pid: child.pid,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    signal: (signal) => child.kill(signal),
    ended,
    closeOutput: () => Promise.all([readers.stdout.cancel(), readers.stderr.cancel()]),
    async printed(text) {
      const seen = () => (output.stdout + output.stderr).includes(text);
      const over = () => child.exitCode !== null;
      await waitUntil(`"${text}" from mcpstead ${args.join(' ')}`, () => seen() || over(), 20_000);
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
