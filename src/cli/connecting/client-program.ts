import { realpathSync } from 'node:fs';
import type { Place } from '../../config/places.ts';

/** How a client starts this program. */
interface ClientProgram {
  /** An absolute path: programs with windows do not have the PATH of a shell. */
  readonly command: string;
  /** The arguments before those of mcpstead. */
  readonly args: readonly string[];
}

/** A folder of one version, or of a store of packages, goes with the next update. */
const fleeting =
  /[/\\](?:Cellar|\.pnpm|_npx|bunx-[^/\\]+|dlx-[^/\\]+)[/\\]|^\/nix\/store\/|[/\\@v-]\d+\.\d+\.\d+/;

/**
 * This program under a path that outlives an update: where its own folder does not, the name in a folder of PATH that leads to it,
 * such as the link of Homebrew, or the launcher of npm.
 * @param own the words that start this process
 */
export function clientProgram(own: readonly string[], { env, platform }: Place): ClientProgram {
  const [program = '', ...args] = own;
  // From the sources, nothing else is the same program.
  if (args.length > 0 || !fleeting.test(program)) return { command: program, args };
  const [separator, slash, suffix] = platform === 'win32' ? [';', '\\', '.exe'] : [':', '/', ''];
  const [, prefix, formula, rest] = /^(.*)\/Cellar\/([^/]+)\/[^/]+\/(.+)$/.exec(program) ?? [];
  const onPath = (env.PATH ?? env.Path ?? '')
    .split(separator)
    .filter((folder) => folder !== '')
    .map((folder) => `${folder.replace(/[/\\]+$/, '')}${slash}mcpstead${suffix}`);
  const lasting = [...onPath, ...(prefix === undefined ? [] : [`${prefix}/opt/${formula}/${rest}`])].filter(
    (path) => !fleeting.test(path) && realPath(path) !== null,
  );
  const same = lasting.find((path) => realPath(path) === realPath(program));
  return { command: same ?? lasting.find((path) => isLauncher(path)) ?? program, args };
}

/** The command of the npm package, which starts the program. */
const isLauncher = (path: string): boolean => /[/\\]mcpstead\.mjs$/.test(realPath(path) ?? '');

function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
