import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { platformName } from '../../../npm/mcpstead/lib/platform.mjs';
import { root } from '../../../scripts/checkout.ts';

let folder: string;
let checkout: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcpstead-command-')));
  checkout = join(folder, 'checkout');
  for (const path of ['package.json', 'scripts/command.mjs', 'npm']) {
    cpSync(join(root, path), join(checkout, path), { recursive: true });
  }
});
afterEach(() => rmSync(folder, { recursive: true }));

function run(command: readonly string[]) {
  const env = { ...process.env, MCPSTEAD_BINARY: undefined };
  const done = Bun.spawnSync([...command], { cwd: folder, env, stdin: 'ignore' });
  return { exitCode: done.exitCode, stdout: `${done.stdout}`, stderr: `${done.stderr}` };
}

describe('the command of a checkout that is installed by its path', () => {
  test.skipIf(Bun.which('npm') === null)('says how to build it, while it is not built', () => {
    const npm = ['npm', 'install', '--global', '--prefix', join(folder, 'global')];
    expect(run([...npm, '--offline', '--no-audit', '--no-fund', checkout]).exitCode).toBe(0);
    const { exitCode, stdout, stderr } = run([join(folder, 'global/bin/mcpstead'), '--version']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toStartWith(
      `mcpstead: npm installed the sources in ${checkout}, and these hold no program yet.`,
    );
    expect(stderr).toContain(`cd "${checkout}" && npm run build\n`);
    expect(stderr).toContain('npm install -g @ahkohd/mcpstead\n');
  });

  test('starts the program, once it is built', () => {
    const program = join(checkout, 'dist/bin', platformName(), 'mcpstead');
    mkdirSync(dirname(program), { recursive: true });
    writeFileSync(program, '#!/bin/sh\necho "started with $*"\nexit 7\n');
    chmodSync(program, 0o755);
    const command = [process.execPath, join(checkout, 'scripts/command.mjs'), 'check', '-c', 'a.yaml'];
    expect(run(command)).toEqual({ exitCode: 7, stdout: 'started with check -c a.yaml\n', stderr: '' });
  });
});
