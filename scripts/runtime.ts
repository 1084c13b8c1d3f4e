import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../package.json' with { type: 'json' };
import { root, run } from './checkout.ts';
import type { Target } from './targets.ts';

/** The part of a Bun lock file that matters here: JSON with trailing commas; the last element of a package is its hash. */
interface Lock {
  readonly packages: Readonly<Record<string, readonly unknown[]>>;
}

/**
 * The path of the Bun executable that becomes the program for `target`; installs its npm package on first use.
 *
 * `bun build` would download it without any check. Here it is the package whose hash is in bun.lock, from the registry in
 * this machine's npm configuration.
 */
export function runtimeOf(target: Target): string {
  const version = manifest.devDependencies.bun;
  const folder = join(root, 'node_modules', '.cache', 'mcpstead', `bun-${version}-${target.name}`);
  const binary = target.os === 'win32' ? 'bun.exe' : 'bun';
  const path = join(folder, 'node_modules', target.bunPackage, 'bin', binary);
  if (existsSync(path)) return path;

  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  writeFileSync(
    join(fresh, 'package.json'),
    JSON.stringify({ dependencies: { [target.bunPackage]: version } }),
  );
  run([process.execPath, 'install', '--os=*', '--cpu=*', '--ignore-scripts'], { cwd: fresh });
  const expected = hashIn(join(root, 'bun.lock'), target.bunPackage);
  const found = hashIn(join(fresh, 'bun.lock'), target.bunPackage);
  if (found !== expected) {
    throw new Error(`${target.bunPackage} ${version} is ${found}, but bun.lock says ${expected}`);
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  return path;
}

function hashIn(lockPath: string, name: string): string {
  const lock = Bun.JSONC.parse(readFileSync(lockPath, 'utf8')) as Lock;
  const hash = lock.packages[name]?.at(-1);
  if (typeof hash === 'string') return hash;
  throw new Error(`${lockPath} has no hash of ${name}`);
}
