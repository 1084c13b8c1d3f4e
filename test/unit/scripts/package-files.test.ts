import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import manifest from '../../../package.json' with { type: 'json' };
import { releaseArchive } from '../../../scripts/archive.ts';
import { root, run } from '../../../scripts/checkout.ts';
import { launcherManifest, platformManifest, writeNpmPackages } from '../../../scripts/npm-packages.ts';
import { packageFiles } from '../../../scripts/package-files.ts';
import { targetNamed } from '../../../scripts/targets.ts';
import { commands } from '../../../src/cli/command-table.ts';

const timeSeconds = Date.UTC(2026, 0, 2, 12, 34, 56) / 1000;
const target = targetNamed('linux-x64');
let folder: string;
/** Each kind of package, unpacked. */
const unpacked: Record<string, string> = {};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-packages-'));
  const program = new TextEncoder().encode('#!/bin/sh\n');
  writeFileSync(join(folder, 'a.tar.gz'), releaseArchive(target, program, await packageFiles(), timeSeconds));
  run(['tar', '-xzf', 'a.tar.gz'], { cwd: folder });
  unpacked.archive = join(folder, 'mcpstead-linux-x64');

  await writeNpmPackages(join(folder, 'npm'), []);
  const packed = join(folder, 'npm/mcpstead');
  // Only the files that its manifest includes.
  run([process.execPath, 'pm', 'pack', '--quiet', '--destination', folder], { cwd: packed });
  const name = readdirSync(folder).find((each) => each.endsWith('.tgz')) as string;
  run(['tar', '-xzf', name], { cwd: folder });
  unpacked.npm = join(folder, 'package');
});
afterAll(() => rmSync(folder, { recursive: true }));

function pagesIn(place: string): string[] {
  return readdirSync(place, { recursive: true })
    .map(String)
    .filter((path) => path.endsWith('.md'));
}

/** The targets of all links in pages below `place`, with their pages. */
function linksIn(place: string): { page: string; target: string }[] {
  return pagesIn(place).flatMap((page) =>
    [...readFileSync(join(place, page), 'utf8').matchAll(/\]\(([^)#\s]+)/g)].map(([, target]) => ({
      page,
      target: target as string,
    })),
  );
}

describe.each(['archive', 'npm'])('the %s package', (kind) => {
  test('contains every file that its pages link to', () => {
    const place = unpacked[kind] as string;
    const relative = linksIn(place).filter((link) => !/^[a-z]+:/.test(link.target));
    expect(relative.map((link) => link.target)).toContain('docs/configuration.md');
    const broken = relative.filter(({ page, target }) => !existsSync(join(place, dirname(page), target)));
    expect(broken).toEqual([]);
  });

  test('links to files of the repository at the tag of its version', () => {
    const repository = `https://github.com/ahkohd/mcpstead`;
    const links = linksIn(unpacked[kind] as string).map((link) => link.target);
    expect(links).toContain(`${repository}/blob/v${manifest.version}/CONTRIBUTING.md`);
    const outside = links.flatMap((link) => /\/(blob|tree)\/v[^/]+\/(.*)$/.exec(link) ?? []);
    for (let at = 0; at < outside.length; at += 3) {
      const [, type, path] = outside.slice(at, at + 3) as [string, string, string];
      expect([path, statSync(join(root, path)).isDirectory() ? 'tree' : 'blob']).toEqual([path, type]);
    }
  });

  test('contains the manual page and the completions of all shells, with all commands', () => {
    const read = (path: string) => readFileSync(join(unpacked[kind] as string, path), 'utf8');
    expect(read('man/mcpstead.1')).toMatch(
      /^\.TH MCPSTEAD 1 "\d{4}-\d\d-\d\d" "mcpstead \d+\.\d+\.\d+" "User Commands"\n/,
    );
    const pages = [
      'man/mcpstead.1',
      ...['_mcpstead', 'mcpstead.bash', 'mcpstead.fish', 'mcpstead.ps1'].map((name) => `completions/${name}`),
    ];
    for (const page of pages) {
      expect(commands.filter(({ name }) => !read(page).includes(name))).toEqual([]);
    }
  });

  test('contains the licenses and the schema for editors', () => {
    const read = (path: string) => readFileSync(join(unpacked[kind] as string, path), 'utf8');
    expect(read('LICENSE')).toStartWith('MIT License');
    expect(read('THIRD-PARTY-NOTICES')).toContain('\n## zod ');
    expect(JSON.parse(read('docs/config.schema.json')).title).toBe('mcpstead configuration');
  });
});

test('only the program of an archive is executable', () => {
  const modes = readdirSync(unpacked.archive as string, { recursive: true })
    .map(String)
    .map((path) => [path, statSync(join(unpacked.archive as string, path))] as const)
    .filter(([, status]) => status.isFile() && (status.mode & 0o111) !== 0);
  expect(modes.map(([path]) => path)).toEqual(['mcpstead']);
});

test('every npm package contains the licenses', () => {
  for (const { files } of [launcherManifest(), platformManifest(target)]) {
    expect(files).toContain('THIRD-PARTY-NOTICES');
  }
});
