import { describe, expect, test } from 'bun:test';
import { powershellCompletions } from '../../../../src/cli/completions/powershell.ts';
import { completedProgram } from '../../../../src/cli/completions/words.ts';
import { sampleCommands, sampleRoot } from '../../../support/sample-commands.ts';

const script = powershellCompletions(completedProgram(sampleRoot, sampleCommands));

describe('the script for PowerShell', () => {
  test('has all commands under all names, with their options and words', () => {
    for (const line of [
      "    ,@('paint', 'Paint a picture: it''s [quite] `simple`, costs $5 & 100%')",
      "    'draw' = @{",
      "        ,@(@('--frame', '-f'), 'Frame it', $true, @('gold', 'wood'))",
      "        ,@(@('--label'), 'A label, such as ''mine'' or \\it', $true, @())",
      "      Words = @(,@('red', 'green', 'blue'); ,@())",
    ]) {
      expect(script.split('\n')).toContain(line);
    }
    expect(script).not.toContain('--secret');
  });

  test.skipIf(Bun.which('pwsh') === null)('is used by PowerShell', () => {
    const ask = (line: string) =>
      `(TabExpansion2 '${line}' ${line.length}).CompletionMatches.CompletionText -join ' '`;
    const lines = ['mcpstead ', 'mcpstead draw --', 'mcpstead paint --frame ', 'mcpstead paint '];
    const use = `${script}\n${lines.map(ask).join('\n')}`;
    const done = Bun.spawnSync(['pwsh', '-NoProfile', '-NonInteractive', '-Command', use]);
    expect(`${done.stdout}`.trim().split(/\r?\n/)).toEqual([
      'paint draw wash lend',
      '--frame --into --label --help',
      'gold wood',
      'red green blue',
    ]);
  });
});
