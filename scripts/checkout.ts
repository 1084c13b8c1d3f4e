import { dirname, join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };

/** The checkout's top folder. */
export const root = dirname(import.meta.dir);
export const dist = join(root, 'dist');
export const { version } = manifest;

/** Where the build leaves the program for the platform called `name`. */
export const binaryFolder = (name: string) => join(dist, 'bin', name);

/** Runs `command` to its end and returns its stdout, trimmed. Throws with its output when it fails. */
export function run(
  command: readonly string[],
  options: { cwd?: string; env?: Record<string, string | undefined> } = {},
): string {
  const { env, cwd = root } = options;
  const done = Bun.spawnSync([...command], { cwd, env: { ...process.env, ...env }, stdin: 'ignore' });
  const stdout = done.stdout.toString().trim();
  if (done.success) return stdout;
  const reason = done.signalCode ?? `exit code ${done.exitCode}`;
  throw new Error(`${command.join(' ')} failed (${reason}):\n${stdout}\n${done.stderr}`);
}

/** The commit that is checked out, and when it was made, in seconds since 1970. */
export function commit(): { readonly sha: string; readonly timeSeconds: number } {
  const [sha = '', time = ''] = run(['git', 'log', '-1', '--format=%H %ct']).split(' ');
  return { sha, timeSeconds: Number(time) };
}
