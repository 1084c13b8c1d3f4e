import { existsSync } from 'node:fs';
import { join } from 'node:path';

const cache = join(import.meta.dir, '../../node_modules/.cache');

/** A virtual environment in `node_modules/.cache`, with what is in it from PyPI. */
interface Environment {
  readonly python: string;
  readonly packages: readonly string[];
}

/** FastMCP 4 with the official SDK 2, and uv. */
const current = environment('python', ['fastmcp==4.2.3', 'mcp==2.3.0', 'uv==0.13.9']);

/** FastMCP 2 with the official SDK 1: what many people still have. */
const old = environment('python-old', ['fastmcp==2.14.7', 'mcp==1.30.0']);

/** The Python of the current versions. */
export const python = current.python;

/** The Python of the old ones. */
export const oldPython = old.python;

/** The command that people start servers in Python with. */
export const uvx = join(cache, 'python/bin/uvx');

/** Variables that keep uv to the Python that is there, and its files to the cache. */
export const uvEnvironment = { UV_CACHE_DIR: join(cache, 'uv'), UV_PYTHON: python };

/** Whether this machine has a Python at all. Without one, the tests are skipped. */
export const hasPython = Bun.which('python3') !== null;

/** Installs the current versions, unless they are there. Takes a minute the first time. */
export function installPackages(): void {
  install(current);
}

/** Installs the old versions, unless they are there. */
export function installOldPackages(): void {
  install(old);
}

function environment(name: string, packages: readonly string[]): Environment {
  return { python: join(cache, name, 'bin/python'), packages };
}

function install({ python, packages }: Environment): void {
  if (!existsSync(python)) run(['python3', '-m', 'venv', join(python, '../..')]);
  run([python, '-m', 'pip', 'install', '--quiet', ...packages]);
}

function run(command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
}
