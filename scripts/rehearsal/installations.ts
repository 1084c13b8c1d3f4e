import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dist, version } from '../checkout.ts';
import { launcherPackage } from '../targets.ts';

/** The folders and servers of one rehearsed installation. */
export interface Place {
  /** An empty folder; HOME and everything that is installed is below it. */
  readonly root: string;
  /** Caches of the package managers, outside of `root`. */
  readonly cache: string;
  /** The folder whose node_modules contain the package managers. */
  readonly tools: string;
  readonly registryUrl: string;
  readonly downloadUrl: string;
}

/** One way to install and uninstall mcpstead. All paths derive from the place. */
export interface Installation {
  readonly name: string;
  /** The commands; their working directory is the place's root. */
  readonly install: (place: Place) => readonly string[];
  readonly uninstall: (place: Place) => readonly string[];
  /** The command that starts mcpstead, or a command that prints it. */
  readonly start: (
    place: Place,
  ) => readonly string[] | { readonly outputOf: readonly string[]; readonly after: readonly string[] };
  /** Files that must exist before. */
  readonly files?: (place: Place) => Readonly<Record<string, string>>;
  /**
   * Set if the platform package is omitted on purpose: mcpstead must say so. `repair` is the remedy in its message, if that
   * is a command of this package manager.
   */
  readonly omitsProgram?: { readonly repair?: readonly string[] };
}

/** The environment of every command of an installation, without the user's own settings. */
export function environment({ root, cache, registryUrl, downloadUrl }: Place): Record<string, string> {
  const home = join(root, 'home');
  return {
    PATH: `${join(root, 'bin')}:${join(root, 'pnpm', 'bin')}:${join(root, 'pnpm')}:${process.env.PATH}`,
    HOME: home,
    XDG_CACHE_HOME: cache,
    XDG_DATA_HOME: join(cache, 'data'),
    npm_config_registry: registryUrl,
    npm_config_cache: join(cache, 'npm'),
    npm_config_update_notifier: 'false',
    npm_config_store_dir: join(cache, 'pnpm-store'),
    pnpm_config_registry: registryUrl,
    pnpm_config_store_dir: join(cache, 'pnpm-store'),
    PNPM_HOME: join(root, 'pnpm'),
    YARN_REGISTRY: registryUrl,
    YARN_CACHE_FOLDER: join(cache, 'yarn'),
    YARN_ENABLE_TELEMETRY: '0',
    BUN_CONFIG_REGISTRY: registryUrl,
    BUN_INSTALL: join(root, 'bun'),
    BUN_INSTALL_CACHE_DIR: join(cache, 'bun'),
    MCPSTEAD_DOWNLOAD_URL: downloadUrl,
    CI: 'true',
  };
}

/** Creates the folders and files that an installation needs. */
export function prepare(place: Place, { files }: Installation): void {
  for (const folder of ['home', 'bin', 'pnpm/bin']) mkdirSync(join(place.root, folder), { recursive: true });
  for (const [path, text] of Object.entries(files?.(place) ?? {}))
    writeFileSync(join(place.root, path), text);
}

const manifest = { 'package.json': '{ "name": "project", "version": "1.0.0", "private": true }\n' };
const script = (place: Place, name: string, path: string) => [
  'node',
  join(place.tools, 'node_modules', name, path),
];

/** npm ignores --omit in global installations. */
function npmGlobal(...flags: string[]): Installation {
  const at = ({ root }: Place) => ['--global', '--prefix', root];
  return {
    name: ['npm install --global', ...flags].join(' '),
    install: (place) => ['npm', 'install', ...at(place), ...flags, launcherPackage],
    uninstall: (place) => ['npm', 'uninstall', ...at(place), launcherPackage],
    start: ({ root }) => [join(root, 'bin', 'mcpstead')],
  };
}

function npmProject(...flags: string[]): Installation {
  return {
    name: ['npm install', ...flags].join(' '),
    files: () => manifest,
    install: () => ['npm', 'install', ...flags, launcherPackage],
    uninstall: () => ['npm', 'uninstall', launcherPackage],
    start: ({ root }) => [join(root, 'node_modules', '.bin', 'mcpstead')],
    ...(flags.includes('--omit=optional') && {
      omitsProgram: {
        repair: ['npm', 'install', `${launcherPackage}@${version}`, '--include=optional'],
      },
    }),
  };
}

