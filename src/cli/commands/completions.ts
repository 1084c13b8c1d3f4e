import { output } from '../../observability/output.ts';
import type { Command } from '../command.ts';
import { bashCompletions } from '../completions/bash.ts';
import { fishCompletions } from '../completions/fish.ts';
import { powershellCompletions } from '../completions/powershell.ts';
import { type CompletedProgram, completedProgram } from '../completions/words.ts';
import { zshCompletions } from '../completions/zsh.ts';
import type { ExitCode } from '../exit-code.ts';

const scripts: Readonly<Record<string, (program: CompletedProgram) => string>> = {
  bash: bashCompletions,
  zsh: zshCompletions,
  fish: fishCompletions,
  powershell: powershellCompletions,
};

/** The script that makes `shell` complete the commands of the program. @param shell one of those of the command table */
export function completionScript(shell: string, root: Command, commands: readonly Command[]): string {
  const script = scripts[shell];
  if (script === undefined) throw new Error(`no completions for ${shell}`);
  return script(completedProgram(root, commands));
}

/** Prints that script. */
export async function completions(
  shell: string,
  root: Command,
  commands: readonly Command[],
): Promise<ExitCode> {
  output.print(1, completionScript(shell, root, commands));
  return 0;
}
