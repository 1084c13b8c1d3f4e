import { existsSync, statSync } from 'node:fs';
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

/**
 * The commit that stands in `folder`, and when it was made, in seconds since 1970. A folder without `.git`, such as an
 * unpacked source archive, tells no commit: it is then the one that `MCPSTEAD_GIT_SHA` names, else `unknown`, and the time
 * is that of package.json, which git archive and GitHub set to the commit's.
 */
export function commit(
  folder = root,
  sources = ['src', 'package.json', 'bun.lock'],
): {
  readonly sha: string;
  readonly timeSeconds: number;
  /** Whether one of `sources` differs from the commit. */
  readonly isChanged: boolean;
} {
  const named = process.env.MCPSTEAD_GIT_SHA || 'unknown';
  const madeMs = statSync(join(folder, 'package.json')).mtimeMs;
  const told = { sha: named, timeSeconds: Math.trunc(madeMs / 1000), isChanged: false };
  // Else git would take the commit of a repository that the folder happens to lie in.
  if (!existsSync(join(folder, '.git'))) return told;
  try {
    const git = (...args: string[]) => run(['git', ...args], { cwd: folder });
    const [sha = '', time = ''] = git('log', '-1', '--format=%H %ct').split(' ');
    const changes = git('status', '--porcelain', '--', ...sources);
    return { sha, timeSeconds: Number(time), isChanged: changes !== '' };
  } catch (error) {
    console.error(`the commit is taken to be ${named}: ${(error as Error).message}`);
    return told;
  }
}
