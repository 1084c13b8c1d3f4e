import { defineCommand } from '../command.ts';
import { configFlag, helpFlag, jsonFlag } from '../common-flags.ts';
import { configIfAny } from '../config-path.ts';

const server = { name: 'SERVER', summary: 'Only this server' } as const;

export const status = defineCommand({
  name: 'status',
  aliases: ['list'],
  summary: 'Show the running gateway, its servers and clients',
  group: 'Look inside',
  details: ['The exit code is 1 if no gateway runs.'],
  flags: { config: configFlag, json: jsonFlag, help: helpFlag },
  run: async ({ flags }) =>
    (await import('../commands/status.ts')).status(configIfAny(flags.config), flags.json),
});

export const tools = defineCommand({
  name: 'tools',
  summary: 'Show the tools that clients see, and their cost in tokens',
  group: 'Look inside',
  details: [
    'The cost of a tool is estimated in tokens: the bytes of its name, description and schemas, divided by 4.',
  ],
  positionals: [server],
  flags: {
    config: configFlag,
    cost: { type: 'boolean', summary: 'Show the cost per server, and names that clients reject' },
    'max-tokens': { type: 'string', value: 'N', summary: 'End with exit code 1 if the tools cost more' },
    json: jsonFlag,
    help: helpFlag,
  },
  examples: [
    { line: 'mcpstead tools github', summary: 'The tools of one server' },
    { line: 'mcpstead tools --cost --max-tokens 20000', summary: 'A check for scripts' },
  ],
  run: async ({ flags, words: [name] }) =>
    (await import('../commands/tools.ts')).tools({
      server: name,
      isCost: flags.cost,
      maxTokens: flags['max-tokens'],
      config: configIfAny(flags.config),
      isJson: flags.json,
    }),
});

export const call = defineCommand({
  name: 'call',
  summary: 'Call a tool and print its result',
  group: 'Look inside',
  details: [
    'It calls the tool through the running gateway. If none is running, it starts the server of the tool alone, and stops it afterwards.',
    'Values are converted to the types that the tool expects: numbers, true and false, JSON for objects and lists. A list may also ' +
      'be given item by item. If the tool reports an error, the exit code is 1.',
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
    { line: 'mcpstead call maths.add --args \'{"a": 1, "b": 2}\'', summary: 'Arguments as JSON' },
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

export const logs = defineCommand({
  name: 'logs',
  summary: 'Show the log of the running gateway and of its servers',
  group: 'Look inside',
  details: ['The gateway keeps the last 1,000 lines for each server, stderr included, and 1,000 of its own.'],
  positionals: [server],
  flags: {
    config: configFlag,
    follow: { type: 'boolean', short: 'f', summary: 'Follow the log until Ctrl-C' },
    lines: {
      type: 'string',
      value: 'N',
      summary: 'Begin with the last N lines; by default 1000, with -f 20',
    },
    json: jsonFlag,
    help: helpFlag,
  },
  examples: [{ line: 'mcpstead logs github -f', summary: 'Watch one server' }],
  run: async ({ flags, words: [name] }) =>
    (await import('../commands/logs.ts')).logs({
      server: name,
      isFollowing: flags.follow,
      lines: flags.lines,
      config: configIfAny(flags.config),
      isJson: flags.json,
    }),
});

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Find what is wrong with the gateway, its servers and clients, and how to fix it',
  group: 'Look inside',
  details: [
    'It checks the configuration and its variables, the port, the service, the commands of servers, the files of clients and ' +
      'the names of tools, and connects to each server once. The exit code is 1 if there are problems.',
  ],
  flags: { config: configFlag, json: jsonFlag, help: helpFlag },
  run: async ({ flags }) =>
    (await import('../commands/doctor.ts')).doctor(configIfAny(flags.config), flags.json),
});
