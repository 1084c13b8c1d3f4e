import { signalGroup } from '../../process/process-group.ts';
import type { Environment } from '../../runtime/environment.ts';
import type { CommandOutcome, RunCommand } from './manager.ts';

/** Stopping the old service may take its whole grace period. */
const deadlineMs = 60_000;
const maxOutputBytes = 262_144;

/** Runs commands of the system, found in the PATH of `env`. */
export function systemCommands(env: Environment, timeoutMs = deadlineMs): RunCommand {
  return async ([name = '', ...args]) => {
    const path = Bun.which(name, { PATH: env.PATH ?? env.Path ?? '' });
    if (path === null) return { exitCode: null, stdout: '', stderr: '' };
    return capture([path, ...args], { env, timeoutMs });
  };
}

interface CaptureOptions {
  readonly env: Environment;
  readonly timeoutMs: number;
}

/** Runs `argv`, without a terminal, to its end or its deadline. Its output is limited. Never rejects. */
export async function capture(
  argv: readonly string[],
  { env, timeoutMs }: CaptureOptions,
): Promise<CommandOutcome> {
  try {
    const child = Bun.spawn([...argv], {
      env: { ...env },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      // A session of its own, so that an interactive shell cannot reach for the terminal.
      detached: process.platform !== 'win32',
      windowsHide: true,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: maxOutputBytes,
    });
    const [stdout, stderr] = [textOf(child.stdout), textOf(child.stderr)];
    const exitCode = await child.exited;
    // A process that it left behind may keep the pipes open.
    const outputs = await Promise.all([stdout(), stderr()]);
    const isLate = child.signalCode === 'SIGKILL';
    if (isLate) signalGroup(child.pid, 'SIGKILL');
    const late = isLate ? `gave no answer within ${timeoutMs / 1000} s` : '';
    return { exitCode, stdout: outputs[0], stderr: late || outputs[1] };
  } catch (error) {
    return { exitCode: 1, stdout: '', stderr: error instanceof Error ? error.message : String(error) };
  }
}

/** How long output may take after the exit. */
const settleMs = 500;

/** Begins to read a stream. The function that it returns resolves to what has come once the process has exited. */
function textOf(stream: ReadableStream<Uint8Array>): () => Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  const reader = stream.getReader();
  const read = async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || text.length > maxOutputBytes) return;
      text += decoder.decode(value, { stream: true });
    }
  };
  const end = read().catch(() => {});
  return async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, settleMs);
    await Promise.race([end, promise]);
    clearTimeout(timer);
    reader.cancel().catch(() => {});
    return text;
  };
}
