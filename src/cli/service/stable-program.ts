import { realpathSync } from 'node:fs';
import type { Environment } from '../../runtime/environment.ts';
import { unusable } from './obstacles.ts';

/** How a service starts mcpstead. */
export interface StableProgram {
  readonly argv: readonly string[];
  /** What the user should know of it, or null. */
  readonly note: string | null;
}

interface Surroundings {
  readonly env: Environment;
  readonly platform: NodeJS.Platform;
  /** The home directory. */
  readonly home: string;
  /** The directory for temporary files. */
  readonly temporary: string;
}

/** Folders of programs that package managers fetch for one run: npx, bunx, pnpm dlx and yarn dlx. */
const singleRuns = /[/\\](?:_npx|bunx-[^/\\]*|dlx-[^/\\]*|dlx)[/\\]/;
/** A part of a path that is, or contains, a version, or a store of packages by their hashes. */
const versioned = /[/\\@v-]\d+\.\d+\.\d+|^\/nix\/store\//;

/**
 * The program `argv` under a path that outlives an update: Homebrew's link instead of the folder of one version, or the same file
 * in a folder of PATH. Throws a GatewayError for a program that will be gone tomorrow.
 */
export function stableProgram(argv: readonly string[], around: Surroundings): StableProgram {
  const [path = '', ...sources] = argv;
  if (sources.length > 0) {
    return { argv, note: `it runs from the sources: ${sources.join(' ')}` };
  }
  if (singleRuns.test(path)) throw gone(path, 'was fetched for one run only');
  const isTemporary = isBelow(path, around.temporary) && !isBelow(path, around.home);
  if (isTemporary) throw gone(path, 'is in a folder for temporary files');
  if (!versioned.test(path)) return { argv, note: null };
  const same = linksTo(path, around).find(
    (each) => !versioned.test(each) && realPath(each) === realPath(path),
  );
  if (same !== undefined) return { argv: [same], note: null };
  return {
    argv,
    note: `${path} may go with the next update: run "mcpstead service install" again then`,
  };
}

function gone(path: string, why: string): Error {
  return unusable(
    `this mcpstead ${why}, and a service needs one that stays: ${path}.\n` +
      'Install it first, such as by "npm install --global @ahkohd/mcpstead", and run "mcpstead service install" then.',
  );
}

function isBelow(path: string, folder: string): boolean {
  const clean = folder.replace(/[/\\]+$/, '');
  return clean !== '' && (path.startsWith(`${clean}/`) || path.startsWith(`${clean}\\`));
}

/** Paths that may lead to the program at `path`. */
function linksTo(path: string, { env, platform }: Surroundings): string[] {
  const [, prefix, formula, rest] = /^(.*)\/Cellar\/([^/]+)\/[^/]+\/(.+)$/.exec(path) ?? [];
  const linked = prefix === undefined ? [] : [`${prefix}/opt/${formula}/${rest}`];
  const [separator, slash, name] =
    platform === 'win32' ? [';', '\\', 'mcpstead.exe'] : [':', '/', 'mcpstead'];
  const folders = (env.PATH ?? env.Path ?? '').split(separator).filter((folder) => folder !== '');
  return [...linked, ...folders.map((folder) => `${folder.replace(/[/\\]+$/, '')}${slash}${name}`)];
}

function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
