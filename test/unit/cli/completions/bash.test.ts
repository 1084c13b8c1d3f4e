import { describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bashCompletions } from '../../../../src/cli/completions/bash.ts';
import { completedProgram } from '../../../../src/cli/completions/words.ts';
import { sampleCommands, sampleRoot } from '../../../support/sample-commands.ts';

const script = bashCompletions(completedProgram(sampleRoot, sampleCommands));

/** What bash offers for the last of `words`, which it has split as on its command line, in a folder with two files. */
function completions(...words: string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-bash-'));
  try {
    writeFileSync(join(folder, 'a file.yaml'), '');
    mkdirSync(join(folder, 'a folder'));
    const use = `${script}
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_mcpstead
[ \${#COMPREPLY[@]} = 0 ] || printf '%s\\n' "\${COMPREPLY[@]}"`;
    const done = Bun.spawnSync(['bash', '--norc', '-c', use, 'bash', ...words], { cwd: folder });
    expect(`${done.stderr}`).toBe('');
    return `${done.stdout}`.split('\n').filter((line) => line !== '');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(Bun.which('bash') === null)('bash', () => {
  test('reads the script without a fault', () => {
    const done = Bun.spawnSync(['bash', '-n'], { stdin: Buffer.from(script) });
    expect([done.exitCode, `${done.stderr}`]).toEqual([0, '']);
  });

  test('completes commands and their aliases', () => {
    expect(completions('mcpstead', '')).toEqual(['paint', 'draw', 'wash', 'lend']);
    expect(completions('mcpstead', 'p')).toEqual(['paint']);
    expect(completions('mcpstead', '-c', 'x', 'w')).toEqual(['wash']);
    expect(completions('mcpstead', '--config', '=', 'x', 'w')).toEqual(['wash']);
  });

  test('completes the options of a command, but no hidden ones', () => {
    expect(completions('mcpstead', '--')).toEqual(['--config', '--help']);
    expect(completions('mcpstead', 'draw', '--')).toEqual(['--frame', '--into', '--label', '--help']);
    expect(completions('mcpstead', 'paint', 'red', '--fr')).toEqual(['--frame']);
  });

  test('completes the values of an option, however it is written', () => {
    expect(completions('mcpstead', 'paint', '--frame', '')).toEqual(['gold', 'wood']);
    expect(completions('mcpstead', 'paint', '-f', 'w')).toEqual(['wood']);
    expect(completions('mcpstead', 'paint', '--frame', '=')).toEqual(['gold', 'wood']);
    expect(completions('mcpstead', 'paint', '--frame', '=', 'g')).toEqual(['gold']);
    expect(completions('mcpstead', 'paint', '--label', '')).toEqual([]);
  });

  test('completes files and folders, also with spaces', () => {
    expect(completions('mcpstead', '--config', 'a').toSorted()).toEqual(['a file.yaml', 'a folder']);
    expect(completions('mcpstead', 'paint', '--into', 'a')).toEqual(['a folder']);
  });

  test('completes the words of a command by their places', () => {
    expect(completions('mcpstead', 'paint', '')).toEqual(['red', 'green', 'blue']);
    expect(completions('mcpstead', 'paint', '--frame', 'gold', 'g')).toEqual(['green']);
    expect(completions('mcpstead', 'draw', 'red', 'a').toSorted()).toEqual(['a file.yaml', 'a folder']);
    expect(completions('mcpstead', 'paint', 'red', 'x', '')).toEqual([]);
    expect(completions('mcpstead', 'wash', 'thin', 'thi')).toEqual(['thin', 'thick']);
  });

  test('completes files after --, where another command begins', () => {
    expect(completions('mcpstead', 'lend', 'ada', '--', 'a').toSorted()).toEqual(['a file.yaml', 'a folder']);
  });
});
