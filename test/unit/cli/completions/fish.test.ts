import { describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fishCompletions } from '../../../../src/cli/completions/fish.ts';
import { completedProgram } from '../../../../src/cli/completions/words.ts';
import { sampleCommands, sampleRoot } from '../../../support/sample-commands.ts';

const script = fishCompletions(completedProgram(sampleRoot, sampleCommands));
const fish = Bun.which('fish');

/** What fish offers at the end of `line`, with the explanations. */
function completions(line: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-fish-'));
  try {
    writeFileSync(join(folder, 'a.yaml'), '');
    writeFileSync(join(folder, 'script.fish'), script);
    // A fish that is unpacked somewhere does not find its own functions.
    const functions = join(dirname(fish as string), '../share/fish/functions');
    const own = existsSync(functions) ? `set fish_function_path '${functions}';` : '';
    const use = `${own} source script.fish; complete -C '${line}'`;
    const env = { ...process.env, HOME: folder };
    const done = Bun.spawnSync([fish as string, '--no-config', '-c', use], { cwd: folder, env });
    expect(`${done.stderr}`).toBe('');
    return `${done.stdout}`.split('\n').filter((found) => found !== '');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const names = (line: string) => completions(line).map((found) => found.split('\t')[0]);

describe.skipIf(fish === null)('fish', () => {
  test('completes commands and their aliases, with what they do', () => {
    const summary = "Paint a picture: it's [quite] `simple`, costs $5 & 100%";
    expect(completions('mcpstead ')).toEqual([
      `draw\t${summary}`,
      'lend\tLend something',
      `paint\t${summary}`,
      'wash\tWash brushes',
    ]);
    expect(names('mcpstead -c x w')).toEqual(['wash']);
  });

  test('completes the options of a command, but no hidden ones', () => {
    expect(names('mcpstead --')).toEqual(['--config', '--help']);
    expect(names('mcpstead draw --')).toEqual(['--frame', '--help', '--into', '--label']);
    expect(completions('mcpstead paint --lab')).toEqual(["--label\tA label, such as 'mine' or \\it"]);
  });

  test('completes the values of an option, and files', () => {
    expect(names('mcpstead paint --frame ')).toEqual(['gold', 'wood']);
    expect(names('mcpstead paint --frame=w')).toEqual(['--frame=wood']);
    expect(names('mcpstead --config a')).toEqual(['a.yaml']);
  });

  test('completes the words of a command by their places', () => {
    expect(names('mcpstead paint ')).toEqual(['blue', 'green', 'red']);
    expect(names('mcpstead paint red a')).toEqual(['a.yaml']);
    expect(names('mcpstead wash thin thi')).toEqual(['thick', 'thin']);
  });

  test('completes files after --, where another command begins', () => {
    expect(names('mcpstead lend ada -- a')).toEqual(['a.yaml']);
  });
});
