import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The versions that the tests install from PyPI. FastMCP brings the official SDK, `mcp`, which is pinned, too. */
const packages = ['fastmcp==4.2.3', 'mcp==2.3.0', 'uv==0.13.9'];

const cache = join(import.meta.dir, '../../node_modules/.cache');
const home = join(cache, 'python');

/** The Python of a virtual environment in `node_modules/.cache` that has FastMCP, the official SDK and uv. */
export const python = join(home, 'bin/python');

/** The one of them that people start servers with. */
export const uvx = join(home, 'bin/uvx');

/** Variables that keep uv to that Python, and its files to the cache. */
export const uvEnvironment = { UV_CACHE_DIR: join(cache, 'uv'), UV_PYTHON: python };

/** Whether this machine has a Python at all. Without one, the tests are skipped. */
export const hasPython = Bun.which('python3') !== null;

/** Installs the packages, unless the last call did. Takes a minute the first time. */
export function installPackages(): void {
  if (!existsSync(python)) run(['python3', '-m', 'venv', home]);
  run([python, '-m', 'pip', 'install', '--quiet', ...packages]);
}

function run(command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
}
