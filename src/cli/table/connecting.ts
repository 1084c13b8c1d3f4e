import { clientIds } from '../../clients/client-ids.ts';
import { defineCommand, type Positional } from '../command.ts';
import { configFlag, helpFlag, jsonFlag, yesFlag } from '../common-flags.ts';

const clients: Positional = {
  name: 'CLIENT',
  summary: 'The clients, such as cursor and claude-code; "mcpstead connect --list" shows all',
  isRepeated: true,
  choices: clientIds,
};

export const connect = defineCommand({
  name: 'connect',
  summary: 'Add the gateway to the configuration of MCP clients',
  group: 'Clients',
  details: [
    'It shows the entries before it writes them, changes nothing else, and keeps a backup. "mcpstead disconnect" undoes it.',
    'With --replace, each server that the gateway also has leads to the gateway under its old name, so that tool names and permission rules stay valid.',
  ],
  positionals: [clients],
  forms: ['connect CLIENT…', 'connect --all', 'connect --list'],
  flags: {
    all: { type: 'boolean', summary: 'All clients that are installed' },
    list: { type: 'boolean', summary: 'Show which clients are installed and connected' },
    replace: { type: 'boolean', summary: 'Replace the servers that the gateway also has' },
    name: { type: 'string', value: 'NAME', default: 'mcpstead', summary: 'Name of the new entry' },
    server: { type: 'string', value: 'NAME', summary: 'Connect to this server only' },
    profile: { type: 'string', value: 'NAME', summary: 'Connect to the servers of this profile only' },
    'dry-run': { type: 'boolean', summary: 'Only show what would be written' },
    yes: yesFlag,
    json: jsonFlag,
    config: configFlag,
    help: helpFlag,
  },
  examples: [
    { line: 'mcpstead connect cursor', summary: 'Add the gateway to Cursor' },
    { line: 'mcpstead connect --all --replace', summary: 'Let all clients share the servers of the gateway' },
  ],
  run: async (args) => (await import('../commands/connect.ts')).connect(args),
});

export const disconnect = defineCommand({
  name: 'disconnect',
  summary: 'Remove the gateway from the configuration of MCP clients',
  group: 'Clients',
  details: [
    'It restores the entries that "mcpstead connect --replace" has replaced, and keeps other changes that were made since. Without any, the file is restored to the byte.',
  ],
  positionals: [clients],
  forms: ['disconnect CLIENT…', 'disconnect --all'],
  flags: {
    all: { type: 'boolean', summary: 'All clients that are connected' },
    restore: {
      type: 'boolean',
      summary: 'Restore the whole file from the backup; refused if it has changed since',
    },
    'dry-run': { type: 'boolean', summary: 'Only show what would be changed' },
    yes: yesFlag,
    json: jsonFlag,
    config: configFlag,
    help: helpFlag,
  },
  examples: [{ line: 'mcpstead disconnect cursor', summary: 'Undo "mcpstead connect cursor"' }],
  run: async (args) => (await import('../commands/disconnect.ts')).disconnect(args),
});

export const stdio = defineCommand({
  name: 'stdio',
  summary: 'Connect a client that supports only servers on stdio',
  group: 'Clients',
  details: [
    'Clients start this command. It forwards messages between stdio and the running gateway; if none is running, it starts one that ends 30 seconds after the last client. In bearer mode, the token comes from MCPSTEAD_BEARER_TOKEN or mcpstead.env.',
  ],
  flags: {
    profile: { type: 'string', value: 'NAME', summary: 'Show the servers of this profile only' },
    server: {
      type: 'string',
      value: 'NAME',
      summary: 'Show this server only, its tools under their own names',
    },
    url: { type: 'string', value: 'URL', summary: 'URL of a gateway on another machine' },
    config: configFlag,
    help: helpFlag,
  },
  examples: [
    { line: 'mcpstead stdio', summary: 'What Claude Desktop runs' },
    { line: 'mcpstead stdio --server github', summary: 'One server, as if the client had started it' },
  ],
  run: async ({ flags }) => (await import('../commands/stdio.ts')).stdio(flags),
});
