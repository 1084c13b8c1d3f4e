import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };

/** The root folder of the checkout. */
export const root = dirname(import.meta.dir);
export const dist = join(root, 'dist');
export const { version } = manifest;

/** The folder of the built program for the platform called `name`. */
export const binaryFolder = (name: string) => join(dist, 'bin', name);

/** Runs `command` to completion and returns its trimmed stdout. Throws with its output if it fails. */
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
 * The commit of `folder` and its time in seconds since 1970. In a folder without `.git`, such as an unpacked source archive,
 * the commit is `MCPSTEAD_GIT_SHA`, else `unknown`, and the time is that of package.json, which git archive and GitHub set
 * to the commit's.
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
  const assumed = { sha: named, timeSeconds: Math.trunc(madeMs / 1000), isChanged: false };
  // Otherwise git would report the commit of an enclosing repository.
  if (!existsSync(join(folder, '.git'))) return assumed;
  try {
    const git = (...args: string[]) => run(['git', ...args], { cwd: folder });
    const [sha = '', time = ''] = git('log', '-1', '--format=%H %ct').split(' ');
    const changes = git('status', '--porcelain', '--', ...sources);
    return { sha, timeSeconds: Number(time), isChanged: changes !== '' };
  } catch (error) {
    console.error(`cannot read the commit, assuming ${named}: ${(error as Error).message}`);
    return assumed;
  }
}