function pnpmGlobal(...flags: string[]): Installation {
  const pnpm = (place: Place) => script(place, 'pnpm', 'bin/pnpm.mjs');
  return {
    name: ['pnpm add --global', ...flags].join(' '),
    install: (place) => [...pnpm(place), 'add', '--global', ...flags, launcherPackage],
    uninstall: (place) => [...pnpm(place), 'remove', '--global', launcherPackage],
    start: (place) => [Bun.which('mcpstead', environment(place)) ?? join(place.root, 'pnpm', 'mcpstead')],
    ...(flags.includes('--no-optional') && { omitsProgram: {} }),
  };
}

function yarnClassicGlobal(...flags: string[]): Installation {
  const yarn = (place: Place) => script(place, 'yarn-classic', 'bin/yarn.js');
  const at = ({ root }: Place) => ['--prefix', root, '--global-folder', join(root, 'yarn-global')];
  return {
    name: ['yarn 1 global add', ...flags].join(' '),
    install: (place) => [...yarn(place), 'global', 'add', ...at(place), ...flags, launcherPackage],
    uninstall: (place) => [...yarn(place), 'global', 'remove', ...at(place), launcherPackage],
    start: ({ root }) => [join(root, 'bin', 'mcpstead')],
    ...(flags.includes('--ignore-optional') && { omitsProgram: {} }),
  };
}

function yarnProject(nodeLinker: 'node-modules' | 'pnp'): Installation {
  const yarn = (place: Place) => script(place, '@yarnpkg/cli-dist', 'bin/yarn.js');
  return {
    name: `yarn 4 add, ${nodeLinker}`,
    files: ({ registryUrl }) => ({
      ...manifest,
      'yarn.lock': '',
      '.yarnrc.yml': [
        `nodeLinker: ${nodeLinker}`,
        `npmRegistryServer: '${registryUrl}'`,
        "unsafeHttpWhitelist: ['127.0.0.1']",
        'enableImmutableInstalls: false',
        'npmMinimalAgeGate: 0',
        '',
      ].join('\n'),
    }),
    install: (place) => [...yarn(place), 'add', launcherPackage],
    uninstall: (place) => [...yarn(place), 'remove', launcherPackage],
    start: (place) => ({
      outputOf: [...yarn(place), 'bin', 'mcpstead'],
      after: nodeLinker === 'pnp' ? ['node', '--require', join(place.root, '.pnp.cjs')] : ['node'],
    }),
  };
}

function bunGlobal(...flags: string[]): Installation {
  return {
    name: ['bun add --global', ...flags].join(' '),
    install: () => [process.execPath, 'add', '--global', ...flags, launcherPackage],
    uninstall: () => [process.execPath, 'remove', '--global', launcherPackage],
    start: ({ root }) => [join(root, 'bun', 'bin', 'mcpstead')],
    ...(flags.includes('--omit=optional') && { omitsProgram: {} }),
  };
}

function installer(name: string, folder: (place: Place) => string, ...flags: string[]): Installation {
  const run = (...args: string[]) => ['sh', join(dist, 'release', 'install.sh'), ...args];
  const to = flags.includes('--to') ? ['--to', 'opt'] : [];
  return {
    name,
    install: () => run(...flags),
    uninstall: () => run('--uninstall', ...to),
    start: (place) => [join(folder(place), 'mcpstead')],
  };
}

export const installations: readonly Installation[] = [
  npmGlobal(),
  npmGlobal('--ignore-scripts'),
  npmGlobal('--omit=optional'),
  npmProject(),
  npmProject('--ignore-scripts'),
  npmProject('--omit=optional'),
  pnpmGlobal(),
  pnpmGlobal('--ignore-scripts'),
  pnpmGlobal('--no-optional'),
  yarnClassicGlobal(),
  yarnClassicGlobal('--ignore-scripts'),
  yarnClassicGlobal('--ignore-optional'),
  yarnProject('node-modules'),
  yarnProject('pnp'),
  bunGlobal(),
  bunGlobal('--ignore-scripts'),
  bunGlobal('--omit=optional'),
  installer('install.sh', ({ root }) => join(root, 'home', '.local', 'bin')),
  installer(
    `install.sh --version ${version} --to opt`,
    ({ root }) => join(root, 'opt'),
    ...['--version', version, '--to', 'opt'],
  ),
];
