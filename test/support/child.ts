import { waitUntil } from './wait.ts';

/** A child process that a test started. */
export interface Child {
  readonly pid: number;
  /** Its output so far, stdout and stderr, at most the last 64 KiB. */
  output(): string;
  /** Sends `signal` and waits for the end; kills it after 5 s. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

const maxOutputChars = 64 * 1024;
const running = new Set<Bun.Subprocess>();

// An aborted test run must not leave servers behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts `command` and returns once its output contains `ready`. Throws its output if it ends before, or takes longer. */
export async function startChild(
  command: readonly string[],
  options: { env?: Record<string, string>; ready: string; timeoutMs?: number },
): Promise<Child> {
  const child = Bun.spawn([...command], {
    env: { ...process.env, ...options.env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  running.add(child);
  void child.exited.then(() => running.delete(child));
  let output = '';
  const read = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      output = (output + decoder.decode(chunk, { stream: true })).slice(-maxOutputChars);
    }
  };
  void read(child.stdout);
  void read(child.stderr);

  const end = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await child.exited;
    clearTimeout(timer);
  };

  try {
    const isOver = () => child.exitCode !== null || output.includes(options.ready);
    await waitUntil(`"${options.ready}" from ${command.join(' ')}`, isOver, options.timeoutMs);
    if (!output.includes(options.ready)) throw new Error(`it ended with exit code ${child.exitCode}`);
  } catch (error) {
    await end('SIGKILL');
    throw new Error(`${command.join(' ')} did not get ready: ${String(error)}\n${output}`);
  }
  return { pid: child.pid, output: () => output, end };
}
