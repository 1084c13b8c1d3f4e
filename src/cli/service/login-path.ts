import type { Place } from '../../config/places.ts';
import { realPath } from '../../runtime/real-path.ts';
import { capture } from './system-command.ts';

/** The directories for a service to find programs in, and where they are from. */
export interface LoginPath {
  readonly path: string;
  /** The shell that was asked, or null if `path` is that of this process. */
  readonly shell: string | null;
  /** Why the shell did not say, or null. */
  readonly failure: string | null;
}

/** Shells that start slowly ask the network, and show a prompt in the meantime. */
const deadlineMs = 10_000;
const [begin, end] = ['<mcpstead-path>', '</mcpstead-path>'];
/** Every shell runs this alike, because another one prints: their own words for a list differ. */
const question = `/bin/sh -c 'printf "${begin}%s${end}" "$PATH"'`;

/**
 * Asks the user's shell for its PATH, as a terminal has it: a service would have only the directories of the system, where
 * nvm, Homebrew and uv put nothing. Falls back to the PATH of this process. Never rejects.
 */
export async function loginPath(
  { env }: Place,
  accountShell: string | null,
  timeoutMs = deadlineMs,
): Promise<LoginPath> {
  const shell = env.SHELL || accountShell || '/bin/sh';
  // Marks the shell as ours for the user's own files, which may want to do less then.
  const variables = { ...env, MCPSTEAD_ASKS_PATH: '1', TERM: 'dumb' };
  let failure = '';
  for (const flags of flagsOf(shell)) {
    const asked = await capture([shell, ...flags, question], { env: variables, timeoutMs });
    const path = pathIn(asked.stdout);
    if (path !== null) return { path: usable(path), shell, failure: null };
    failure ||= `${shell} ${asked.stderr.trim().split('\n').at(-1) || `ended with exit code ${asked.exitCode}`}`;
  }
  return { path: usable(env.PATH ?? ''), shell: null, failure };
}

/**
 * As a login shell and interactive, because PATH is set in files of both kinds; then less and less of that. The C shells read
 * the same files anyway, and take `-l` alone only.
 */
function flagsOf(shell: string): readonly (readonly string[])[] {
  if (/[/\\]t?csh$/.test(shell)) return [['-c']];
  return [['-l', '-i', '-c'], ['-l', '-c'], ['-c']];
}

function pathIn(output: string): string | null {
  const start = output.lastIndexOf(begin);
  const stop = output.indexOf(end, start);
  return start < 0 || stop < 0 ? null : output.slice(start + begin.length, stop) || null;
}

/** The absolute directories, each once. Those that belong to one shell only are followed to where they lead. */
function usable(path: string): string {
  const directories = path
    .split(':')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: no format of a service can hold them.
    .filter((directory) => directory.startsWith('/') && !/[\u0000-\u001f\u007f]/.test(directory))
    .map((directory) =>
      directory.includes('/fnm_multishells/') ? (realPath(directory) ?? directory) : directory,
    );
  return [...new Set(directories)].join(':');
}
