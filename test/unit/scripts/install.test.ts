import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tarGz } from '../../../scripts/archive.ts';

const installer = join(import.meta.dir, '../../../scripts/install.sh');
const script = readFileSync(installer);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-install-'));
  mkdirSync(join(folder, 'home'));
  mkdirSync(join(folder, 'shims'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Puts a program with `body`, a shell script, in front of the system's. */
function shim(name: string, body: string): void {
  const path = join(folder, 'shims', name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
}

/** Makes the machine look like another one to the installer. */
function machine(
  system: string,
  cpu: string,
  { ldd = 'ldd (GNU libc) 2.36', bits = '64', translated = '0' } = {},
): void {
  shim('uname', `case $1 in -s) echo ${system} ;; -m) echo ${cpu} ;; esac`);
  shim('ldd', `echo '${ldd}' >&2; exit 1`);
  shim('getconf', `echo ${bits}`);
  shim('sysctl', `echo ${translated}`);
}

interface Release extends AsyncDisposable {
  readonly url: string;
  readonly asked: string[];
}

/** Serves a release with shell scripts as programs, which print their platform. */
function serveRelease(platforms: readonly string[], { checksum = '' } = {}): Release {
  const files = new Map<string, Blob>();
  let sums = '';
  for (const platform of platforms) {
    const content = new TextEncoder().encode(`#!/bin/sh\necho "mcpstead 1.2.3 for ${platform}"\n`);
    const archive = tarGz([{ path: `mcpstead-${platform}/mcpstead`, content, mode: 0o755 }], 0);
    const name = `mcpstead-${platform}.tar.gz`;
    files.set(name, new Blob([archive]));
    sums += `${checksum || createHash('sha256').update(archive).digest('hex')}  ${name}\n`;
  }
  files.set('SHA256SUMS', new Blob([sums]));
  const asked: string[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      const file = files.get(pathname.slice(pathname.lastIndexOf('/') + 1));
      return file === undefined ? new Response('no such file', { status: 404 }) : new Response(file);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    asked,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** Runs the installer as `curl … | sh -s -- ARGS` does: sh reads it from its stdin. */
async function install(url: string, args: readonly string[] = [], { source = script, path = '' } = {}) {
  const child = Bun.spawn(['sh', '-s', '--', ...args], {
    cwd: folder,
    env: {
      PATH: path || `${join(folder, 'shims')}:${process.env.PATH}`,
      HOME: join(folder, 'home'),
      TMPDIR: folder,
      MCPSTEAD_DOWNLOAD_URL: url,
      no_proxy: '127.0.0.1',
    },
    stdin: source,
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { exitCode: await child.exited, stdout, stderr };
}

/** Everything below the test's folder except the programs that replace the system's. */
function leftovers(): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((path) => !path.startsWith('shims'))
    .toSorted();
}

describe('the installer selects the program for', () => {
  const machines: [string, () => void, string][] = [
    ['Apple silicon', () => machine('Darwin', 'arm64'), 'darwin-arm64'],
    ['a Mac with Intel', () => machine('Darwin', 'x86_64'), 'darwin-x64'],
    [
      'Apple silicon in a shell under Rosetta',
      () => machine('Darwin', 'x86_64', { translated: '1' }),
      'darwin-arm64',
    ],
    ['Linux with glibc on x64', () => machine('Linux', 'x86_64'), 'linux-x64'],
    ['Linux with glibc on arm64', () => machine('Linux', 'aarch64'), 'linux-arm64'],
    [
      'Linux with musl on x64',
      () => machine('Linux', 'x86_64', { ldd: 'musl libc (x86_64)' }),
      'linux-x64-musl',
    ],
    [
      'Linux with musl on arm64',
      () => machine('Linux', 'aarch64', { ldd: 'musl libc (aarch64)' }),
      'linux-arm64-musl',
    ],
  ];
  for (const [name, setUp, platform] of machines) {
    test(name, async () => {
      setUp();
      await using release = serveRelease([platform]);
      const { exitCode, stdout, stderr } = await install(release.url);
      const target = join(folder, 'home/.local/bin/mcpstead');
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toContain(`installed mcpstead 1.2.3 for ${platform} to ${target}`);
      expect(release.asked).toEqual([
        '/latest/download/SHA256SUMS',
        `/latest/download/mcpstead-${platform}.tar.gz`,
      ]);
      expect(leftovers()).toEqual(['home', 'home/.local', 'home/.local/bin', 'home/.local/bin/mcpstead']);
    });
  }

  test('no other platform, and says so', async () => {
    for (const [setUp, message] of [
      [() => machine('FreeBSD', 'amd64'), 'there is no program for FreeBSD-x64, only for darwin-arm64 '],
      [() => machine('Linux', 'aarch64', { bits: '32' }), 'there is no program for linux-arm64-32bit,'],
      [() => machine('MINGW64_NT-10.0', 'x86_64'), 'on Windows, use npm install -g @ahkohd/mcpstead'],
    ] as const) {
      setUp();
      const { exitCode, stderr } = await install('http://127.0.0.1:9');
      expect(exitCode).toBe(1);
      expect(stderr).toContain(message);
    }
    expect(leftovers()).toEqual(['home']);
  });
});

describe('the installer', () => {
  beforeEach(() => machine('Linux', 'x86_64'));

  test('accepts a version, with or without a v, and a folder', async () => {
    await using release = serveRelease(['linux-x64']);
    for (const version of ['1.2.3', 'v1.2.3']) {
      const { exitCode } = await install(release.url, ['--version', version, '--to', `opt/${version}`]);
      expect(exitCode).toBe(0);
      expect(existsSync(join(folder, 'opt', version, 'mcpstead'))).toBe(true);
    }
    expect(new Set(release.asked)).toEqual(
      new Set(['/download/v1.2.3/SHA256SUMS', '/download/v1.2.3/mcpstead-linux-x64.tar.gz']),
    );
  });

  test('prints a line for PATH only if it is needed', async () => {
    await using release = serveRelease(['linux-x64']);
    const bin = join(folder, 'bin');
    const line = `export PATH="${bin}:$PATH"`;
    expect((await install(release.url, ['--to', bin])).stdout).toContain(line);
    const path = `${bin}:${join(folder, 'shims')}:${process.env.PATH}`;
    const { stdout } = await install(release.url, ['--to', bin], { path });
    expect(stdout).not.toContain('PATH');
  });

  test('reports another mcpstead that comes first on PATH', async () => {
    await using release = serveRelease(['linux-x64']);
    shim('mcpstead', 'echo another');
    const path = `${join(folder, 'shims')}:${join(folder, 'bin')}:${process.env.PATH}`;
    const { stdout } = await install(release.url, ['--to', join(folder, 'bin')], { path });
    expect(stdout).toContain(`but ${join(folder, 'shims', 'mcpstead')} comes first on your PATH`);
  });

  test('installs nothing with a wrong checksum, and keeps the old program', async () => {
    await using good = serveRelease(['linux-x64']);
    await install(good.url);
    await using bad = serveRelease(['linux-x64'], { checksum: '0'.repeat(64) });
    const before = leftovers();
    const { exitCode, stderr } = await install(bad.url);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('mcpstead-linux-x64.tar.gz has the wrong checksum, nothing was installed');
    expect(leftovers()).toEqual(before);
    const installed = Bun.spawnSync([join(folder, 'home/.local/bin/mcpstead')]).stdout.toString();
    expect(installed).toBe('mcpstead 1.2.3 for linux-x64\n');
  });

  test('names the file that it could not download, and leaves nothing behind', async () => {
    await using release = serveRelease([]);
    const { exitCode, stderr } = await install(release.url, ['--version', '9.9.9']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      `mcpstead: cannot download ${release.url}/download/v9.9.9/mcpstead-linux-x64.tar.gz`,
    );
    expect(leftovers()).toEqual(['home']);
  });

  test('explains what musl needs when the program does not run', async () => {
    machine('Linux', 'x86_64', { ldd: 'musl libc (x86_64)' });
    const broken = new TextEncoder().encode('#!/bin/sh\necho "Error loading shared library" >&2; exit 127\n');
    const archive = tarGz([{ path: 'mcpstead-linux-x64-musl/mcpstead', content: broken, mode: 0o755 }], 0);
    const sums = `${createHash('sha256').update(archive).digest('hex')}  mcpstead-linux-x64-musl.tar.gz\n`;
    using server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: ({ url }) => new Response(url.endsWith('SHA256SUMS') ? sums : new Blob([archive])),
    });
    const { exitCode, stderr } = await install(`http://127.0.0.1:${server.port}`);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('Error loading shared library');
    expect(stderr).toContain('apk add libstdc++');
  });

  test('uninstalls what it installed', async () => {
    await using release = serveRelease(['linux-x64']);
    const bin = join(folder, 'bin');
    await install(release.url, ['--to', bin]);
    const { exitCode, stdout } = await install(release.url, ['--uninstall', '--to', bin]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `mcpstead: removed ${bin}/mcpstead\n` });
    expect(leftovers()).toEqual(['bin', 'home']);
    const again = await install(release.url, ['--uninstall', '--to', bin]);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain(`there is no ${bin}/mcpstead`);
  });

  test('rejects unknown arguments, and arguments without their value', async () => {
    const unknown = await install('http://127.0.0.1:9', ['--verison', '1']);
    expect(unknown.exitCode).toBe(1);
    expect(unknown.stderr).toContain('unknown argument --verison');
    const bare = await install('http://127.0.0.1:9', ['--to']);
    expect(bare.stderr).toBe('mcpstead: --to expects a value\n');
  });

  test('does nothing if its download was truncated', async () => {
    await using release = serveRelease(['linux-x64']);
    // Anywhere in the script, and at every line of its end.
    const ends = script.length - 1;
    const cuts = [...Array(40).keys()].map((part) => Math.floor((ends * part) / 40));
    for (let cut = ends - 40; cut < ends; cut += 1) cuts.push(cut);
    for (const cut of cuts) {
      const { stdout } = await install(release.url, [], { source: script.subarray(0, cut) });
      expect({ cut, stdout }).toEqual({ cut, stdout: '' });
    }
    expect(release.asked).toEqual([]);
    expect(leftovers()).toEqual(['home']);
    expect((await install(release.url, [], { source: script.subarray(0, ends) })).exitCode).toBe(0);
  });
});
