import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const playwright = '@playwright/mcp@0.0.83';
const cache = join(import.meta.dir, '../../node_modules/.cache');

/** What the suite runs: the program of @playwright/mcp, and a Chromium. */
export interface Browsing {
  readonly program: string;
  readonly browser: string;
}

/** Runs a command to its end. Throws the end of its output if it fails. */
function run(command: string[], cwd: string, env: Record<string, string> = {}): void {
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

/** Installs @playwright/mcp into a folder of its own. */
function installPlaywright(): string {
  const home = join(cache, 'playwright');
  const program = join(home, 'node_modules/@playwright/mcp/cli.js');
  mkdirSync(home, { recursive: true });
  if (!existsSync(join(home, 'package.json'))) writeFileSync(join(home, 'package.json'), '{}\n');
  run([process.execPath, 'add', '--exact', playwright], home);
  return program;
}

/** A Chromium that this machine has. */
function installedBrowser(): string {
  const names = ['chromium', 'chromium-headless-shell', 'chromium-browser', 'google-chrome'];
  const found = names.map((name) => Bun.which(name)).find((path) => path !== null);
  if (!found) throw new Error(`none of ${names.join(', ')} is in PATH`);
  return found;
}

/** Debian's Chromium with the libraries that this machine lacks, unpacked into the cache: nothing is installed. */
function debianBrowser(): string {
  const home = join(cache, 'chromium');
  const launcher = join(home, 'chromium');
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

/** The Chromium that Playwright downloads for itself. */
function playwrightBrowser(): string {
  const home = join(cache, 'playwright');
  const path = join(home, 'browsers');
  const installer = join(home, 'node_modules/playwright/cli.js');
  const command = [process.execPath, installer, 'install', 'chromium-headless-shell'];
  run(command, home, { PLAYWRIGHT_BROWSERS_PATH: path });
  const [binary] = new Bun.Glob('**/*headless{-,_}shell{,.exe}').scanSync({ cwd: path });
  if (!binary) throw new Error(`Playwright installed no chromium-headless-shell in ${path}`);
  return join(path, binary);
}

/** Installs what the suite needs; or says what is missing, and why. */
export function installBrowsing(): Browsing | string {
  const reasons: string[] = [];
  const attempt = (get: () => string) => {
    try {
      return get();
    } catch (error) {
      reasons.push((error as Error).message);
      return null;
    }
  };
  const program = attempt(installPlaywright);
  if (!program) return `${playwright} is missing: ${reasons.join('; ')}`;
  const browser = attempt(installedBrowser) ?? attempt(debianBrowser) ?? attempt(playwrightBrowser);
  return browser ? { program, browser } : `Chromium is missing: ${reasons.join('; ')}`;
}
