import { type Command, defineCommand } from './command.ts';
import { helpFlag } from './common-flags.ts';
import { connect, disconnect, stdio } from './table/connecting.ts';
import { add, disable, enable, remove } from './table/editing.ts';
import { call, doctor, logs, status, tools } from './table/inspecting.ts';
import { completionsOf, service } from './table/installing.ts';
import { check, serve } from './table/serving.ts';
import { demo, importCommand, init } from './table/starting.ts';

// Commands import their code when they run, so that --help and --version answer at once.

/** All commands, in the order of the help. */
export const commands: readonly Command[] = [
  init,
  demo,
  importCommand,
  serve,
  check,
  add,
  remove,
  enable,
  disable,
  connect,
  disconnect,
  stdio,
  status,
  tools,
  call,
  doctor,
  logs,
  service,
  completionsOf(() => ({ root, commands })),
];

/** The program without a command, which serves. */
export const root: Command = defineCommand({
  name: 'mcpstead',
  summary: 'One /mcp endpoint in front of all your MCP servers',
  group: 'Serve',
  flags: {
    ...serve.flags,
    help: helpFlag,
    version: { type: 'boolean', summary: 'Show the version, the commit and the version of Bun' },
  },
  examples: [
    { line: 'mcpstead init', summary: 'From the servers of your MCP clients to the gateway' },
    { line: 'mcpstead demo', summary: 'Try it without a configuration' },
    { line: 'mcpstead check --connect', summary: 'Try every configured server' },
  ],
  run: (args) => serve.run(args),
});

/** The command with this name or alias; undefined: there is none. */
export function commandNamed(name: string): Command | undefined {
  return commands.find((command) => command.name === name || command.aliases?.includes(name));
}
