import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commit, run } from '../../../scripts/checkout.ts';

const madeSeconds = Date.UTC(2026, 0, 2, 12, 34, 56) / 1000;
let folder: string;
let shaVariable: string | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-checkout-'));
  shaVariable = process.env.MCPSTEAD_GIT_SHA;
  delete process.env.MCPSTEAD_GIT_SHA;
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  if (shaVariable === undefined) delete process.env.MCPSTEAD_GIT_SHA;
  else process.env.MCPSTEAD_GIT_SHA = shaVariable;
});

const git = (...args: string[]) =>
  run(['git', '-c', 'user.name=a', '-c', 'user.email=a@b.example', '-c', 'commit.gpgsign=false', ...args], {
    cwd: folder,
  });

function commitFile(path: string): string {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), '{}');
  utimesSync(join(folder, path), madeSeconds, madeSeconds);
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message', 'first');
  return git('rev-parse', 'HEAD');
}

describe('the commit of a checkout', () => {
  test('comes from git', () => {
    const sha = commitFile('package.json');
    expect(commit(folder)).toMatchObject({ sha, isChanged: false });
  });

  test('is marked as changed if a source has uncommitted changes', () => {
    commitFile('package.json');
    writeFileSync(join(folder, 'package.json'), '{"version":"1.2.3"}');
    expect(commit(folder).isChanged).toBe(true);
  });
});

describe('the commit of a folder without .git', () => {
  test('is unknown, and its time is that of package.json', () => {
    writeFileSync(join(folder, 'package.json'), '{}');
    utimesSync(join(folder, 'package.json'), madeSeconds, madeSeconds);
    expect(commit(folder)).toEqual({ sha: 'unknown', timeSeconds: madeSeconds, isChanged: false });
  });

  test('is not that of an enclosing repository', () => {
    commitFile('inner/package.json');
    const inner = join(folder, 'inner');
    expect(commit(inner)).toEqual({ sha: 'unknown', timeSeconds: madeSeconds, isChanged: false });
  });

  test('comes from MCPSTEAD_GIT_SHA', () => {
    writeFileSync(join(folder, 'package.json'), '{}');
    process.env.MCPSTEAD_GIT_SHA = '0123456789abcdef';
    expect(commit(folder).sha).toBe('0123456789abcdef');
  });
});

test('a .git that git cannot read makes the commit unknown instead of failing the build', () => {
  writeFileSync(join(folder, 'package.json'), '{}');
  writeFileSync(join(folder, '.git'), 'gitdir: /nowhere\n');
  expect(commit(folder).sha).toBe('unknown');
});
