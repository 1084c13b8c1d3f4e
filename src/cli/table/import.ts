import { statSync } from 'node:fs';
import { GatewayError } from '../../errors.ts';
import { defineCommand } from '../command.ts';
import { configFlag, helpFlag, jsonFlag, yesFlag } from '../common-flags.ts';
import { configPath } from '../config-path.ts';

/** The absolute path of a folder. Throws `usage` if there is none. */
function projectFolder(path: string): string {
  const folder = Bun.fileURLToPath(Bun.pathToFileURL(path));
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  throw new GatewayError('usage', `--project expects a folder, and ${path} is none`);
}

export const importCommand = defineCommand({
  name: 'import',
  summary: 'Take over the servers of your MCP clients',
  group: 'Get started',
  details: [
    'Reads the files of MCP clients, shows what was found, and asks before it adds the servers to the configuration. Secrets go ' +
      'into mcpstead.env beside it. The files of the clients stay as they are.',
  ],
  positionals: [
    { name: 'SOURCE', summary: 'A client such as cursor, a file, or - for stdin; by default all clients' },
  ],
  flags: {
    config: configFlag,
    project: { type: 'string', value: 'DIR', summary: 'Take the servers of this project, too' },
    'dry-run': { type: 'boolean', summary: 'Write nothing' },
    yes: yesFlag,
    json: jsonFlag,
    help: helpFlag,
  },
  examples: [
    { line: 'mcpstead import', summary: 'Take over the servers of all clients' },
    { line: 'mcpstead import cursor --dry-run', summary: 'Show what would be taken from Cursor' },
  ],
  run: async ({ flags, words: [source] }) =>
    (await import('../commands/import.ts')).importServers({
      source,
      configPath: configPath(flags.config),
      project: flags.project === undefined ? null : projectFolder(flags.project),
      isDryRun: flags['dry-run'],
      isConfirmed: flags.yes,
      isJson: flags.json,
      isStep: false,
    }),
});
