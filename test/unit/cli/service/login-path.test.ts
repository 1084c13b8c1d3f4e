import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loginPath } from '../../../../src/cli/service/login-path.ts';

let home: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'mcpstead-login-')));
});
afterEach(() => rmSync(home, { recursive: true }));

const at = (shell: string | undefined, env: Record<string, string> = {}) => ({
  platform: 'linux' as const,
  env: { HOME: home, PATH: '/usr/bin:/bin', SHELL: shell, ...env },
});

/** A shell of one's own. */
function shell(body: string): string {
  const path = join(home, 'shell');
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('the PATH of the shell', () => {
  const shells: [name: string, file: string, line: string][] = [
    ['bash', '.bashrc', 'export PATH="/from/bashrc/a b:$PATH"; echo noise; echo noise >&2'],
    ['zsh', '.zshrc', 'export PATH="/from/zshrc:$PATH"; echo noise'],
    ['fish', '.config/fish/config.fish', 'set -gx PATH "/from/fish" $PATH; echo noise'],
  ];
  for (const [name, file, line] of shells) {
    const found = Bun.which(name);
    test.skipIf(found === null)(
      `is what ${name} makes of the files of the user, whatever they print`,
      async () => {
        mkdirSync(join(home, file, '..'), { recursive: true });
        writeFileSync(join(home, file), `${line}\n`);
        // A login shell of bash reads its own file only.
        writeFileSync(join(home, '.bash_profile'), '. ~/.bashrc\n');
        const { path, ...rest } = await loginPath(at(found as string), null);
        expect(path).toMatch(/^\/from\/(bashrc\/a b|zshrc|fish):/);
        expect(rest).toEqual({ shell: found, failure: null });
      },
    );
  }

  test('has absolute directories only, each once', async () => {
    const asked = shell(`export PATH=/b::.:node_modules/.bin:/a:/b:/c; eval "$4"`);
    expect((await loginPath(at(asked), null)).path).toBe('/b:/a:/c');
  });

  test('leads to the directory behind one that belongs to a single shell', async () => {
    mkdirSync(join(home, 'node-v22/bin'), { recursive: true });
    mkdirSync(join(home, 'fnm_multishells'));
    symlinkSync(join(home, 'node-v22'), join(home, 'fnm_multishells/4711_1'));
    const asked = shell(`export PATH=${home}/fnm_multishells/4711_1/bin:/usr/bin:/bin; eval "$4"`);
    expect((await loginPath(at(asked), null)).path).toBe(`${home}/node-v22/bin:/usr/bin:/bin`);
  });

  test('is asked for with fewer and fewer flags', async () => {
    const asked = shell(
      '[ "$1$2" = -l-c ] || { echo "no such flag" >&2; exit 2; }\nexport PATH=/plain:/bin; eval "$3"',
    );
    expect(await loginPath(at(asked), null)).toEqual({ path: '/plain:/bin', shell: asked, failure: null });
  });

  test('is that of the account, if SHELL is not set', async () => {
    const asked = shell('export PATH=/account:/bin; eval "$4"');
    expect(await loginPath(at(undefined), asked)).toEqual({
      path: '/account:/bin',
      shell: asked,
      failure: null,
    });
  });
});

describe('the PATH of this process is taken, with the reason,', () => {
  test('if the shell does not exist', async () => {
    const { path, shell, failure } = await loginPath(at('/missing/shell'), null);
    expect({ path, shell }).toEqual({ path: '/usr/bin:/bin', shell: null });
    expect(failure).toContain('/missing/shell');
  });

  test('if the shell fails', async () => {
    const asked = shell('echo "bad file" >&2; exit 7');
    expect(await loginPath(at(asked), null)).toEqual({
      path: '/usr/bin:/bin',
      shell: null,
      failure: `${asked} bad file`,
    });
  });

  test('if the shell waits for something, even if it ignores signals and leaves a process behind', async () => {
    const asked = shell("trap '' TERM INT HUP\nsleep 60 &\nsleep 60");
    const { path, failure } = await loginPath(at(asked), null, 200);
    expect(path).toBe('/usr/bin:/bin');
    expect(failure).toBe(`${asked} gave no answer within 0.2 s`);
  });

  test('if the shell prints without end', async () => {
    const asked = shell('exec yes');
    expect((await loginPath(at(asked), null, 5_000)).shell).toBeNull();
  });
});
