import { afterAll, describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProcessFailure } from '../../../src/process/process-failure.ts';
import { interpreterOf, resolveCommand } from '../../../src/process/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcpstead-command-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
for (const name of ['first', 'second', 'folder']) mkdirSync(join(folder, name));
const program = (path: string, mode = 0o755) => {
  writeFileSync(join(folder, path), '#!/nonexistent/interpreter -x\n');
  chmodSync(join(folder, path), mode);
};
program('first/plain', 0o644);
program('second/plain');
program('second/tool');
program('first/only-plain', 0o644);
mkdirSync(join(folder, 'first/tool'));
const PATH = `${folder}/first:${folder}/second:${folder}/missing`;

const resolve = (command: string, env = { PATH }, cwd = folder) =>
  resolveCommand({ command, args: ['a b', '$X'], cwd, env }, 'linux').argv;
function failureOf(run: () => unknown): ProcessFailure {
  try {
    run();
  } catch (error) {
    if (error instanceof ProcessFailure) return error;
  }
  throw new Error('no failure');
}

describe('a command', () => {
  test('is found in PATH, where files that cannot be run and folders do not count', () => {
    expect(resolve('tool')).toEqual([`${folder}/second/tool`, 'a b', '$X']);
    expect(resolve('plain')).toEqual([`${folder}/second/plain`, 'a b', '$X']);
  });

  test('that is a path begins at its directory', () => {
    expect(resolve('./second/tool')[0]).toBe(`${folder}/./second/tool`);
    expect(resolve(`${folder}/second/tool`)[0]).toBe(`${folder}/second/tool`);
  });

  test('that is missing is named, with what was searched', () => {
    const failure = failureOf(() => resolve('none'));
    expect([failure.kind, failure.message]).toEqual([
      'unstartable',
      'cannot be started: the command "none" was not found in PATH (ENOENT)',
    ]);
    expect(failure.searched).toEqual([`${folder}/first`, `${folder}/second`, `${folder}/missing`]);
    expect(failureOf(() => resolve('./none')).message).toBe(
      `cannot be started: the command "./none" does not exist in ${folder} (ENOENT)`,
    );
  });

  test('with arguments in it gets advice', () => {
    for (const command of ['npx -y server --key k1', './tool --key k1']) {
      const { message } = failureOf(() => resolve(command));
      expect(message).toEndWith('; write its arguments into args');
      expect(message).not.toContain('k1');
    }
  });

  test('that cannot be run is named', () => {
    expect(failureOf(() => resolve('only-plain')).message).toBe(
      `cannot be started: the command "only-plain": ${folder}/first/only-plain is not executable (EACCES)`,
    );
    expect(failureOf(() => resolve('./folder')).message).toBe(
      `cannot be started: ${folder}/./folder is a directory (EACCES)`,
    );
  });

  test.each([
    ['none', 'does not exist'],
    ['second/tool', 'is not a directory'],
  ])('is not started in %s', (cwd, fault) => {
    expect(failureOf(() => resolve('tool', { PATH }, join(folder, cwd))).message).toBe(
      `cannot be started: its cwd ${join(folder, cwd)} ${fault}`,
    );
  });

  test('is not started in a directory that cannot be entered', () => {
    const files = { kindOf: () => 'closed' as const, realPath: (path: string) => path };
    const start = () =>
      resolveCommand({ command: 'tool', args: [], cwd: '/locked', env: {} }, 'linux', files);
    expect(failureOf(start).message).toBe('cannot be started: its cwd /locked cannot be entered (EACCES)');
  });

  // The superuser enters them all.
  test.if(process.getuid?.() !== 0)('is not started in a directory without permission, or below one', () => {
    mkdirSync(join(folder, 'locked', 'inside'), { recursive: true });
    chmodSync(join(folder, 'locked'), 0o600);
    try {
      for (const cwd of ['locked', 'locked/inside'])
        expect(failureOf(() => resolve('tool', { PATH }, join(folder, cwd))).message).toContain(
          'cannot be entered (EACCES)',
        );
    } finally {
      chmodSync(join(folder, 'locked'), 0o700);
    }
  });

  test('bun is never our own program', () => {
    const files = {
      kindOf: (path: string) => (path === '/' ? ('directory' as const) : ('executable' as const)),
      realPath: (path: string) => (path === '/own/bun' || path === process.execPath ? '/opt/mcpstead' : path),
    };
    const env = { PATH: '/own:/usr/bin' };
    const found = (command: string) =>
      resolveCommand({ command, args: [], cwd: '/', env }, 'linux', files).argv;
    expect(found('bun')).toEqual(['/usr/bin/bun']);
    expect(found('other')).toEqual(['/own/other']);
  });
});

describe('on Windows, a command', () => {
  const env = { Path: 'C:\\a;C:\\b\\', PATHEXT: '.EXE;.CMD', ComSpec: 'C:\\Windows\\cmd.exe' };
  const files = (existing: readonly string[]) => ({
    kindOf: (path: string) =>
      path === 'C:\\' ? ('directory' as const) : existing.includes(path) ? ('executable' as const) : null,
    realPath: (path: string) => path,
  });
  const found = (command: string, args: string[], existing: string[]) =>
    resolveCommand({ command, args, cwd: 'C:\\', env }, 'win32', files(existing));

  test('is found by PATHEXT', () => {
    expect(found('tool', ['x'], ['C:\\b\\tool.exe', 'C:\\b\\tool.cmd'])).toEqual({
      argv: ['C:\\b\\tool.exe', 'x'],
      isVerbatim: false,
    });
    expect(found('tool.exe', [], ['C:\\a\\tool.exe']).argv).toEqual(['C:\\a\\tool.exe']);
  });

  test('that is a .cmd file runs in ComSpec, with arguments quoted for it', () => {
    expect(found('npx', ['-y', 'a b', '%X%&"q"'], ['C:\\a\\npx.cmd'])).toEqual({
      argv: [
        'C:\\Windows\\cmd.exe',
        '/d',
        '/s',
        '/c',
        '"^^^"C:\\a\\npx.cmd^^^" ^^^"-y^^^" ^^^"a^^^ b^^^" ^^^"^^^%X^^^%^^^&\\^^^"q\\^^^"^^^""',
      ],
      isVerbatim: true,
    });
  });
});

test('the interpreter of a script is in its first line', () => {
  expect(interpreterOf(join(folder, 'second/tool'))).toBe('/nonexistent/interpreter');
  symlinkSync('/nonexistent', join(folder, 'link'));
  expect(interpreterOf(join(folder, 'link'))).toBeNull();
});
