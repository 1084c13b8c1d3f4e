import { renderUsage, runCommand } from 'citty';
import { GatewayError, messageOf } from '../errors.ts';
import { output } from '../observability/output.ts';
import { nodeTty } from '../runtime/node-modules.ts';
import { build } from '../version.ts';
import type { ExitCode } from './exit-code.ts';
import { type Selection, selectCommand } from './selection.ts';

/** Runs the program with the arguments `argv`, without the program's name. Resolves to the exit code; never rejects. */
export async function run(argv: readonly string[]): Promise<ExitCode> {
  try {
    const selection = selectCommand(argv);
    switch (selection.action) {
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
 * The help, in color on a terminal only; citty always colors it. Touching `process.stdout` would set O_NONBLOCK for every
 * process that shares the file.
 */
async function helpText({ command, parent }: Selection): Promise<string> {
  const text = (await renderUsage(command, parent)).trimEnd();
  return nodeTty().isatty(1) && !process.env.NO_COLOR ? text : Bun.stripANSI(text);
}

function describe(error: unknown): string {
  if (!(error instanceof GatewayError)) return `internal error: ${messageOf(error)}`;
  return error.kind === 'usage' ? `${error.message}\nRun "mcpstead --help" for the options.` : error.message;
}
