import type { Place } from '../config/places.ts';
import { realPath } from '../runtime/real-path.ts';

// A folder of one version, or of a store of packages, goes with the next update.

/** Folders of programs that package managers fetch for one run: npx, bunx, pnpm dlx and yarn dlx. */
const singleRun = /[/\\](?:_npx|bunx-[^/\\]*|dlx-[^/\\]*|dlx)[/\\]/;
/** A part of a path that is, or contains, a version, or a store of packages by their hashes. */
const versioned = /[/\\](?:Cellar|\.pnpm)[/\\]|[/\\@v-]\d+\.\d+\.\d+|^\/nix\/store\//;
/** The command of the npm package, which starts the program. */
const launcher = /[/\\]mcpstead\.mjs$/;

/** Whether the program was fetched for one run only. */
export const isForSingleRun = (path: string): boolean => singleRun.test(path);

/**
 * The program at `path` under a path that outlives an update: its own, or the one in a folder of PATH that leads to it, such as
 * Homebrew's link. Null if there is none.
 */
export function lastingPath(path: string, place: Place): string | null {
  if (!isFleeting(path)) return path;
  return lastingNames(path, place).find((each) => realPath(each) === realPath(path)) ?? null;
}

/** The launcher of the npm package in a folder of PATH; null if there is none. */
export function launcherPath(path: string, place: Place): string | null {
  return lastingNames(path, place).find((each) => launcher.test(realPath(each) ?? '')) ?? null;
}

const isFleeting = (path: string): boolean => singleRun.test(path) || versioned.test(path);

/** Paths that stay, and may lead to the program at `path`. */
function lastingNames(path: string, { env, platform }: Place): string[] {
  const [, prefix, formula, rest] = /^(.*)\/Cellar\/([^/]+)\/[^/]+\/(.+)$/.exec(path) ?? [];
  const linked = prefix === undefined ? [] : [`${prefix}/opt/${formula}/${rest}`];
  const [separator, slash, name] =
    platform === 'win32' ? [';', '\\', 'mcpstead.exe'] : [':', '/', 'mcpstead'];
  const folders = (env.PATH ?? env.Path ?? '').split(separator).filter((folder) => folder !== '');
  const found = folders.map((folder) => `${folder.replace(/[/\\]+$/, '')}${slash}${name}`);
  return [...found, ...linked].filter((each) => !isFleeting(each) && realPath(each) !== null);
}
