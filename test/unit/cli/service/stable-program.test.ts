import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stableProgram } from '../../../../src/cli/service/stable-program.ts';

let home: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'mcpstead-stable-')));
});
afterEach(() => rmSync(home, { recursive: true }));

function file(...path: string[]): string {
  const place = join(home, ...path);
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, '');
  return place;
}

function link(target: string, ...path: string[]): string {
  const place = join(home, ...path);
  mkdirSync(dirname(place), { recursive: true });
  symlinkSync(target, place);
  return place;
}

const around = (path = '', platform: NodeJS.Platform = 'linux') => ({
  env: { PATH: path },
  platform,
  home,
  temporary: tmpdir(),
});

describe('the program of a service', () => {
  test('is this one, if its path has no version', () => {
    const program = file('.local/bin/mcpstead');
    expect(stableProgram([program], around())).toEqual({ argv: [program], note: null });
  });

  test("is Homebrew's link that outlives an update", () => {
    const program = file('brew/Cellar/mcpstead/1.2.3/bin/mcpstead');
    link('../Cellar/mcpstead/1.2.3', 'brew/opt/mcpstead');
    expect(stableProgram([program], around())).toEqual({
      argv: [join(home, 'brew/opt/mcpstead/bin/mcpstead')],
      note: null,
    });
  });

  test('is a link in PATH to the folder of a version, but not one to another file', () => {
    const program = file('mise/installs/mcpstead/1.2.3/bin/mcpstead');
    file('other/mcpstead');
    const shim = link(program, 'bin/mcpstead');
    const path = ['', join(home, 'missing'), join(home, 'other'), join(home, 'bin/')].join(':');
    expect(stableProgram([program], around(path))).toEqual({ argv: [shim], note: null });
  });

  test('is the one of a version with a note, if nothing else leads to it', () => {
    const program = file(
      '.nvm/versions/node/v22.15.0/lib/node_modules/@ahkohd/mcpstead-linux-x64/bin/mcpstead',
    );
    expect(stableProgram([program], around())).toEqual({
      argv: [program],
      note: `${program} may go with the next update: run "mcpstead service install" again then`,
    });
  });

  test('is Bun with the sources in a checkout, with a note', () => {
    expect(stableProgram(['/opt/bun', '/src/main.ts'], around())).toEqual({
      argv: ['/opt/bun', '/src/main.ts'],
      note: 'the service runs the sources: /src/main.ts',
    });
  });

  test.each([
    '/home/ada/.npm/_npx/0123456789abcdef/node_modules/@ahkohd/mcpstead-linux-x64/bin/mcpstead',
    '/home/ada/.cache/pnpm/dlx-4711/node_modules/mcpstead',
    '/home/ada/.cache/pnpm/dlx/0123/node_modules/mcpstead',
    '/var/cache/bunx-1000-@ahkohd/mcpstead@latest/node_modules/mcpstead',
    'C:\\Users\\Ada\\AppData\\Local\\npm-cache\\_npx\\0123\\node_modules\\mcpstead.exe',
  ])('is not one that was fetched for one run: %s', (program) => {
    expect(() => stableProgram([program], around())).toThrow(
      `this mcpstead was fetched for one run only, and a service needs one that stays: ${program}.\nInstall it first, such as by ` +
        '"npm install --global @ahkohd/mcpstead"',
    );
  });

  test('is not one in a folder for temporary files, unless the home is there, too', () => {
    const program = join(tmpdir(), 'mcpstead');
    expect(() => stableProgram([program], around())).toThrow('is in a folder for temporary files');
    expect(stableProgram([join(home, 'mcpstead')], around()).argv).toEqual([join(home, 'mcpstead')]);
  });
});
