import { GatewayError, messageOf } from '../errors.ts';
import { output } from '../observability/output.ts';
import { nodeTty } from '../runtime/node-modules.ts';
import { build } from '../version.ts';
import type { ExitCode } from './exit-code.ts';
import { selectCommand } from './selection.ts';

/** Runs the program with the arguments `argv`, without the program's name. Resolves to the exit code; never rejects. */
export async function run(argv: readonly string[]): Promise<ExitCode> {
  try {
    const { command, action, args } = selectCommand(argv);
    switch (action) {
      case 'help': {
        const { helpText } = await import('./help.ts');
        // Touching `process.stdout` would set O_NONBLOCK for every process that shares the file.
        const isColored = nodeTty().isatty(1) && !process.env.NO_COLOR;
        output.print(1, `${helpText(command, isColored)}\n`);
        return 0;
      }
      case 'version':
        output.print(1, `mcpstead ${build.version} (commit ${build.gitSha}, Bun ${build.bunVersion})\n`);
        return 0;
      case 'run':
        return await command.run(args);
    }
  } catch (error) {
    output.print(2, `mcpstead: ${describe(error)}\n`);
    return error instanceof GatewayError ? error.exitCode : 1;
  }
}

function describe(error: unknown): string {
  if (!(error instanceof GatewayError)) return `internal error: ${messageOf(error)}`;
  return error.kind === 'usage' ? `${error.message}\nRun "mcpstead --help" for the options.` : error.message;
}
