import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import type { Environment } from '../runtime/environment.ts';
import { realPath } from '../runtime/real-path.ts';
import { ProcessFailure } from './process-failure.ts';

/** A program to be run. */
export interface ProgramCall {
  /** A name to be found in `PATH`, or a path. */
  readonly command: string;
  readonly args: readonly string[];
  /** The directory in which it runs. */
  readonly cwd: string;
  /** All of its variables. */
  readonly env: Environment;
}

/** A command line for the system. */
interface CommandLine {
  readonly argv: readonly string[];
  /** Whether the arguments are quoted already, on Windows. */
  readonly isVerbatim: boolean;
}

/** What the file system says of a path. Tests inject their own. */
interface Files {
  /**
   * A `file` lacks the permission to run it; a `directory` and `other` can never be run. `closed` means a directory that lacks the
   * permission to enter it, here or on the way here. Null: it is missing.
   */
  kindOf(path: string): 'executable' | 'file' | 'directory' | 'closed' | 'other' | null;
  /** The path of the file itself, without links. */
  realPath(path: string): string;
}

/** What `PATHEXT` is on Windows unless it is set. */
const usualExtensions = '.COM;.EXE;.BAT;.CMD';

/**
 * Finds the file of a command, as a shell would: a name in the directories of its `PATH`, a path from its directory. The runtime's
 * own search reports a missing directory as a missing command, takes our own program for `bun`, and finds no `.cmd` files. Throws
 * a {@link ProcessFailure} that names what was searched.
 */
export function resolveCommand(
  { command, args, cwd, env }: ProgramCall,
  platform: NodeJS.Platform = process.platform,
  files: Files = systemFiles(platform),
): CommandLine {
  checkDirectory(cwd, files);
  const path = findFile(command, cwd, env, platform, files);
  if (platform !== 'win32' || !/\.(?:cmd|bat)$/i.test(path))
    return { argv: [path, ...args], isVerbatim: false };
  const shell = variable(env, 'ComSpec', platform) ?? 'cmd.exe';
  const line = [path, ...args].map(quoteForShell).join(' ');
  return { argv: [shell, '/d', '/s', '/c', `"${line}"`], isVerbatim: true };
}

function checkDirectory(cwd: string, files: Files): void {
  const kind = files.kindOf(cwd);
  if (kind === 'directory') return;
  const fault =
    kind === null
      ? 'does not exist'
      : kind === 'closed'
        ? 'cannot be entered (EACCES)'
        : 'is not a directory';
  throw new ProcessFailure('unstartable', `cannot be started: its cwd ${cwd} ${fault}`);
}

function findFile(
  command: string,
  cwd: string,
  env: Environment,
  platform: NodeJS.Platform,
  files: Files,
): string {
  const isPath = platform === 'win32' ? /[/\\]/.test(command) : command.includes('/');
  const searched = variable(env, 'PATH', platform) ?? '';
  const directories = isPath ? [''] : searched.split(platform === 'win32' ? ';' : ':');
  const extensions = extensionsOf(command, env, platform);
  let unusable: string | null = null;
  for (const directory of directories) {
    for (const extension of extensions) {
      const path = absolute(`${withSlash(directory, platform)}${command}${extension}`, cwd, platform);
      const kind = files.kindOf(path);
      if (kind === 'executable' && !isOwnProgram(command, path, files)) return path;
      if (kind !== null)
        unusable ??= `${path} ${kind === 'directory' ? 'is a directory' : 'is not executable'}`;
    }
  }
  // Arguments are never shown.
  const what = `cannot be started: the command "${command.replace(/\s.*/s, ' …')}"`;
  const hint = /\s/.test(command) ? '; write its arguments into args' : '';
  if (unusable !== null && !isPath)
    throw new ProcessFailure('unstartable', `${what}: ${unusable} (EACCES)${hint}`);
  if (unusable !== null) throw new ProcessFailure('unstartable', `cannot be started: ${unusable} (EACCES)`);
  const place = isPath ? `does not exist in ${cwd}` : 'was not found in PATH';
  throw new ProcessFailure('unstartable', `${what} ${place} (ENOENT)${hint}`, isPath ? [] : directories);
}

/** A variable, whose name ignores case on Windows. */
function variable(env: Environment, name: string, platform: NodeJS.Platform): string | undefined {
  if (platform !== 'win32') return env[name];
  return Object.entries(env).find(([key]) => key.toUpperCase() === name.toUpperCase())?.[1];
}

/** What may follow the name of a command. */
function extensionsOf(command: string, env: Environment, platform: NodeJS.Platform): string[] {
  if (platform !== 'win32') return [''];
  const all = (variable(env, 'PATHEXT', platform) || usualExtensions)
    .toLowerCase()
    .split(';')
    .filter(Boolean);
  return all.some((extension) => command.toLowerCase().endsWith(extension)) ? ['', ...all] : all;
}

function withSlash(directory: string, platform: NodeJS.Platform): string {
  if (directory === '') return '';
  if (/[/\\]$/.test(directory)) return directory;
  return `${directory}${platform === 'win32' ? '\\' : '/'}`;
}

function absolute(path: string, cwd: string, platform: NodeJS.Platform): string {
  const isAbsolute = platform === 'win32' ? /^(?:[A-Za-z]:|[/\\])/.test(path) : path.startsWith('/');
  return isAbsolute ? path : `${withSlash(cwd, platform)}${path}`;
}

/** Whether `bun` or `bunx` is a link to this program, which holds a whole Bun but is none. */
function isOwnProgram(command: string, path: string, files: Files): boolean {
  if (!/^bunx?(?:\.exe)?$/i.test(command.replace(/^.*[/\\]/, ''))) return false;
  const own = files.realPath(process.execPath);
  return !/[/\\]bunx?(?:\.exe)?$/i.test(own) && files.realPath(path) === own;
}

/** A word for the command line of `cmd.exe`, which reads it twice: first itself, then in the batch file. */
function quoteForShell(word: string): string {
  const quoted = `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\*)$/, '$1$1')}"`;
  const escaped = (text: string) => text.replace(/[()\][%!^"`<>&|;, *?]/g, '^$&');
  return escaped(escaped(quoted));
}

function systemFiles(platform: NodeJS.Platform): Files {
  return {
    kindOf(path) {
      // If it cannot be looked at, a directory on the way to it is closed.
      let isDirectory = true;
      try {
        const status = statSync(path);
        isDirectory = status.isDirectory();
        if (!isDirectory && !status.isFile()) return 'other';
        if (platform !== 'win32') accessSync(path, constants.X_OK);
        return isDirectory ? 'directory' : 'executable';
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EACCES') return null;
        return isDirectory ? 'closed' : 'file';
      }
    },
    realPath: (path) => realPath(path) ?? path,
  };
}

/** Why the system refused to run a file that exists: the interpreter that its first line names may be missing. */
export function interpreterOf(path: string): string | null {
  try {
    return /^#!\s*(\S+)/.exec(readFileSync(path).subarray(0, 256).toString('latin1'))?.[1] ?? null;
  } catch {
    return null;
  }
}
