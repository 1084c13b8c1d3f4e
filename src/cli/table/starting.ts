import { statSync } from 'node:fs';
import { GatewayError } from '../../errors.ts';
import { absolutePath } from '../absolute-path.ts';
import { defineCommand } from '../command.ts';
import { configFlag, helpFlag, jsonFlag, yesFlag } from '../common-flags.ts';
import { configPath } from '../config-path.ts';

export const init = defineCommand({
  name: 'init',
  summary: 'Import your servers, install the service, connect your clients',
  group: 'Get started',
  details: [
    'It runs "import", "service install" and "connect --all --replace", and asks before each step. Each is also a command of its ' +
      'own. To undo them, run "disconnect" and "service uninstall", and delete the configuration.',
  ],
  flags: { config: configFlag, yes: yesFlag, help: helpFlag },
  examples: [{ line: 'mcpstead init', summary: 'Ask before each step' }],
  run: async ({ flags }) =>
    (await import('../commands/init.ts')).init({
      configPath: configPath(flags.config),
      isConfirmed: flags.yes,
    }),
});

export const demo = defineCommand({
  name: 'demo',
  summary: 'Serve an embedded example MCP server; needs no configuration',
  group: 'Get started',
  flags: {
    port: { type: 'string', value: 'N', default: '8766', summary: 'Port to listen on' },
    help: helpFlag,
  },
  run: async ({ flags }) => (await import('../commands/demo.ts')).demo(parsePort(flags.port)),
});

export const importCommand = defineCommand({
  name: 'import',
  summary: 'Import the servers of your MCP clients',
  group: 'Get started',
  details: [
    'It reads the files of MCP clients, shows the servers that it found, and asks before it adds them to the configuration. ' +
      'Secrets move to mcpstead.env beside it. It never writes the files of clients.',
  ],
  positionals: [
    { name: 'SOURCE', summary: 'A client such as cursor, a file, or - for stdin; by default all clients' },
  ],
  flags: {
    config: configFlag,
    project: { type: 'string', value: 'DIR', summary: 'Also import the servers of this project' },
    'dry-run': { type: 'boolean', summary: 'Write nothing' },
    yes: yesFlag,
    json: jsonFlag,
    help: helpFlag,
  },
  examples: [
    { line: 'mcpstead import', summary: 'Import from all clients' },
    { line: 'mcpstead import cursor --dry-run', summary: 'Show what would be imported from Cursor' },
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

/** Parses a TCP port; with 0 the system chooses one. */
function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65535) return port;
  throw new GatewayError('usage', `--port expects a number from 0 to 65535, found "${text}"`);
}

/** The absolute path of a folder. Throws `usage` if there is none. */
function projectFolder(path: string): string {
  const folder = absolutePath(path);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  throw new GatewayError('usage', `--project expects a folder, and ${path} is none`);
}
