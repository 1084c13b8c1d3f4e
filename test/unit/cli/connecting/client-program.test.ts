import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { clientProgram } from '../../../../src/cli/connecting/client-program.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'client-program-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function file(path: string): string {
  const whole = join(root, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, '');
  return whole;
}

function link(path: string, target: string): string {
  const whole = join(root, path);
  mkdirSync(dirname(whole), { recursive: true });
  symlinkSync(target, whole);
  return whole;
}

const chosen = (program: string, ...folders: string[]) =>
  clientProgram([program], {
    env: { PATH: folders.map((folder) => join(root, folder)).join(':') },
    platform: 'linux',
  }).command;

test('a program in a folder that stays is started by its own path, whatever PATH has', () => {
  const program = file('usr/local/bin/mcpstead');
  file('other/mcpstead');
  expect(chosen(program, 'other')).toBe(program);
});

test('a program of Homebrew is started by the link that an update keeps', () => {
  const program = file('brew/Cellar/mcpstead/0.1.0/bin/mcpstead');
  const opt = link('brew/opt/mcpstead/bin/mcpstead', program);
  expect(chosen(program)).toBe(opt);
  const bin = link('brew/bin/mcpstead', program);
  expect(chosen(program, 'nothing', 'brew/bin')).toBe(bin);
});

test('a program in a store of packages is started by the launcher on PATH', () => {
  const program = file('store/.pnpm/mcpstead-linux-x64@0.1.0/bin/mcpstead');
  const launcher = link('bin/mcpstead', file('lib/mcpstead/bin/mcpstead.mjs'));
  file('wrong/mcpstead');
  expect(chosen(program, 'wrong', 'bin')).toBe(launcher);
});

test('a program without a lasting name is started by its own path', () => {
  const program = file('npm/_npx/1a2b/mcpstead');
  file('bin/mcpstead');
  expect(chosen(program, 'bin')).toBe(program);
});

test('the sources are started as they were', () => {
  expect(clientProgram(['/bin/bun', '/src/main.ts'], { env: {}, platform: 'linux' })).toEqual({
    command: '/bin/bun',
    args: ['/src/main.ts'],
  });
});
