import { GatewayError } from '../../errors.ts';
import { defineCommand } from '../command.ts';
import { configFlag, helpFlag } from '../common-flags.ts';
import { configPath } from '../config-path.ts';

const noVerify = { type: 'boolean', summary: 'Do not connect to the server first' } as const;
const name = { name: 'NAME', summary: 'Name of the server in the configuration', isRequired: true } as const;
const editing =
  'Only the lines of this server change; the rest of the file stays as it is, including comments and layout. The running ' +
  'gateway reloads. If it refuses the change, the file is restored.';

/** The name, which the command line has been checked for. */
const nameOf = ([word = '']: readonly string[]): string => word;

export const add = defineCommand({
  name: 'add',
  summary: 'Add a server to the configuration',
  group: 'Servers',
  forms: ['add NAME URL [options]', 'add NAME [options] -- COMMAND…'],
  details: [
    'It connects to the server first, and writes nothing if that fails. Secrets in headers, variables, arguments and URLs move ' +
      'to mcpstead.env beside the file, which only you can read; the file refers to them as $' +
      '{NAME}.',
    editing,
  ],
  positionals: [
    {
      name: 'NAME',
      summary: 'Name of the new server, and prefix of its tool names',
      isRequired: true,
    },
    { name: 'URL', summary: 'Address of a server over HTTP' },
  ],
  rest: { name: 'COMMAND…', summary: 'Program to start as a server on stdio, with its arguments' },
  flags: {
    config: configFlag,
    env: {
      type: 'string',
      value: 'NAME=VALUE',
      isRepeated: true,
      summary: 'Variable of the program; NAME alone takes its value from this shell',
    },
    header: { type: 'string', value: 'NAME:VALUE', isRepeated: true, summary: 'HTTP header of each request' },
    protocol: {
      type: 'string',
      value: 'NAME',
      choices: ['auto', 'streamable', 'sse'],
      summary: 'Transport of a URL, if it cannot be detected',
    },
    'no-verify': noVerify,
    help: helpFlag,
  },
  examples: [
    { line: 'mcpstead add docs https://docs.example.com/mcp', summary: 'A server over HTTP' },
    {
      line: 'mcpstead add files -- npx -y @modelcontextprotocol/server-filesystem ~/notes',
      summary: 'A program on stdio',
    },
    {
      line: 'mcpstead add github --env GITHUB_TOKEN -- npx -y @modelcontextprotocol/server-github',
      summary: 'With a token from this shell',
    },
  ],
  run: async ({ flags, words, rest }) => {
    if (flags.protocol !== undefined && rest !== null)
      throw new GatewayError('usage', '--protocol is for servers with a URL; a command speaks stdio');
    const { addServer } = await import('../commands/add.ts');
    return addServer({
      configPath: configPath(flags.config),
      name: nameOf(words),
      url: words[1],
      command: rest,
      env: flags.env,
      headers: flags.header,
      protocol: flags.protocol,
      isVerified: !flags['no-verify'],
    });
  },
});

export const remove = defineCommand({
  name: 'remove',
  summary: 'Remove a server from the configuration',
  group: 'Servers',
  details: [editing, 'It also removes the comment directly above the server. Values in mcpstead.env stay.'],
  positionals: [name],
  flags: { config: configFlag, help: helpFlag },
  examples: [{ line: 'mcpstead remove docs', summary: 'Remove the server docs' }],
  run: async ({ flags, words }) =>
    (await import('../commands/edit-server.ts')).remove(configPath(flags.config), nameOf(words)),
});

export const enable = defineCommand({
  name: 'enable',
  summary: 'Enable a server that is disabled',
  group: 'Servers',
  details: ['It connects to the server first, and changes nothing if that fails.', editing],
  positionals: [name],
  flags: { config: configFlag, 'no-verify': noVerify, help: helpFlag },
  examples: [{ line: 'mcpstead enable docs', summary: 'Connect to docs and list its tools again' }],
  run: async ({ flags, words }) =>
    (await import('../commands/edit-server.ts')).enable(
      configPath(flags.config),
      nameOf(words),
      !flags['no-verify'],
    ),
});

export const disable = defineCommand({
  name: 'disable',
  summary: 'Disable a server without removing it',
  group: 'Servers',
  details: [editing],
  positionals: [name],
  flags: { config: configFlag, help: helpFlag },
  examples: [{ line: 'mcpstead disable docs', summary: 'Disconnect docs and hide its tools' }],
  run: async ({ flags, words }) =>
    (await import('../commands/edit-server.ts')).disable(configPath(flags.config), nameOf(words)),
});
