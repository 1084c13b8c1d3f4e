import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where tests keep what they install. */
export const cache = join(import.meta.dir, '../../node_modules/.cache');
const home = join(cache, 'chromium');
const launcher = join(home, 'chromium');

/** Runs a command to its end. Throws the end of its output if it fails. */
export function run(command: string[], cwd: string, env: Record<string, string> = {}): void {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, {
    cwd,
    env: { ...process.env, ...env },
    timeout: 300_000,
  });
  if (exitCode === 0) return;
  throw new Error(
    `${command.slice(0, 3).join(' ')}: ${`${stdout}${stderr}`.replace(/\s+/g, ' ').trim().slice(-300)}`,
  );
}

/** A Chromium that this machine has, or an earlier run has unpacked. Throws if there is none. */
export function presentChromium(): string {
  if (existsSync(launcher)) return launcher;
  const names = ['chromium', 'chromium-headless-shell', 'chromium-browser', 'google-chrome'];
  const found = names.map((name) => Bun.which(name)).find((path) => path !== null);
  if (!found) throw new Error(`none of ${names.join(', ')} is in PATH`);
  return found;
}

/** Debian's Chromium with the libraries that this machine lacks, unpacked into the cache: nothing is installed. */
export function debianChromium(): string {
  if (existsSync(launcher)) return launcher;
  for (const tool of ['apt-get', 'dpkg-deb']) {
    if (!Bun.which(tool)) throw new Error(`${tool} is not in PATH`);
  }
  const archives = join(home, 'archives');
  mkdirSync(join(archives, 'partial'), { recursive: true });
  const options = ['-o', `Dir::Cache::archives=${archives}`, '-o', 'Debug::NoLocking=1'];
  const download = ['apt-get', 'install', '-y', '--no-install-recommends', '--download-only', ...options];
  try {
    run([...download, 'chromium-headless-shell'], home);
  } catch {
    // The machine may not know any packages yet.
    run(['apt-get', 'update'], home);
    run([...download, 'chromium-headless-shell'], home);
  }
  const packages = readdirSync(archives).filter((name) => name.endsWith('.deb'));
  for (const name of packages) run(['dpkg-deb', '--extract', join(archives, name), join(home, 'root')], home);
  rmSync(archives, { recursive: true });
  const libraries = join(home, 'root/usr/lib');
  const folders = readdirSync(libraries).filter((name) => name.endsWith('-linux-gnu'));
  const path = folders
    .flatMap((name) => [join(libraries, name), join(libraries, name, 'pulseaudio')])
    .join(':');
  const binary = join(home, 'root/usr/lib/chromium/chromium-headless-shell');
  writeFileSync(launcher, `#!/bin/sh\nLD_LIBRARY_PATH='${path}' exec '${binary}' "$@"\n`);
  chmodSync(launcher, 0o755);
  run([launcher, '--version'], home);
  return launcher;
}

// .ci/run does this, so that `npm test` finds a browser.
if (import.meta.main && process.platform === 'linux') {
  try {
    presentChromium();
  } catch {
    debianChromium();
  }
}
