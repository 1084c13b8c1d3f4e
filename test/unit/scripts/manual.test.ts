import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualPage } from '../../../scripts/manual.ts';
import { shellFiles } from '../../../scripts/package-files.ts';
import { sampleCommands, sampleRoot } from '../../support/sample-commands.ts';

const timeSeconds = Date.UTC(2026, 0, 2) / 1000;
const sample = manualPage({ root: sampleRoot, commands: sampleCommands, version: '1.2.3', timeSeconds });
const real = shellFiles().find(({ path }) => path === 'man/mcpstead.1')?.text as string;

/** The page as a reader sees it, without the lines' breaks. */
function rendered(): string {
  const done = Bun.spawnSync(['mandoc', '-T', 'utf8', '-O', 'width=1000'], { stdin: Buffer.from(sample) });
  // Overstrikes stand for bold letters.
  const letters = `${done.stdout}`
    .split('\b')
    .map((part, index, all) => (index < all.length - 1 ? part.slice(0, -1) : part));
  return letters.join('').replace(/\s+/g, ' ');
}

describe('the manual page', () => {
  test('names its version and its day', () => {
    expect(sample).toStartWith('.TH MCPSTEAD 1 "2026-01-02" "mcpstead 1.2.3" "User Commands"\n');
  });

  test('has no line that only looks like a request', () => {
    expect(sample).toContain('\n\\&.It begins with a sign that troff takes for a request.\n');
    expect(sample).toContain("\n\\&'So does this.\n");
  });

  test('leaves hidden options out', () => {
    expect(sample).not.toContain('secret');
  });

  describe.skipIf(Bun.which('mandoc') === null)('in mandoc', () => {
    test.each([
      ['of the program', real],
      ['of a program with odd signs', sample],
    ])('%s pleases the lint', (_, page) => {
      const folder = mkdtempSync(join(tmpdir(), 'mcpstead-manual-'));
      writeFileSync(join(folder, 'mcpstead.1'), page);
      const done = Bun.spawnSync(['mandoc', '-T', 'lint', 'mcpstead.1'], { cwd: folder });
      rmSync(folder, { recursive: true });
      expect(`${done.stdout}${done.stderr}`).toBe('');
    });

    test('shows options, choices and odd signs as they are', () => {
      expect(rendered()).toContain('-f, --frame KIND Frame it (gold, wood)');
      expect(rendered()).toContain("--label TEXT A label, such as 'mine' or \\it");
      expect(rendered()).toContain("Paint a picture: it's [quite] `simple`, costs $5 & 100%.");
    });
  });

  test.skipIf(Bun.which('groff') === null)('pleases groff', () => {
    const done = Bun.spawnSync(['groff', '-man', '-Tutf8', '-ww'], { stdin: Buffer.from(real) });
    expect([done.exitCode, `${done.stderr}`]).toEqual([0, '']);
  });
});
