import { expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { platformName } from '../../npm/mcpstead/lib/platform.mjs';
import { root, run } from '../../scripts/checkout.ts';
import { targetNamed } from '../../scripts/targets.ts';

const { name, executable } = targetNamed(platformName());

test('a source archive, which has no .git, builds the program and its notices', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-source-'));
  try {
    const source = join(folder, 'source');
    mkdirSync(source);
    run(['git', 'archive', '--format=tar', `--output=${folder}/source.tar`, 'HEAD']);
    run(['tar', '-xf', '../source.tar'], { cwd: source });
    // scripts/dev.mjs would install these first.
    symlinkSync(join(root, 'node_modules'), join(source, 'node_modules'));
    run([process.execPath, 'scripts/build.ts'], { cwd: source, env: { MCPSTEAD_GIT_SHA: undefined } });

    const program = join(source, 'dist/bin', name, executable);
    expect(run([program, '--version'])).toContain('(commit unknown, Bun ');
    expect(readFileSync(join(source, 'dist/THIRD-PARTY-NOTICES'), 'utf8')).toContain('\n## zod ');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
