import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache, debianChromium, presentChromium, run } from '../support/chromium.ts';

const playwright = '@playwright/mcp@0.0.83';

/** What the suite runs: the program of @playwright/mcp, and a Chromium. */
export interface Browsing {
  readonly program: string;
  readonly browser: string;
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
  const browser = attempt(presentChromium) ?? attempt(debianChromium) ?? attempt(playwrightBrowser);
  return browser ? { program, browser } : `Chromium is missing: ${reasons.join('; ')}`;
}
