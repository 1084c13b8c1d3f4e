import { describe, expect, test } from 'bun:test';
import { findProgram, LauncherError, startFailure } from '../../../npm/mcpstead/lib/find.mjs';
import { launcherManifest } from '../../../scripts/npm-packages.ts';
import { targetNamed } from '../../../scripts/targets.ts';

const manifest = launcherManifest();

/** Looks for the program on `platform` with the packages for the platforms `installed`. */
function find(platform: string, installed: readonly string[]): string {
  const packages = installed.map(targetNamed);
  return findProgram({
    platform,
    manifest,
    resolve(specifier) {
      const here = packages.some(
        ({ npmPackage, executable }) =>
          specifier === `${npmPackage}/package.json` || specifier === `${npmPackage}/bin/${executable}`,
      );
      return here ? `/node_modules/${specifier}` : null;
    },
  });
}

function diagnosis(platform: string, installed: readonly string[]): string {
  try {
    find(platform, installed);
  } catch (error) {
    expect(error).toBeInstanceOf(LauncherError);
    return (error as Error).message;
  }
  throw new Error('it found a program');
}

describe('the launcher finds the program', () => {
  test('in the package for this platform', () => {
    expect(find('linux-x64', ['linux-x64'])).toBe('/node_modules/@ahkohd/mcpstead-linux-x64/bin/mcpstead');
    expect(find('windows-arm64', ['windows-arm64'])).toBe(
      '/node_modules/@ahkohd/mcpstead-windows-arm64/bin/mcpstead.exe',
    );
  });

  test('even if a package manager without support for libc installed both', () => {
    const both = ['linux-x64', 'linux-x64-musl'];
    expect(find('linux-x64', both)).toBe('/node_modules/@ahkohd/mcpstead-linux-x64/bin/mcpstead');
    expect(find('linux-x64-musl', both)).toBe('/node_modules/@ahkohd/mcpstead-linux-x64-musl/bin/mcpstead');
  });
});

describe('the launcher says why the program is missing', () => {
  test('optional dependencies were omitted', () => {
    const message = diagnosis('linux-x64', []);
    expect(message).toStartWith(
      'the package @ahkohd/mcpstead-linux-x64, which carries the program, is not installed.\n' +
        'It is an optional dependency, and optional dependencies were left out: by --omit=optional',
    );
  });

  test('node_modules comes from another platform', () => {
    const message = diagnosis('linux-x64', ['darwin-arm64']);
    expect(message).toStartWith('node_modules holds the program for darwin-arm64, but this is linux-x64.\n');
    expect(message).toContain('.dockerignore');
  });

  test('node_modules comes from a system with the other C library', () => {
    const message = diagnosis('linux-arm64-musl', ['linux-arm64']);
    expect(message).toStartWith(
      'node_modules holds the program for linux-arm64, but this is linux-arm64-musl.\n',
    );
    expect(message).toContain('musl (Alpine)');
  });

  test('one Node is for Apple silicon, the other runs under Rosetta', () => {
    for (const [platform, installed] of [
      ['darwin-x64', 'darwin-arm64'],
      ['darwin-arm64', 'darwin-x64'],
    ] as const) {
      const message = diagnosis(platform, [installed]);
      expect(message).toStartWith(
        `node_modules holds the program for ${installed}, but this is ${platform}.\n`,
      );
      expect(message).toContain('Rosetta');
    }
  });

  test('there is no program for the platform', () => {
    expect(diagnosis('freebsd-x64', [])).toStartWith(
      'there is no program for freebsd-x64, only for darwin-arm64, darwin-x64, linux-x64,',
    );
    expect(diagnosis('linux-riscv64', [])).toContain('set MCPSTEAD_BINARY to its path');
  });

  test('together with a remedy', () => {
    const message = diagnosis('linux-x64', []);
    const version = manifest.version;
    expect(message).toContain(`npm install @ahkohd/mcpstead@${version} --include=optional`);
    expect(message).toContain(`npm install @ahkohd/mcpstead-linux-x64@${version}\n`);
    expect(message).toContain(`releases/tag/v${version}) and set MCPSTEAD_BINARY to its path`);
  });
});

test('a program that does not start is explained', () => {
  const failure = (code: string) => Object.assign(new Error(`spawn ${code}`), { code });
  expect(startFailure('/x/mcpstead', failure('ENOENT'), true)).toContain('built for another C library');
  expect(startFailure('/x/mcpstead', failure('ENOENT'), false)).toBe(
    'cannot start /x/mcpstead: there is no such file',
  );
  expect(startFailure('/x/mcpstead', failure('EACCES'), true)).toContain('chmod +x /x/mcpstead');
  expect(startFailure('/x/mcpstead', failure('EBADARCH'), true)).toBe(
    'cannot start /x/mcpstead: spawn EBADARCH',
  );
});
