import { type Command, defineCommand } from '../command.ts';
import { configFlag, helpFlag, jsonFlag } from '../common-flags.ts';
import { configIfAny } from '../config-path.ts';

const call = defineCommand({
  name: 'call',
  summary: 'Call a tool once, and print its result',
  group: 'Look inside',
  details: [
    'Calls through the running gateway. Without one, it starts the server of the tool alone, and ends it again.',
    'Values get the types that the tool wants: numbers, true and false, JSON for objects and lists; a list may also be given ' +
      'item by item. A tool that reports an error ends the command with exit code 1.',
  ],
  positionals: [
    {
      name: 'SERVER.TOOL',
      summary: 'The tool, or its name for clients, such as files__read',
      isRequired: true,
    },
    {
      name: 'NAME=VALUE',
      summary: 'Its arguments; a single - reads them as JSON from stdin',
      isRepeated: true,
    },
  ],
  flags: {
    config: configFlag,
    args: { type: 'string', value: 'JSON', summary: 'All arguments as one JSON object' },
    json: { ...jsonFlag, summary: 'Print the whole result as one JSON object' },
    help: helpFlag,
  },
  examples: [
    { line: 'mcpstead call files.read_text_file path=notes.txt head=5', summary: 'Arguments by name' },
    { line: 'mcpstead call demo.add --args \'{"a": 1, "b": 2}\'', summary: 'Arguments as JSON' },
    { line: 'mcpstead call github.search_code --json < query.json -', summary: 'Arguments from a file' },
  ],
  run: async ({ flags, words: [target = '', ...words] }) =>
    (await import('../commands/call.ts')).call({
      target,
      words,
      json: flags.args,
      configPath: configIfAny(flags.config),
      isJson: flags.json,
    }),
});

/** The commands of the group, in the order of the help. */
export const inspectionCommands: readonly Command[] = [call];
