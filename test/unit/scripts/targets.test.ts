import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { platformName } from '../../../npm/mcpstead/lib/platform.mjs';
import manifest from '../../../package.json' with { type: 'json' };
import { formula, parseChecksums } from '../../../scripts/formula.ts';
import { launcherManifest, platformManifest } from '../../../scripts/npm-packages.ts';
import { targetNamed, targets } from '../../../scripts/targets.ts';

const read = (path: string) => Bun.file(join(import.meta.dir, '../../..', path)).text();
const names = targets.map((target) => target.name);

describe('the table of platforms', () => {
  test('has all platforms', () => {
    expect(names).toEqual([
      'darwin-arm64',
      'darwin-x64',
      'linux-x64',
      'linux-arm64',
      'linux-x64-musl',
      'linux-arm64-musl',
      'windows-x64',
      'windows-arm64',
    ]);
  });

  test('derives files and packages from a platform', () => {
    expect(targetNamed('linux-arm64-musl')).toEqual({
      name: 'linux-arm64-musl',
      os: 'linux',
      cpu: 'arm64',
      libc: 'musl',
      executable: 'mcpstead',
      archive: 'mcpstead-linux-arm64-musl.tar.gz',
      npmPackage: '@ahkohd/mcpstead-linux-arm64-musl',
      bunPackage: '@oven/bun-linux-aarch64-musl',
    });
    expect(targetNamed('windows-x64')).toMatchObject({
      os: 'win32',
      libc: null,
      executable: 'mcpstead.exe',
      archive: 'mcpstead-windows-x64.zip',
      bunPackage: '@oven/bun-windows-x64',
    });
  });

  test('reports an unknown platform with the list of all', () => {
    expect(() => targetNamed('linux-mips')).toThrow(
      'no platform "linux-mips"; there are darwin-arm64, darwin-x64,',
    );
  });

  test('names Bun packages whose hashes are in bun.lock', async () => {
    const lock = await read('bun.lock');
    const version = manifest.devDependencies.bun;
    const missing = targets.filter(({ bunPackage }) => !lock.includes(`["${bunPackage}@${version}"`));
    expect(missing).toEqual([]);
  });
});

describe('the users of the table', () => {
  test('the launcher names every platform as the table does', () => {
    const called = targets.map(({ os, cpu, libc }) => platformName(os, cpu, () => libc === 'musl'));
    expect(called).toEqual(names);
  });

  test('the installer knows every platform except Windows, which has no sh', async () => {
    const [, listed] = /^platforms='(.*)'$/m.exec(await read('scripts/install.sh')) ?? [];
    expect(listed).toBe(names.filter((name) => !name.startsWith('windows')).join(' '));
  });

  test('the page of the scripts names every platform', async () => {
    const page = await read('scripts/README.md');
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  test('the launcher depends on every platform package in its own version', () => {
    const version = manifest.version;
    expect(launcherManifest().optionalDependencies).toEqual({
      '@ahkohd/mcpstead-darwin-arm64': version,
      '@ahkohd/mcpstead-darwin-x64': version,
      '@ahkohd/mcpstead-linux-x64': version,
      '@ahkohd/mcpstead-linux-arm64': version,
      '@ahkohd/mcpstead-linux-x64-musl': version,
      '@ahkohd/mcpstead-linux-arm64-musl': version,
      '@ahkohd/mcpstead-windows-x64': version,
      '@ahkohd/mcpstead-windows-arm64': version,
    });
  });

  test('no package has an install script', () => {
    const manifests = [launcherManifest(), ...targets.map(platformManifest)];
    expect(manifests.filter((each) => 'scripts' in each)).toEqual([]);
  });

  test('a platform package installs on that platform only', () => {
    const restrictions = targets.map((target) => {
      const { os, cpu, libc } = platformManifest(target);
      return [target.name, os, cpu, libc];
    });
    expect(restrictions).toEqual([
      ['darwin-arm64', ['darwin'], ['arm64'], undefined],
      ['darwin-x64', ['darwin'], ['x64'], undefined],
      ['linux-x64', ['linux'], ['x64'], ['glibc']],
      ['linux-arm64', ['linux'], ['arm64'], ['glibc']],
      ['linux-x64-musl', ['linux'], ['x64'], ['musl']],
      ['linux-arm64-musl', ['linux'], ['arm64'], ['musl']],
      ['windows-x64', ['win32'], ['x64'], undefined],
      ['windows-arm64', ['win32'], ['arm64'], undefined],
    ]);
  });
});

describe('the Homebrew formula', () => {
  const hashOf = (index: number) => String(index).repeat(64);
  const sums = targets.map((target, index) => `${hashOf(index)}  ${target.archive}\n`).join('');

  test('has URL and checksum of each platform that Homebrew runs on', () => {
    const text = formula(parseChecksums(sums));
    const base = `https://github.com/ahkohd/mcpstead/releases/download/v${manifest.version}`;
    expect([...text.matchAll(/url "(.*)"\n\s+sha256 "(.*)"/g)].map(([, url, hash]) => [url, hash])).toEqual([
      [`${base}/mcpstead-darwin-arm64.tar.gz`, hashOf(0)],
      [`${base}/mcpstead-darwin-x64.tar.gz`, hashOf(1)],
      [`${base}/mcpstead-linux-arm64.tar.gz`, hashOf(3)],
      [`${base}/mcpstead-linux-x64.tar.gz`, hashOf(2)],
    ]);
    expect(text).toContain(`version "${manifest.version}"`);
  });

  test('cannot be generated without a checksum', () => {
    const without = sums.replace(/.*mcpstead-darwin-x64.*\n/, '');
    expect(() => formula(parseChecksums(without))).toThrow(
      'SHA256SUMS has no line for mcpstead-darwin-x64.tar.gz',
    );
  });

  test('keeps the lengths that "brew style" and "brew audit" require', () => {
    const text = formula(parseChecksums(sums));
    expect(text.split('\n').filter((line) => line.length > 118 && !/^\s*(url|sha256) /.test(line))).toEqual(
      [],
    );
    const [, desc = ''] = /desc "(.*)"/.exec(text) ?? [];
    expect(`mcpstead: ${desc}`.length).toBeLessThanOrEqual(80);
    expect(desc).toMatch(/^[A-Z].*[^.]$/);
  });
});
