import { renderUsage, runCommand } from 'citty';
import { GatewayError, messageOf } from '../errors.ts';
import { output } from '../observability/output.ts';
import { nodeTty } from '../runtime/node-modules.ts';
import { build } from '../version.ts';
import type { ExitCode } from './command-table.ts';
import { type Selection, selectCommand } from './selection.ts';

/**
 * Runs the program with the arguments `argv` (without the program's own name).
 * Resolves when it is done, to the code that the process shall exit with; it never rejects.
 */
export async function run(argv: readonly string[]): Promise<ExitCode> {
  try {
    const selection = selectCommand(argv);
    switch (selection.asksFor) {
      case 'help':
        console.log(await helpText(selection));
        return 0;
      case 'version':
        console.log(`mcpstead ${build.version} (commit ${build.gitSha}, Bun ${build.bunVersion})`);
        return 0;
      case 'run': {
        const { result } = await runCommand(selection.command, { rawArgs: selection.rawArgs });
        return result as ExitCode;
      }
    }
  } catch (error) {
    output.print(2, `mcpstead: ${describe(error)}\n`);
    return error instanceof GatewayError ? error.exitCode : 1;
  }
}

/**
 * citty colors its help wherever it goes to; here a pipe, a file and NO_COLOR get plain text. `process.stdout` is not
 * asked: it sets O_NONBLOCK, which others who print to the same place do not expect.
 */
async function helpText({ command, parent }: Selection): Promise<string> {
  const text = (await renderUsage(command, parent)).trimEnd();
  return nodeTty().isatty(1) && !process.env.NO_COLOR ? text : Bun.stripANSI(text);
}

function describe(error: unknown): string {
  if (!(error instanceof GatewayError)) return `internal error: ${messageOf(error)}`;
  return error.kind === 'usage' ? `${error.message}\nRun "mcpstead --help" for the options.` : error.message;
}
